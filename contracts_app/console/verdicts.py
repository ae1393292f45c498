"""Verdicts on steps between stored versions, cached: the texts of a step never change."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass

from django.core.cache import cache

from contracts_app.bundles import compact
from contracts_app.exceptions import ContractError, StorageUnavailable
from contracts_app.policies import Policy
from contracts_app.services.comparison import compare, compared_version
from contracts_app.storage import ContractIndex, Entry, contract_store

CACHE_SECONDS = 24 * 3600


@dataclass(frozen=True)
class StepVerdict:
    """A short form of a verdict."""

    verdict: str
    """`compatible`, `breaking`, `undecided`; or `unknown` where the texts could not be compared."""
    changes: int
    breaking: int
    problem: str = ""


def verdict_between(
    older: Entry, newer: Entry, policy: Policy, index: ContractIndex, *, only_known: bool = False
) -> StepVerdict | None:
    """Return the verdict on a step. With `only_known`, return None if it is not cached. Raises StorageUnavailable."""
    key = _key(older, newer, policy)
    known: StepVerdict | None = cache.get(key)
    if known is not None or only_known:
        return known
    store = contract_store()
    try:
        old, new = (compared_version(store.content(entry, index), store) for entry in (older, newer))
        report = compare(old, new, policy)
    except StorageUnavailable:
        raise
    except ContractError as error:
        return StepVerdict("unknown", 0, 0, error.message)
    found = StepVerdict(
        report.verdict,
        len(report.changes),
        len(report.breaking) + len(report.undecided),
        "; ".join(report.problems),
    )
    cache.set(key, found, CACHE_SECONDS)
    return found


def _key(older: Entry, newer: Entry, policy: Policy) -> str:
    # The versions and the pinned dependencies are part of the key: they decide too.
    sides = [[side.version, side.digest, [pin.to_json() for pin in side.dependencies]] for side in (older, newer)]
    return "verdict:" + hashlib.sha256(compact([sides, asdict(policy)])).hexdigest()
