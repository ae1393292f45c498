"""Backups: the whole bucket with its history, in a folder of files that can be verified.

`backup.json` has the stream's configuration and state, as `nats stream backup` writes them, and under `registry` what
was backed up, when, and the digest of `stream.tar.s2`, the server's own snapshot. With recipients the snapshot is
encrypted (https://age-encryption.org) and named `stream.tar.s2.age`.
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pyrage

from contracts_app.storage import ContractStore

DESCRIPTION, SNAPSHOT = "backup.json", "stream.tar.s2"
ENCRYPTED = f"{SNAPSHOT}.age"
FORMAT = 1
CHUNK_BYTES = 128 * 1024
PARTIAL = ".partial"


class InvalidBackup(ValueError):
    """The folder is not a backup, was changed, or cannot be decrypted."""


@dataclass(frozen=True)
class Backup:
    """A backup in a folder."""

    folder: Path
    bucket: str
    taken: str
    """RFC 3339 in UTC."""
    stream: dict[str, Any]
    """The stream's configuration (`config`) and state (`state`)."""
    digest: str
    size: int
    """Bytes of the snapshot as stored."""

    @property
    def messages(self) -> int:
        return int(self.stream["state"]["messages"])

    @property
    def last_sequence(self) -> int:
        return int(self.stream["state"]["last_seq"])

    @property
    def snapshot(self) -> Path:
        encrypted = self.folder / ENCRYPTED
        return encrypted if encrypted.exists() else self.folder / SNAPSHOT


def take_backup(
    store: ContractStore, folder: Path, *, recipients: list[str], progress: Callable[[int], object]
) -> Backup:
    """Write a backup to a new folder in `folder`, named by bucket and time; it appears there when it is complete.

    `progress` is called with the bytes of each chunk. Raises InvalidBackup (a recipient is not one), OSError,
    StorageUnavailable.
    """
    parsed = [_recipient(each) for each in recipients]
    now = datetime.now(timezone.utc)
    partial = folder / f"{now:%Y%m%dT%H%M%S}-{os.getpid()}{PARTIAL}"
    partial.mkdir(parents=True, mode=0o700)
    try:
        path = partial / (ENCRYPTED if parsed else SNAPSHOT)
        with path.open("wb") as file, _encrypted(file, parsed) if parsed else _plain(file) as write:

            def counted(chunk: bytes) -> None:
                write(chunk)
                progress(len(chunk))

            stream = store.snapshot(counted)
        digest, size = _digest(path), path.stat().st_size
        bucket = stream["config"]["name"].removeprefix("KV_")
        about = {
            "format": FORMAT,
            "bucket": bucket,
            "taken": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "file": path.name,
            "sha256": digest,
            "bytes": size,
        }
        (partial / DESCRIPTION).write_text(json.dumps({**stream, "registry": about}, indent=1), encoding="utf-8")
        for each in (path, partial / DESCRIPTION):
            with each.open("rb") as written:
                os.fsync(written.fileno())
        final = folder / f"{bucket}-{now:%Y%m%dT%H%M%SZ}"
        os.rename(partial, final)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return read_backup(final)


def read_backup(folder: Path) -> Backup:
    """Return the backup in a folder, without verifying its content. Raises InvalidBackup, OSError."""
    try:
        found = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        about = found["registry"]
        if about["format"] != FORMAT:
            raise InvalidBackup(f"{folder / DESCRIPTION} is of format {about['format']!r:.20}; {FORMAT} is known")
        stream = {"config": dict(found["config"]), "state": dict(found["state"])}
        int(stream["state"]["messages"]), int(stream["state"]["last_seq"])
        return Backup(folder, str(about["bucket"]), str(about["taken"]), stream, about["sha256"], int(about["bytes"]))
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, InvalidBackup):
            raise
        raise InvalidBackup(f"{folder} is not a backup: {error!r}") from None


def backups_in(folder: Path) -> list[Path]:
    """Return the complete backups in a folder, oldest first."""
    return sorted(each.parent for each in folder.glob(f"*/{DESCRIPTION}") if not each.parent.name.endswith(PARTIAL))


def verify_digest(backup: Backup) -> None:
    """Raise InvalidBackup if the snapshot is not the file that was written; OSError if it cannot be read."""
    if _digest(backup.snapshot) != backup.digest:
        raise InvalidBackup(f"{backup.snapshot} is not the file that was written: it was changed, or is damaged")


@contextmanager
def opened(backup: Backup, identities: list[str]) -> Iterator[Iterator[bytes]]:
    """Open the snapshot as chunks, decrypted. Raises InvalidBackup."""
    if backup.snapshot.name != ENCRYPTED:
        with backup.snapshot.open("rb") as file:
            yield iter(lambda: file.read(CHUNK_BYTES), b"")
        return
    if not identities:
        raise InvalidBackup(f"{backup.snapshot} is encrypted; give the file with its key (--identity)")
    try:
        parsed = [pyrage.x25519.Identity.from_str(each) for each in identities]
    except pyrage.IdentityError as error:
        raise InvalidBackup(f"not an age identity: {error}") from None
    pipe = _Pipe()
    errors: list[BaseException] = []

    def decrypt() -> None:
        try:
            with backup.snapshot.open("rb") as file:
                pyrage.decrypt_io(file, pipe, parsed)
        except BaseException as error:
            errors.append(error)
        finally:
            pipe.close()

    thread = threading.Thread(target=decrypt, daemon=True)
    thread.start()

    def chunks() -> Iterator[bytes]:
        while data := pipe.read(CHUNK_BYTES):
            yield data
        if errors:  # before the end is confirmed to the server
            raise InvalidBackup(f"{backup.snapshot} cannot be decrypted: {errors[0]}")

    yield chunks()
    thread.join(10)


def _recipient(text: str) -> Any:
    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError as error:
        raise InvalidBackup(f"{text!r:.80} is not an age recipient (age1...): {error}") from None


@contextmanager
def _plain(file: Any) -> Iterator[Callable[[bytes], object]]:
    yield file.write


@contextmanager
def _encrypted(file: Any, recipients: list[Any]) -> Iterator[Callable[[bytes], object]]:
    """Encrypt in a thread what is written, so that no clear text reaches the disk."""
    pipe = _Pipe()
    errors: list[BaseException] = []

    def encrypt() -> None:
        try:
            pyrage.encrypt_io(pipe, file, recipients)
        except BaseException as error:
            errors.append(error)
            pipe.discard()

    thread = threading.Thread(target=encrypt, daemon=True)
    thread.start()
    try:
        yield pipe.write
    finally:
        pipe.close()
        thread.join()
    if errors:
        raise errors[0]


class _Pipe:
    """A file between two threads, in memory."""

    def __init__(self) -> None:
        self._chunks: queue.Queue[bytes] = queue.Queue(64)
        self._rest = b""
        self._ended = self._discarded = False

    def write(self, data: bytes) -> int:
        if data and not self._discarded:
            self._chunks.put(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self._chunks.put(b"")

    def discard(self) -> None:
        """Take no more: the reader has failed."""
        self._discarded = True
        while not self._chunks.empty():
            self._chunks.get_nowait()

    def read(self, size: int = CHUNK_BYTES) -> bytes:
        if not self._rest and not self._ended:
            self._rest = self._chunks.get()
            self._ended = not self._rest
        found, self._rest = self._rest[:size], self._rest[size:]
        return found


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
