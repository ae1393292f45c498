"""What the messages of a stream say about a contract and a proposed change of it: which fail, where and why.

A proof says what could break; this shows what would. Messages are read in batches, so that memory stays bounded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from contracts_app.exceptions import ContractRefused, TooExpensive
from contracts_app.messages import NoValue, value_of
from contracts_app.services.comparison import proposed_version
from contracts_app.services.compound_schemas import compound_schema
from contracts_app.services.schema_fields import schema_fields
from contracts_app.services.search import LATEST, find_version
from contracts_app.services.work import linter
from contracts_app.storage import ContractStore
from contracts_app.storage.base import StreamMessage
from linter_app.schema.json_text import InvalidJSON, loads
from linter_app.validation import CannotValidate
from linter_app.work_pool import WorkAborted

MAX_MESSAGES = 10_000
"""Messages that one request may read; the command `check_stream` has no such limit."""
DEFAULT_MESSAGES = 1000
MAX_GROUPS = 200
MAX_SEQUENCES = 1000
"""Sequences of one group that are listed."""
MAX_EXAMPLE_CHARACTERS = 2000
MAX_LEVELS = 20
"""Levels of a message that are looked through for fields."""

Errors = list[dict[str, str]]


@dataclass
class FailureGroup:
    """Messages that fail at one place of the schema for one reason."""

    schema_pointer: str
    instance_pointer: str
    reason: str
    count: int = 0
    sequences: list[int] = field(default_factory=list)
    example: str = ""
    """The first such message, cut if it is long."""

    def to_json(self) -> dict[str, Any]:
        return {
            "schemaPointer": self.schema_pointer,
            "instancePointer": self.instance_pointer,
            "reason": self.reason,
            "count": self.count,
            "sequences": self.sequences,
            "example": self.example,
        }


@dataclass
class SchemaResult:
    """How many messages one schema accepts, and the others by place and reason."""

    valid: int = 0
    groups: dict[tuple[str, str], FailureGroup] = field(default_factory=dict)

    def add(self, message: StreamMessage, errors: Errors) -> None:
        if not errors:
            self.valid += 1
            return
        first = errors[0]
        # Indexes differ from message to message: items of one array are one place.
        place = "/".join("*" if step.isdecimal() else step for step in first["instancePointer"].split("/"))
        key = (first["schemaPointer"], place)
        group = self.groups.get(key)
        if group is None:
            if len(self.groups) == MAX_GROUPS:
                key = ("", "")
                group = self.groups.setdefault(key, FailureGroup("", "", "for other reasons"))
            else:
                text = message.data.decode("utf-8", "replace")[:MAX_EXAMPLE_CHARACTERS]
                group = self.groups[key] = FailureGroup(first["schemaPointer"], place, first["reason"], example=text)
        group.count += 1
        if len(group.sequences) < MAX_SEQUENCES:
            group.sequences.append(message.sequence)

    @property
    def sorted_groups(self) -> list[FailureGroup]:
        """The largest first."""
        return sorted(self.groups.values(), key=lambda group: -group.count)

    def to_json(self) -> dict[str, Any]:
        return {"valid": self.valid, "failures": [group.to_json() for group in self.sorted_groups]}


@dataclass
class StreamReport:
    """The result of checking the messages of a stream."""

    messages: int = 0
    current: SchemaResult | None = None
    proposed: SchemaResult | None = None
    newly_failing: list[int] = field(default_factory=list)
    """Sequences of messages that are valid now and would no longer be, at most MAX_SEQUENCES."""
    newly_failing_count: int = 0
    absent_fields: list[str] = field(default_factory=list)
    """Fields of the schema that occur in no message."""

    def to_json(self) -> dict[str, Any]:
        return {
            "messages": self.messages,
            "current": self.current.to_json() if self.current else None,
            "proposed": self.proposed.to_json() if self.proposed else None,
            "newlyFailing": {"count": self.newly_failing_count, "sequences": self.newly_failing},
            "absentFields": self.absent_fields,
        }


def schemas_of(store: ContractStore, name: str, version: str, proposed: str | None) -> tuple[str | None, str | None]:
    """Return the compound schemas of a version (None without a name) and of a proposal.

    Raises ContractNotFound, ContractRefused.
    """
    current = None
    if name:
        current = compound_schema(find_version(store, name, version or LATEST), store)
        if current is None:
            raise ContractRefused(f"{name} has no JSON Schema", field="contract")
    if proposed is not None:
        proposed = proposed_version("", proposed, None, store).texts.schema
    return current, proposed


def check_messages(
    batches: Iterable[list[StreamMessage]],
    *,
    current: str | None,
    proposed: str | None,
    location: str = "body",
    pointer: str = "",
    sample: int = 100,
    progress: Callable[[int], object] = lambda count: None,
) -> StreamReport:
    """Validate messages by the compound schemas of the current and the proposed version, if given.

    `sample` is a percentage of the messages, chosen by their sequence. Raises ContractRefused, TooExpensive.
    """
    report = StreamReport(
        current=SchemaResult() if current is not None else None,
        proposed=SchemaResult() if proposed is not None else None,
    )
    seen: set[str] = set()
    for batch in batches:
        progress(len(batch))
        chosen = [each for each in batch if each.sequence % 100 < sample]
        report.messages += len(chosen)
        values, missing = _values(chosen, location, pointer)
        found = []
        for schema, result in ((current, report.current), (proposed, report.proposed)):
            if result is None:
                continue
            errors = {**missing, **_errors_of(schema, values)}
            for message in chosen:
                result.add(message, errors[message.sequence])
            found.append(errors)
        if len(found) == 2:
            _note_newly_failing(report, chosen, *found)
        for _, body in values:
            seen |= _fields_in(body)
    described = proposed if proposed is not None else current
    if described is not None and report.messages:
        report.absent_fields = [path for path in _described_fields(described) if path not in seen]
    return report


def _values(
    messages: list[StreamMessage], location: str, pointer: str
) -> tuple[list[tuple[int, bytes]], dict[int, Errors]]:
    """Return the values of messages by sequence, and the errors of those that have none."""
    values, missing = [], {}
    for message in messages:
        try:
            values.append((message.sequence, value_of(message.data, message.headers, location, pointer)))
        except NoValue as error:
            missing[message.sequence] = [{"instancePointer": "", "schemaPointer": "", "reason": str(error)}]
    return values, missing


def _errors_of(schema: str | None, values: list[tuple[int, bytes]]) -> dict[int, Errors]:
    found: dict[int, Errors] = {}
    left = values
    while left:
        try:
            results = linter().line_errors(schema, left)
        except CannotValidate as error:
            raise ContractRefused(str(error)) from None
        except WorkAborted as aborted:
            raise TooExpensive(
                f"The messages are too expensive to validate: {aborted.reason}", limit=aborted.limit
            ) from None
        if not results:
            raise TooExpensive(f"Message {left[0][0]} is too expensive to validate", limit="time")
        found.update(results)
        left = left[len(results) :]
    return found


def _note_newly_failing(
    report: StreamReport, messages: list[StreamMessage], current: dict[int, Errors], proposed: dict[int, Errors]
) -> None:
    for message in messages:
        if not current[message.sequence] and proposed[message.sequence]:
            report.newly_failing_count += 1
            if len(report.newly_failing) < MAX_SEQUENCES:
                report.newly_failing.append(message.sequence)


def _fields_in(body: bytes) -> set[str]:
    """Return the paths of the fields in a JSON text, such as `order.items[].sku`."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return set()
    found: set[str] = set()
    waiting: list[tuple[str, Any, int]] = [("", value, 0)]
    while waiting:
        path, each, level = waiting.pop()
        if level > MAX_LEVELS:
            continue
        if isinstance(each, dict):
            for name, member in each.items():
                below = f"{path}.{name}" if path else name
                found.add(below)
                waiting.append((below, member, level + 1))
        elif isinstance(each, list):
            waiting += [(f"{path}[]", item, level + 1) for item in each]
    return found


def _described_fields(schema: str) -> Iterator[str]:
    """Yield the paths of the properties that a schema names, each once."""
    try:
        rows = schema_fields(loads(schema))
    except InvalidJSON:
        return
    given: set[str] = set()
    for row in rows:
        plain = row.path.partition(" (")[0]
        named = plain and not plain.endswith(("[]", "*", "]")) and "/" not in plain
        if named and plain not in given and plain != "(root)":
            given.add(plain)
            yield plain
