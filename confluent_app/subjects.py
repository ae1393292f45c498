"""Subjects of the Confluent API, their contexts, and the contracts that they are.

A subject is the contract of the same name as far as the grammar of names allows that. Each other byte is written as
`_xHH_`, in upper-case hexadecimal, and so is the underscore of a text that looks like that. A subject of another
context than the default one is a contract below `_context.<context>`. A name that would be too long is a hash below
`_subject`, and the record of the subject has its real name.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from confluent_app.errors import ConfluentError
from contracts_app.bundles import valid_name

DEFAULT_CONTEXT = "."
CONTEXTS, HASHED = "_context", "_subject"
"""The first segments of contracts that are subjects of other contexts, or whose subject has a long name."""
MAX_SUBJECT_CHARACTERS = 1000
_CONTEXT = re.compile(r"\.[A-Za-z0-9_.-]*")
_ESCAPES = re.compile(r"(?:_x[0-9A-F]{2}_)+")
_LOOKS_ESCAPED = re.compile(r"_(?=x[0-9A-F]{2}_)")
_OTHER = re.compile(r"[^A-Za-z0-9_.-]+")
_DOTS = re.compile(r"^\.|(?<=\.)\.|\.$")
_SEGMENT_START = re.compile(r"[0-9]|v(?=[0-9]+\Z)")


class Subject(NamedTuple):
    """A subject and its context. With an empty name, what is set for the whole context."""

    context: str
    name: str

    def __str__(self) -> str:
        """Return the qualified name: `:.context:name`, or the name alone in the default context."""
        return self.name if self.context == DEFAULT_CONTEXT else f":{self.context}:{self.name}"

    @property
    def contract(self) -> str:
        """The name of the contract."""
        name = _encoded(self.name)
        if self.context != DEFAULT_CONTEXT:
            name = f"{context_prefix(self.context)}.{name}"
        elif name.partition(".")[0] in (CONTEXTS, HASHED):
            name = f"_x5F_{name[1:]}"
        if not valid_name(name):  # too long
            name = f"{HASHED}.h{hashlib.sha256(str(self).encode()).hexdigest()}"
        return name


def parse_subject(text: str, context: str = DEFAULT_CONTEXT) -> Subject:
    """Return the subject that a request names, in a context unless it is qualified. Raises ConfluentError."""
    name = text
    if text.startswith(":."):
        context, colon, name = text[1:].partition(":")
        if not colon:
            raise ConfluentError(42208, f"The subject {text!r:.200} begins like a context, but has no second colon")
        check_context(context)
    if len(name) > MAX_SUBJECT_CHARACTERS or not (name.isprintable() or name == "") or name in ("__GLOBAL", "__EMPTY"):
        raise ConfluentError(
            42208,
            f"The specified subject {name!r:.200} is not valid: at most {MAX_SUBJECT_CHARACTERS} printable characters",
        )
    return Subject(context, name)


def check_context(context: str) -> str:
    """Return the name of a context if it is one. Raises ConfluentError."""
    if not _CONTEXT.fullmatch(context) or len(context) > 100:
        raise ConfluentError(
            422, f"Invalid context name {context!r:.100}: a dot, then A-Z a-z 0-9 _ . and -, at most 100 characters"
        )
    return context


def context_prefix(context: str) -> str:
    """Return the prefix of the contracts of a context other than the default one."""
    return f"{CONTEXTS}.{_encoded(context[1:]).replace('.', '_x2E_')}"


def subject_of(contract: str) -> Subject | None:
    """Return the subject that a contract is, or None if only the subject's record has its name."""
    first, _, rest = contract.partition(".")
    if first == HASHED:
        return None
    if first != CONTEXTS:
        return Subject(DEFAULT_CONTEXT, _decoded(contract))
    context, dot, name = rest.partition(".")
    return Subject(f".{_decoded(context)}", _decoded(name)) if dot else None


def _escaped(text: str) -> str:
    return "".join(f"_x{byte:02X}_" for byte in text.encode())


def _encoded(name: str) -> str:
    plain = _LOOKS_ESCAPED.sub("_x5F_", name)
    plain = _DOTS.sub("_x2E_", _OTHER.sub(lambda match: _escaped(match[0]), plain))
    return ".".join(
        _SEGMENT_START.sub(lambda match: _escaped(match[0]), part, count=1) if _SEGMENT_START.match(part) else part
        for part in plain.split(".")
    )


def _decoded(name: str) -> str:
    def text(match: re.Match[str]) -> str:
        return bytes(int(pair, 16) for pair in re.findall("_x(..)_", match[0])).decode(errors="replace")

    return _ESCAPES.sub(text, name)
