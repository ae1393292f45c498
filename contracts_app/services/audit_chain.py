"""The audit log as a chain of hashes: a file in which no entry can be changed, left out or inserted unnoticed.

It is JSON lines: a header that names the stream, then one entry for each write. The hash of an entry is the SHA-256 of
the hash before it and of the entry's own compact JSON without it, so that the last hash stands for all of them.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts_app.bundles import compact
from contracts_app.exceptions import ContractConflict, MalformedContract
from contracts_app.services.audit import MAX_WRITES
from contracts_app.storage import ContractStore, StoredWrite
from contracts_app.storage.nats.bucket_settings import WANTED_HISTORY
from linter_app.schema.json_text import InvalidJSON, loads

FORMAT = 1
HASH = "hash"


@dataclass(frozen=True)
class Chain:
    """What a file holds: which stream, how many entries, the sequence of the last one, and its hash."""

    stream: str
    entries: int
    last: int
    head: str


def entry_of(written: StoredWrite) -> dict[str, Any]:
    """Return a write as an entry, without its hash. The record itself is only there as its SHA-256."""
    audit = written.audit
    return {
        "sequence": written.sequence,
        "time": written.time,
        "key": written.key,
        "action": audit.action,
        "actor": audit.actor.subject,
        "requestId": audit.actor.request_id,
        "before": hashlib.sha256(audit.before.encode()).hexdigest() if audit.before else None,
        "reason": audit.reason,
        "record": hashlib.sha256(written.value).hexdigest() if written.value is not None else None,
    }


def chained(entry: dict[str, Any], before: str) -> str:
    """Return the hash of an entry after another hash."""
    return hashlib.sha256(before.encode() + compact(entry)).hexdigest()


def writes_after(store: ContractStore, after: int) -> Iterator[StoredWrite]:
    """Yield the writes that the bucket keeps after a sequence. Raises StorageUnavailable."""
    while chunk := store.history(after=after, limit=MAX_WRITES):
        yield from chunk
        after = chunk[-1].sequence


def export_chain(store: ContractStore, path: Path, progress: Any = iter) -> Chain:
    """Write the audit log to a file, or append what was written since; return what the file holds then.

    A line that an interruption left unfinished is written anew. Raises MalformedContract for a file whose chain breaks,
    ContractConflict for one of another stream, StorageUnavailable, OSError.
    """
    stream = store.position().stream
    if path.exists():
        _drop_unfinished(path)
        known = read_chain(path)
        if known.stream != stream:
            raise ContractConflict(
                f"{path} is of the stream {known.stream}, and the bucket's is {stream} now: it was made anew. "
                "Keep the file, and begin another one"
            )
    else:
        header = compact({"format": FORMAT, "stream": stream})
        with path.open("xb") as file:
            file.write(header + b"\n")
        known = Chain(stream, 0, 0, hashlib.sha256(header).hexdigest())
    entries, last, head = known.entries, known.last, known.head
    with path.open("ab") as file:
        for written in progress(writes_after(store, last)):
            entry = entry_of(written)
            head = chained(entry, head)
            file.write(compact(entry | {HASH: head}) + b"\n")
            entries, last = entries + 1, written.sequence
        file.flush()
        os.fsync(file.fileno())
    return Chain(stream, entries, last, head)


def read_chain(path: Path) -> Chain:
    """Return what a file holds, its chain verified. Raises MalformedContract, which names the line, and OSError."""
    stream, entries, last, head = "", 0, 0, ""
    for line in _lines(path):
        stream, entry, head = line
        if entry is not None:
            entries, last = entries + 1, entry["sequence"]
    return Chain(stream, entries, last, head)


@dataclass(frozen=True)
class Comparison:
    """A file compared with the bucket."""

    chain: Chain
    kept: int
    """Entries of the file whose writes the bucket still has."""
    newer: int
    """Writes of the bucket that are not in the file yet."""
    faults: tuple[str, ...]


def compare_with_store(path: Path, store: ContractStore, progress: Any = iter) -> Comparison:
    """Compare the entries of a file with the writes that the bucket keeps.

    A bucket keeps the last WANTED_HISTORY writes of each key, so a file may have more. Raises MalformedContract,
    StorageUnavailable.
    """
    chain = read_chain(path)
    faults: list[str] = []
    stream = store.position().stream
    if stream != chain.stream:
        return Comparison(chain, 0, 0, (f"the file is of the stream {chain.stream}, and the bucket's is {stream}",))
    counts: Counter[str] = Counter()
    filed: dict[int, tuple[str, int, str]] = {}
    for _, entry, _ in _lines(path):
        if entry is not None:
            key = entry["key"]
            counts[key] += 1
            filed[entry["sequence"]] = (key, counts[key], chained(entry, ""))
    kept = newer = 0
    for written in progress(writes_after(store, 0)):
        if written.sequence > chain.last:
            newer += 1
            counts[written.key] += 1
            continue
        _, _, given = filed.pop(written.sequence, ("", 0, ""))
        if not given:
            faults.append(f"the write {written.sequence} of {written.key} is not in the file")
        elif given != chained(entry_of(written), ""):
            faults.append(f"the write {written.sequence} of {written.key} is another one in the bucket")
        else:
            kept += 1
    for sequence, (key, number, _) in filed.items():
        if counts[key] - number < WANTED_HISTORY:
            faults.append(f"the write {sequence} of {key} was removed from the bucket")
    return Comparison(chain, kept, newer, tuple(faults))


def hashes_in(path: Path) -> Iterable[str]:
    """Yield the hash after each line of a file, the header's first. Raises MalformedContract."""
    for _, _, head in _lines(path):
        yield head


def _lines(path: Path) -> Iterator[tuple[str, dict[str, Any] | None, str]]:
    """Yield the stream, the entry and the hash after each line; the header has no entry. Raises MalformedContract."""
    with path.open("rb") as file:
        header = file.readline().rstrip(b"\n")
        described = _object(path, 1, header)
        if described.get("format") != FORMAT or not isinstance(described.get("stream"), str):
            raise MalformedContract(f"{path} is not an audit log in the format {FORMAT}")
        stream, head, last = described["stream"], hashlib.sha256(header).hexdigest(), 0
        yield stream, None, head
        for number, line in enumerate(file, 2):
            entry = _object(path, number, line)
            given, sequence = entry.pop(HASH, None), entry.get("sequence")
            if not isinstance(entry.get("key"), str) or not isinstance(sequence, int) or sequence <= last:
                raise MalformedContract(f"{path}, line {number}: it has no key, or no greater sequence than before")
            head, last = chained(entry, head), sequence
            if given != head:
                raise MalformedContract(
                    f"{path}, line {number}: the chain breaks here; this entry or one before it was changed"
                )
            yield stream, entry, head


def _object(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        found = loads(line)
    except InvalidJSON as error:
        raise MalformedContract(f"{path}, line {number}: {error}") from None
    if not isinstance(found, dict):
        raise MalformedContract(f"{path}, line {number}: not an object")
    return found


def _drop_unfinished(path: Path) -> None:
    """Cut off a last line that does not end."""
    with path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        while end and file.seek(end - 1) is not None and file.read(1) != b"\n":
            end -= 1
        file.truncate(end)
