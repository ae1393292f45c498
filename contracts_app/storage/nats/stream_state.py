"""What a server says about the bucket's stream, whether that can be trusted, and whether messages have vanished.

Pure decisions without any input or output: tests/storage/test_model.py searches them for a way to a stale read.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

MAX_LEASE_SECONDS = 2.5
"""Seconds since a leader last heard from a majority, within which no other leader can have been elected.

A nats-server waits at least 4 seconds without its leader before it stands for election, and confirms the leader's
heartbeats every second. A leader that was cut off takes itself for the leader for up to 20 seconds.
"""


@dataclass(frozen=True)
class StreamState:
    """One response to STREAM.INFO."""

    created: str
    first: int
    last: int
    messages: int
    subjects: int
    last_written: int
    """When the last message was written, in nanoseconds since 1970."""
    bytes: int = 0
    max_bytes: int = -1
    max_per_subject: int = -1
    replicas: int = 1
    leader: str = ""
    leader_since: str = ""
    silences: tuple[float, ...] = ()
    """Seconds since the leader heard from each of its followers; infinite if it never did."""

    @classmethod
    def of(cls, info: Mapping[str, Any]) -> StreamState:
        """Return the state in a response. Raises KeyError and ValueError if it is not one."""
        state, config, cluster = info["state"], info["config"], info.get("cluster") or {}
        return cls(
            created=info["created"],
            first=state["first_seq"],
            last=state["last_seq"],
            messages=state["messages"],
            subjects=state.get("num_subjects", 0),
            last_written=nanoseconds(state["last_ts"]),
            bytes=state["bytes"],
            max_bytes=config.get("max_bytes", -1),
            max_per_subject=config.get("max_msgs_per_subject", -1),
            replicas=config.get("num_replicas", 1),
            leader=cluster.get("leader", ""),
            leader_since=cluster.get("leader_since", ""),
            silences=tuple(_silence(peer) for peer in cluster.get("replicas") or ()),
        )

    @property
    def doubt(self) -> str:
        """Return why this state proves nothing about the present; empty if it does.

        The only copy of a stream is always right. Of several, the leader is, while a majority follows it.
        """
        if self.replicas == 1 and not self.silences:
            return ""
        if not self.leader:
            return "the stream has no leader: most of its servers are down or cannot be reached"
        nodes = max(self.replicas, 1 + len(self.silences))
        heard = sorted((0.0, *self.silences))
        silence = heard[nodes // 2] if nodes // 2 < len(heard) else float("inf")
        if silence > MAX_LEASE_SECONDS:
            return f"the stream's leader {self.leader} has not heard from most of its servers lately"
        return ""

    @property
    def leadership(self) -> tuple[str, str]:
        return self.leader, self.leader_since

    @property
    def identity(self) -> str:
        """A short name of the stream: another one for a bucket that is made anew."""
        return identity_of(self.created)

    @property
    def is_full(self) -> bool:
        """Whether there is no room for a message of the average size."""
        return 0 < self.max_bytes < self.bytes + self.bytes // max(1, self.messages)


def identity_of(created: str) -> str:
    return hashlib.sha256(created.encode()).hexdigest()[:8]


def _silence(peer: Mapping[str, Any]) -> float:
    # The server leaves out or sends 0 for a peer that it has not heard from since it became the leader.
    return (peer.get("active") or float("inf")) / 1e9


@lru_cache(64)
def nanoseconds(moment: str) -> int:
    """Return a time in RFC 3339 form and UTC as nanoseconds since 1970; negative for the year 1."""
    seconds, _, fraction = moment.removesuffix("Z").partition(".")
    whole = int(datetime.fromisoformat(f"{seconds}+00:00").timestamp())
    return whole * 10**9 + int(fraction.ljust(9, "0") or 0)


class _Applied(NamedTuple):
    sequence: int
    written: int
    number: int
    """How many messages were applied until then."""
    subjects: int
    """How many keys were known then, deleted ones included."""


class Tally:
    """Counts what a replica applies, and finds contradictions with the stream: messages that have vanished.

    A purge, an expiry and an administrator's deletion reach no consumer. They change the stream's number of subjects or
    of messages. The only other reason for fewer messages is the limit of messages for a subject: each message for a key
    that was known can remove an earlier one.
    """

    def __init__(self) -> None:
        self._applied: deque[_Applied] = deque([_Applied(0, 0, 0, 0)], maxlen=1000)
        self._number = 0
        self._base: tuple[int, _Applied] | None = None

    def add(self, sequence: int, written: int, subjects: int) -> None:
        """Count a message that was applied; `subjects` keys are known now."""
        self._number += 1
        self._applied.append(_Applied(sequence, written, self._number, subjects))

    def contradiction(self, state: StreamState) -> str:
        """Return what the stream has lost of what was applied up to its last message; empty if nothing.

        All messages up to the state's last one must have been applied. Later ones do not matter.
        """
        found = next((each for each in reversed(self._applied) if each.sequence <= state.last), None)
        if found is None:  # a very late response: the next one decides
            return ""
        if found.sequence == state.last and found.sequence and found.written != state.last_written:
            return "the stream's last message is another one than was applied"
        if found.subjects != state.subjects:
            return f"the stream has {state.subjects} keys, and {found.subjects} were applied"
        if self._base is not None:
            messages, base = self._base
            if found.number < base.number:
                return ""
            lost = messages + found.number - base.number - state.messages
            removable = found.number - base.number - (found.subjects - base.subjects)
            if state.messages + lost - state.subjects < state.max_per_subject:
                removable = 0  # no key can have so many messages
            if not 0 <= lost <= removable:
                return f"the stream has {state.messages} messages, not {state.messages + lost} as were counted"
        self._base = state.messages, found
        return ""
