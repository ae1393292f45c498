"""What an installation remembers of its bucket: when the stream was created, as the server says.

A service that has seen the bucket once never creates it again: an empty one in place of a lost one would accept other
contents for versions that were published before.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
from pathlib import Path

logger = logging.getLogger(__name__)


class KnownStream:
    """Kept in memory, and in a file where there is a folder for it."""

    def __init__(self, folder: str, servers: list[str], bucket: str) -> None:
        identity = f"{','.join(sorted(servers))} {bucket}"
        self._file = Path(folder) / hashlib.sha256(identity.encode()).hexdigest()[:32] if folder else None
        self._created = ""

    @property
    def created(self) -> str:
        """When the stream was created that was seen last; empty if none was ever seen."""
        if not self._created and self._file is not None:
            with contextlib.suppress(OSError, UnicodeDecodeError):
                self._created = self._file.read_text(encoding="utf-8").strip()
        return self._created

    def forget(self) -> None:
        """Accept any bucket next, a new one too."""
        self._created = ""
        if self._file is not None:
            self._file.unlink(missing_ok=True)

    def remember(self, created: str) -> None:
        before = self.created
        if created == before:
            return
        if before:
            logger.error(
                "the bucket is not the one that was used before: it was deleted, and made anew",
                extra={"stream_created": created, "known": before},
            )
        self._created = created
        if self._file is not None:
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                self._file.write_text(created + "\n", encoding="utf-8")
            except OSError as error:  # a read-only file system: the process remembers it all the same
                logger.info("the bucket's identity is remembered by this process only", extra={"reason": str(error)})
