"""A model of the protocol of ADR 1 and 5: a stream of three nodes with partitions, freezes, crashes and administrators.

The decisions are the real ones (stream_state.py); the nodes, their elections and the network are simulated, with a
clock of their own. A read may be refused, but what it shows is what the stream holds, and an acknowledged write is
neither lost nor done twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from contracts_app.storage.nats import stream_state
from contracts_app.storage.nats.stream_state import StreamState, Tally

NODES = (0, 1, 2)
HEARTBEAT, ELECTION = 1.0, 4.0
HISTORY = 3
"""Messages that the stream keeps of a key."""
KEYS = st.sampled_from("abc")
ANY_NODE = st.sampled_from(NODES)


@dataclass(frozen=True)
class Entry:
    """One committed operation: a message, or an administrator's removal of messages."""

    key: str = ""
    sequence: int = 0
    written: int = 0
    removed: tuple[int, ...] = ()


@dataclass
class Contents:
    """What a node has of the stream, after a part of the log."""

    applied: int = 0
    messages: dict[int, Entry] = field(default_factory=dict)
    last: int = 0
    last_written: int = 0

    def apply(self, entry: Entry) -> None:
        self.applied += 1
        for sequence in entry.removed:
            self.messages.pop(sequence, None)
        if entry.key:
            self.messages[entry.sequence] = entry
            self.last, self.last_written = entry.sequence, entry.written
            older = sorted(s for s, each in self.messages.items() if each.key == entry.key)
            for sequence in older[:-HISTORY]:
                del self.messages[sequence]

    def view(self) -> dict[str, int]:
        """Return the last sequence of each key."""
        return {each.key: sequence for sequence, each in sorted(self.messages.items())}


@dataclass
class Node:
    contents: Contents = field(default_factory=Contents)
    leads: bool = False
    term: int = 0
    heard: dict[int, float] = field(default_factory=dict)
    """When a leader last heard from each follower."""
    contact: float = 0.0
    """When a follower last heard from a leader."""
    frozen: bool = False
    group: int = 0


@dataclass
class Copy:
    """A replica at one node, with its consumer at another."""

    node: int
    consumer: int
    view: dict[str, int] = field(default_factory=dict)
    sequence: int = 0
    created: str = ""
    tally: Tally = field(default_factory=Tally)
    loaded: bool = False


