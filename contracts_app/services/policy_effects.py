"""What a change of a policy means for the contracts that exist: which become stricter or looser, and in what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contracts_app.policies import Policy, effective_policy, levels_of
from contracts_app.storage import ContractIndex

_ORDER: dict[str, int] = {"none": 0, "backward": 1, "forward": 1, "full": 2}
_STRICTER_WHEN_TRUE = ("strictOpenObjects", "refuseUnresolvedReferences", "readOnly", "protectConsumers")
_LOOSER_WHEN_TRUE = ("readersIgnoreUnknown", "allowOverride")


@dataclass(frozen=True)
class PolicyEffect:
    """The members of one contract's effective policy that change, each with the old and the new value."""

    contract: str
    members: tuple[tuple[str, Any, Any], ...]

    @property
    def direction(self) -> str:
        """`stricter`, `looser`, `mixed`, or `neutral` for what only describes."""
        found = {_direction(*each) for each in self.members} - {"neutral"}
        return found.pop() if len(found) == 1 else "mixed" if found else "neutral"


def policy_effects(index: ContractIndex, key: str, policy: dict[str, Any] | None) -> list[PolicyEffect]:
    """Return what writing a policy, or deleting it (None), changes, for each contract whose effective policy does."""
    before = levels_of(index.documents)
    after = {name: each for name, each in before.items() if name != key}
    if policy is not None:
        after[key] = policy
    found = []
    for name in index.names_from(""):
        old, new = (effective_policy(levels, name).to_json() for levels in (before, after))
        members = tuple((member, old[member], new[member]) for member in old if old[member] != new[member])
        if members:
            found.append(PolicyEffect(name, members))
    return found


def _direction(member: str, old: Any, new: Any) -> str:
    if member == "compatibility":
        ranks = [_rank(value) for value in (old, new)]
        return "stricter" if ranks[1] > ranks[0] else "looser" if ranks[1] < ranks[0] else "mixed"
    if member == "minimumNoticeDays":
        return "stricter" if new > old else "looser"
    if member == "requiredSigners":
        looser = set(new) >= set(old) if new and old else not new
        return "looser" if looser else "stricter" if not old or set(new) <= set(old) else "mixed"
    if member == "review":
        return "stricter" if set(new) > set(old) else "looser" if set(new) < set(old) else "mixed"
    if member in _STRICTER_WHEN_TRUE:
        return "stricter" if new else "looser"
    if member in _LOOSER_WHEN_TRUE:
        return "looser" if new else "stricter"
    return "neutral"


def _rank(compatibility: str) -> tuple[int, bool]:
    policy = Policy(compatibility=compatibility)
    return _ORDER[policy.mode], policy.transitive
