"""Text for people: what names and values of other people can contain must not look like lines or commands of ours."""

from __future__ import annotations

import re

# Controls (C0, C1), line and paragraph separators, bidirectional controls, and half surrogates.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
# What a runner of GitHub or Azure takes for a command: at the start of a line, or anywhere.
_COMMAND_AT_START = re.compile(r"(?=\s*::)")
_COMMAND = re.compile(r"##(?=\[)")


def printable(text: str) -> str:
    """Return a text on one line, with controls and workflow commands escaped as `\\x1b` or `\\u202e`."""
    text = _UNSAFE.sub(_escaped, text)
    if _COMMAND_AT_START.match(text):
        text = text.replace("::", "\\x3a:", 1)
    return _COMMAND.sub(r"\\x23#", text)


def printable_lines(text: str) -> str:
    """Return a text of several lines, each of them printable."""
    return "\n".join(map(printable, text.split("\n")))


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
