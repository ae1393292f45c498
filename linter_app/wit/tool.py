"""WIT (WebAssembly Interface Type) texts, checked by the real `wasm-tools`."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from linter_app.work_pool import die_with_parent

TIMEOUT_SECONDS = 10
_LOCATION = re.compile(r"-->\s*\S*?:(\d+):(\d+)\s*$", re.MULTILINE)


@dataclass
class InvalidWIT(ValueError):
    """WIT that cannot be parsed or resolved; line and column count from 1, None where the tool names no location."""

    reason: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return f"line {self.line} column {self.column}: {self.reason}" if self.line else self.reason


class WITToolFailed(RuntimeError):
    """wasm-tools is missing, crashed or took too long: the text was not checked."""


def wasm_tools() -> str:
    """Return the path of wasm-tools: next to this Python, else on PATH. Raises WITToolFailed."""
    installed = Path(sysconfig.get_path("scripts")) / "wasm-tools"
    found = str(installed) if installed.exists() else shutil.which("wasm-tools")
    if not found:
        raise WITToolFailed("wasm-tools is not installed; `make install` brings it")
    return found


def resolve(text: str, dependencies: Mapping[str, str] | None = None, *, timeout: float = TIMEOUT_SECONDS) -> Any:
    """Return one WIT package with the packages that it uses, parsed and resolved, as wasm-tools prints it in JSON.

    `dependencies` maps a label (shown in errors) to the text of another package. Items that are `@unstable` are
    included. Raises InvalidWIT or WITToolFailed.
    """
    return json.loads(_resolved(text, tuple((dependencies or {}).items()), timeout))


@lru_cache(maxsize=64)  # a version is compared with its neighbours again and again; failures are not kept
def _resolved(text: str, dependencies: tuple[tuple[str, str], ...], timeout: float) -> str:
    with tempfile.TemporaryDirectory(prefix="wit-") as folder:
        _write_packages(Path(folder), text, dependencies)
        return _run(["component", "wit", "--json", "--all-features", folder], folder, timeout)


def _write_packages(folder: Path, text: str, dependencies: Iterable[tuple[str, str]]) -> None:
    """Lay out a package and those that it uses as wasm-tools reads them."""
    (folder / "contract.wit").write_text(text, encoding="utf-8", newline="")
    for number, (label, other) in enumerate(dependencies):
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", label)[:80] or "dependency"
        path = folder / "deps" / str(number) / f"{name}.wit"
        path.parent.mkdir(parents=True)
        path.write_text(other, encoding="utf-8", newline="")


def encode_wit(text: str, dependencies: Mapping[str, str] | None = None, *, timeout: float = TIMEOUT_SECONDS) -> bytes:
    """Return one WIT package in its binary form, which contains the packages that it uses.

    Items that are `@unstable` are included. Raises InvalidWIT or WITToolFailed.
    """
    with tempfile.TemporaryDirectory(prefix="wit-") as folder:
        _write_packages(Path(folder), text, (dependencies or {}).items())
        encoded = Path(folder) / "package.wasm"
        _run(["component", "wit", "--wasm", "--all-features", "-o", str(encoded), folder], folder, timeout)
        return encoded.read_bytes()


def decode_wit(binary: bytes, *, timeout: float = TIMEOUT_SECONDS) -> str:
    """Return the text of the WIT package that a binary form contains, without the packages that it uses.

    Raises InvalidWIT or WITToolFailed.
    """
    with tempfile.TemporaryDirectory(prefix="wit-") as folder:
        encoded, decoded = Path(folder) / "package.wasm", Path(folder) / "decoded"
        encoded.write_bytes(binary)
        _run(["component", "wit", "--all-features", "--out-dir", str(decoded), str(encoded)], folder, timeout)
        found = [path for path in decoded.glob("*.wit") if path.is_file()]
        if len(found) != 1:
            raise InvalidWIT("the binary does not contain exactly one WIT package of its own")
        return found[0].read_text(encoding="utf-8")


def check_wit(text: str, dependencies: Mapping[str, str] | None = None, *, timeout: float = TIMEOUT_SECONDS) -> None:
    """Parse and resolve one WIT package given as text. Raises InvalidWIT or WITToolFailed."""
    resolve(text, dependencies, timeout=timeout)


def _run(arguments: list[str], folder: str, timeout: float) -> str:
    try:
        done = subprocess.run(
            [wasm_tools(), *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            env={"PATH": os.environ.get("PATH", ""), "NO_COLOR": "1"},
            preexec_fn=die_with_parent,
        )
    except subprocess.TimeoutExpired:
        raise WITToolFailed(f"wasm-tools did not finish within {timeout:g} seconds") from None
    except OSError as error:
        raise WITToolFailed(f"wasm-tools could not be started: {error}") from None
    if done.returncode == 0:
        return done.stdout
    message = done.stderr.replace(f"{folder}/", "").replace(folder, "the package")
    reason = re.sub(r"^error:\s*", "", message.strip())
    if done.returncode != 1 or not message.strip().startswith("error:"):
        raise WITToolFailed(f"wasm-tools ended with status {done.returncode}: {reason[:300]}")
    match = _LOCATION.search(message)
    # The tool nests causes, the last of which is the reason; the others name files.
    first = re.sub(r"\s+", " ", reason.split("-->")[0]).strip()
    first = re.sub(r"^.*Caused by: (?:\d+: )?|failed to parse package: the package: ", "", first)
    raise InvalidWIT(first, int(match[1]) if match else None, int(match[2]) if match else None)
