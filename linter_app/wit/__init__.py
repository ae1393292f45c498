"""WIT (WebAssembly Interface Type) texts: checked and resolved by the real `wasm-tools`, compared by rules."""

from linter_app.wit.diff import diff_wit
from linter_app.wit.tool import InvalidWIT, WITToolFailed, check_wit, resolve, wasm_tools

__all__ = ["InvalidWIT", "WITToolFailed", "check_wit", "diff_wit", "resolve", "wasm_tools"]