class Protocol(RuleBasedStateMachine):
    @initialize(consumers=st.tuples(ANY_NODE, ANY_NODE))
    def begin(self, consumers) -> None:
        self.now = 10.0
        self.created = "first"
        self.incarnations = 1
        self.log: list[Entry] = []
        self.nodes = [Node(contact=self.now) for _ in NODES]
        self.copies = [Copy(0, consumers[0]), Copy(1, consumers[1])]
        self.acknowledged: dict[tuple[str, int], str] = {}
        self.elect(0)

    # The simulated cluster

    def elect(self, number: int) -> None:
        followers = [node for each, node in enumerate(self.nodes) if self.connected(number, each)]
        term = 1 + max(node.term for node in followers)
        for node in followers:  # the others do not learn of it
            node.leads, node.term, node.contact = node is self.nodes[number], term, self.now
        leader = self.nodes[number]
        leader.heard = {each: self.now for each in NODES if each != number and self.connected(number, each)}
        self.catch_up(number)

    def connected(self, one: int, other: int) -> bool:
        a, b = self.nodes[one], self.nodes[other]
        return a.group == b.group and not a.frozen and not b.frozen

    def catch_up(self, number: int, limit: int | None = None) -> None:
        contents = self.nodes[number].contents
        for entry in self.log[contents.applied :][:limit]:
            contents.apply(entry)

    def majority(self, number: int) -> bool:
        return sum(self.connected(number, each) for each in NODES) >= 2

    def is_deposed(self, number: int) -> bool:
        """Whether a node that it reaches has voted in a later term."""
        return any(self.nodes[each].term > self.nodes[number].term for each in NODES if self.connected(number, each))

    def true_leader(self) -> int | None:
        """The leader that can commit: it has all that is committed."""
        for number in NODES:
            if self.nodes[number].leads and self.majority(number) and not self.is_deposed(number):
                return number
        return None

    @rule(seconds=st.sampled_from([0.1, 1.0, 2.0, 4.5, 9.0]))
    def wait(self, seconds) -> None:
        steps = max(1, round(seconds / 0.5))
        for _ in range(steps):
            self.now += seconds / steps
            self.beat()

    def beat(self) -> None:
        leaders = [number for number in NODES if self.nodes[number].leads and not self.nodes[number].frozen]
        current = self.true_leader()
        for number in leaders:
            leader = self.nodes[number]
            if self.is_deposed(number):
                leader.leads = False
                continue
            for each in NODES:
                if (
                    each != number
                    and self.connected(number, each)
                    and self.now - leader.heard.get(each, 0) >= HEARTBEAT
                ):
                    leader.heard[each] = self.nodes[each].contact = self.now
        if current is None:
            able = [
                number
                for number in NODES
                if self.majority(number)
                and all(
                    self.now - self.nodes[each].contact >= ELECTION for each in NODES if self.connected(number, each)
                )
            ]
            if able:
                self.elect(max(able, key=lambda number: self.nodes[number].contents.applied))

    @rule(number=st.sampled_from([None, 0, 1, 2]), seconds=st.sampled_from([0.1, 2.0, 9.0]))
    def isolate(self, number, seconds) -> None:
        """Cut one node off from the others; with None, heal the network."""
        for each, node in enumerate(self.nodes):
            node.group = int(each == number)
        self.wait(seconds)

    @rule(number=st.sampled_from([None, 0, 1, 2]), seconds=st.sampled_from([0.1, 2.0, 9.0]))
    def freeze(self, number, seconds) -> None:
        """Freeze one node; with None, thaw all."""
        for each, node in enumerate(self.nodes):
            node.frozen = each == number
        self.wait(seconds)

    @rule(number=ANY_NODE, limit=st.integers(1, 3))
    def replicate(self, number, limit) -> None:
        """A follower applies some of what its leader has sent."""
        leader = self.true_leader()
        if leader is not None and self.connected(number, leader):
            self.catch_up(number, limit)

    def commit(self, entry: Entry) -> None:
        self.log.append(entry)
        self.catch_up(self.true_leader())

    @precondition(lambda self: self.true_leader() is not None)
    @rule(key=KEYS, writer=st.sampled_from([0, 1]))
    def publish(self, key, writer) -> None:
        """A compare-and-set: it succeeds only if the writer has read the key's last sequence."""
        leader = self.true_leader()
        copy = self.copies[writer]
        if not self.connected(copy.node, leader):
            return
        contents = self.nodes[leader].contents
        seen = self.read(copy)
        if seen is None or seen.get(key, 0) != contents.view().get(key, 0):
            return
        sequence = contents.last + 1
        assert (self.created, sequence) not in self.acknowledged
        self.commit(Entry(key, sequence, written=round(self.now * 1000) * 1000 + len(self.log)))
        self.acknowledged[self.created, sequence] = key
        self.read_and_compare(1 - writer)

    @precondition(lambda self: self.true_leader() is not None)
    @rule(key=KEYS)
    def purge_a_key(self, key) -> None:
        held = self.nodes[self.true_leader()].contents.messages
        self.remove([sequence for sequence, each in held.items() if each.key == key])

    @precondition(lambda self: self.true_leader() is not None)
    @rule()
    def purge_all(self) -> None:
        self.remove(list(self.nodes[self.true_leader()].contents.messages))

    def remove(self, sequences: list[int]) -> None:
        if sequences:
            self.commit(Entry(removed=tuple(sequences)))
            for sequence in sequences:
                self.acknowledged.pop((self.created, sequence), None)

    @precondition(lambda self: self.true_leader() is not None)
    @rule()
    def make_anew(self) -> None:
        self.incarnations += 1
        self.created = f"stream {self.incarnations}"
        self.log.clear()
        for node in self.nodes:
            node.contents = Contents()

    # The registry

    def ask(self, number: int) -> StreamState | None:
        """Return an answer to STREAM.INFO: of a reachable node that takes itself for the leader."""
        if self.nodes[number].frozen:
            return None
        for each in NODES:
            node = self.nodes[each]
            if node.leads and self.connected(number, each):
                silences = tuple(self.now - node.heard.get(other, -1e9) for other in NODES if other != each)
                return self.state_of(node.contents, f"n{each}", silences)
        return self.state_of(self.nodes[number].contents, "", (float("inf"), float("inf")))

    def state_of(self, contents: Contents, leader: str, silences: tuple[float, ...]) -> StreamState:
        return StreamState(
            created=self.created,
            first=min(contents.messages, default=contents.last + 1),
            last=contents.last,
            messages=len(contents.messages),
            subjects=len(contents.view()),
            last_written=contents.last_written,
            max_per_subject=HISTORY,
            replicas=3,
            leader=leader,
            silences=silences,
        )

    def deliver(self, copy: Copy) -> None:
        """The consumer delivers what its node has."""
        for sequence, entry in sorted(self.nodes[copy.consumer].contents.messages.items()):
            if sequence > copy.sequence and self.connected(copy.node, copy.consumer):
                copy.view[entry.key] = copy.sequence = sequence
                copy.tally.add(sequence, entry.written, len(copy.view))

    def load(self, copy: Copy, state: StreamState) -> None:
        """Load the last message of each key that the consumer's node has, and prove that this is all."""
        copy.view, copy.sequence, copy.tally, copy.created = {}, 0, Tally(), state.created
        held = self.nodes[copy.consumer].contents.messages if self.connected(copy.node, copy.consumer) else {}
        newest = {entry.key: sequence for sequence, entry in sorted(held.items())}
        for sequence in sorted(newest.values()):
            copy.view[held[sequence].key] = copy.sequence = sequence
            copy.tally.add(sequence, held[sequence].written, len(copy.view))
        following = [s for s in self.nodes[int(state.leader[1])].contents.messages if s > copy.sequence]
        if not following:
            copy.sequence = max(copy.sequence, state.last)
        copy.loaded = copy.sequence >= state.last and not copy.tally.contradiction(state)

    def read(self, copy: Copy) -> dict[str, int] | None:
        """Return what a read shows, or None if it is refused."""
        state = self.ask(copy.node)
        if state is None or state.doubt:
            return None
        if not copy.loaded or state.created != copy.created or state.last < copy.sequence:
            self.load(copy, state)
        elif state.last > copy.sequence:
            self.deliver(copy)
            if copy.sequence < state.last:
                return None
        if copy.loaded and copy.tally.contradiction(state):
            self.load(copy, state)
        return dict(copy.view) if copy.loaded else None

    @rule(number=st.sampled_from([0, 1]))
    def read_and_compare(self, number) -> None:
        shown = self.read(self.copies[number])
        if shown is not None:
            truth = Contents()
            for entry in self.log:
                truth.apply(entry)
            assert shown == truth.view(), (shown, truth.view())

    @rule(number=st.sampled_from([0, 1]), consumer=ANY_NODE)
    def restart_a_registry(self, number, consumer) -> None:
        self.copies[number] = Copy(self.copies[number].node, consumer)

    @invariant()
    def no_acknowledged_write_is_lost(self) -> None:
        kept = {entry.sequence for entry in self.log if entry.key}
        assert {sequence for created, sequence in self.acknowledged if created == self.created} <= kept


TestProtocol = Protocol.TestCase
TestProtocol.settings = settings(max_examples=300, stateful_step_count=50, deadline=None)


def test_the_model_finds_a_lease_that_is_too_long(monkeypatch):
    """A model that finds nothing may look at nothing: an isolated leader would be believed for 30 seconds."""
    monkeypatch.setattr(stream_state, "MAX_LEASE_SECONDS", 30)
    with pytest.raises(Exception, match="assert|Hypothesis found"):
        run_state_machine_as_test(Protocol, settings=settings(TestProtocol.settings, derandomize=True, database=None))
