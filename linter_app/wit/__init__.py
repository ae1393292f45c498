"""WIT (WebAssembly Interface Type) texts: checked and resolved by the real `wasm-tools`, compared by rules."""

from linter_app.wit.diff import diff_wit
from linter_app.wit.text import Used, declared_in, used_in, with_version
from linter_app.wit.tool import InvalidWIT, WITToolFailed, check_wit, decode_wit, encode_wit, resolve, wasm_tools

__all__ = [
    "InvalidWIT",
    "Used",
    "WITToolFailed",
    "check_wit",
    "declared_in",
    "decode_wit",
    "diff_wit",
    "encode_wit",
    "resolve",
    "used_in",
    "wasm_tools",
    "with_version",
]
