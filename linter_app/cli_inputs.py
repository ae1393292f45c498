"""Input files and options of the command line, read with errors that name the file."""

from __future__ import annotations

from pathlib import Path

from linter_app.bounded import BoundedLinter, Texts
from linter_app.printable import printable_lines
from linter_app.schema.dialects import InvalidSchema
from linter_app.schema.json_text import InvalidJSON, loads
from linter_app.semver import InvalidVersion, Version
from linter_app.wit import InvalidWIT, WITToolFailed
from linter_app.work_pool import WorkAborted

UNUSABLE = 2


class Failure(Exception):
    """The command ends with an exit code other than 0; the message says why."""

    def __init__(self, message: str, status: int = UNUSABLE) -> None:
        super().__init__(printable_lines(message))
        self.status = status


def read_resources(given: list[str], linter: BoundedLinter) -> Texts:
    """Return the texts of the schemas of `URI=FILE` options, with their URIs. Raises Failure."""
    found = {}
    for each in given:
        uri, equals, path = each.partition("=")
        if not equals or not uri or not path:
            raise Failure(f"--resource {each} is not URI=FILE")
        found[uri] = read_schema(Path(path), linter)
    return tuple(found.items())


def read_bytes(path: Path) -> bytes:
    """Return the content of a file. Raises Failure."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}") from None


def read_wit(path: Path, linter: BoundedLinter) -> str:
    """Return a valid WIT text. Raises Failure, naming the file and the line."""
    try:
        wit = read_bytes(path).decode("utf-8")
        linter.check_wit(wit)
    except UnicodeDecodeError:
        raise Failure(f"{path} is not UTF-8") from None
    except InvalidWIT as error:
        raise Failure(f"{path} is not valid WIT: {error}") from None
    except WITToolFailed as error:
        raise Failure(str(error)) from None
    except WorkAborted as aborted:
        raise _too_expensive(path, aborted) from None
    return wit


def read_schema(path: Path, linter: BoundedLinter) -> str:
    """Return the text of a valid JSON Schema. Raises Failure, naming the file and the pointer."""
    content = read_bytes(path)
    try:
        linter.check_schema(content)
    except WorkAborted as aborted:
        raise _too_expensive(path, aborted) from None
    except InvalidJSON as error:
        raise Failure(f"{path} is not JSON: {error}") from None
    except InvalidSchema as error:
        raise Failure(f"{path} is not a valid JSON Schema: {error}") from None
    return content.decode()


def read_json(path: Path) -> str:
    """Return a JSON text, whether it is a valid schema or not. Raises Failure, naming the file."""
    content = read_bytes(path)
    try:
        loads(content)
    except InvalidJSON as error:
        raise Failure(f"{path} is not JSON: {error}") from None
    return content.decode()


def _too_expensive(path: Path, aborted: WorkAborted) -> Failure:
    return Failure(f"{path} is too expensive to check: {aborted.reason} (--timeout, --memory)")


def read_version(given: str | None) -> str | None:
    """Return a version option, if it is given. Raises Failure."""
    if given is None:
        return None
    try:
        return Version.parse(given).text
    except InvalidVersion as error:
        raise Failure(f"Invalid version: {error}") from None
