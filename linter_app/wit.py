"""WIT (WebAssembly Interface Type) texts, checked by the real `wasm-tools`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_SECONDS = 10
_PLACE = re.compile(r"-->\s*\S*?:(\d+):(\d+)\s*$", re.MULTILINE)


@dataclass
class InvalidWIT(ValueError):
    """WIT that does not parse or resolve; line and column count from 1, None where the tool names no place."""

    reason: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return f"line {self.line} column {self.column}: {self.reason}" if self.line else self.reason


class WITToolFailed(RuntimeError):
    """wasm-tools is missing, crashed or took too long: the text was not judged."""


def tool() -> str:
    """The path of wasm-tools: beside this Python, else on PATH. Raises WITToolFailed."""
    beside = Path(sysconfig.get_path("scripts")) / "wasm-tools"
    found = str(beside) if beside.exists() else shutil.which("wasm-tools")
    if not found:
        raise WITToolFailed("wasm-tools is not installed; `make install` brings it")
    return found


def check_wit(text: str, *, timeout: float = TIMEOUT_SECONDS) -> None:
    """Parse and resolve one WIT package given as text. Raises InvalidWIT or WITToolFailed."""
    with tempfile.TemporaryDirectory(prefix="wit-") as folder:
        path = Path(folder) / "contract.wit"
        path.write_text(text, encoding="utf-8", newline="")
        try:
            done = subprocess.run(
                [tool(), "component", "wit", "--json", str(path)],
                capture_output=True,
                text=True,
                timeout=timeout,
                stdin=subprocess.DEVNULL,
                env={"PATH": os.environ.get("PATH", ""), "NO_COLOR": "1"},
            )
        except subprocess.TimeoutExpired:
            raise WITToolFailed(f"wasm-tools did not finish within {timeout:g} seconds") from None
        except OSError as error:
            raise WITToolFailed(f"wasm-tools could not be started: {error}") from None
        if done.returncode == 0:
            return
        message = done.stderr.replace(str(path), "contract.wit").replace(folder, "")
        reason = re.sub(r"^error:\s*", "", message.strip())
        if done.returncode != 1 or not message.strip().startswith("error:"):
            raise WITToolFailed(f"wasm-tools ended with status {done.returncode}: {reason[:300]}")
        place = _PLACE.search(message)
        first = re.sub(r"\s+", " ", reason.split("-->")[0]).strip()
        raise InvalidWIT(first, int(place[1]) if place else None, int(place[2]) if place else None)
