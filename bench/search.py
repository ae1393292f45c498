"""Time of a search among 10,000 contracts, relative to reading the plain list of them.

python -m bench.search [CONTRACTS]

Medians of interleaved rounds in one process, over a store in memory.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from dataclasses import replace

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")

import django

django.setup()

from bench.linter import median  # noqa: E402  Django must be set up first
from contracts_app.bundles import ContractBundle, content_digest  # noqa: E402
from contracts_app.services.overview import Facets, ListQuery, overview  # noqa: E402
from contracts_app.services.search_index import search_index  # noqa: E402
from contracts_app.storage import Actor, AuditEntry  # noqa: E402
from contracts_app.storage.memory import MemoryContractStore  # noqa: E402

WORDS = ("order", "payment", "invoice", "customer", "shipment", "stock", "tenant", "price", "address", "label", "event")


def stocked(count: int) -> MemoryContractStore:
    """Return a store with contracts of 20 fields each."""
    rng, store = random.Random(1), MemoryContractStore()
    audit = AuditEntry(Actor("bench"), "publish")
    for number in range(count):
        fields = {f"{rng.choice(WORDS)}_{rng.choice(WORDS)}{rng.randrange(50)}": {"type": "string"} for _ in range(20)}
        bundle = ContractBundle(
            name=f"{rng.choice(WORDS)}.{rng.choice(WORDS)}.n{number}",
            version="1.0.0",
            description=" ".join(rng.choices(WORDS, k=8)),
            json_schema=json.dumps({"type": "object", "properties": fields}),
            labels=(rng.choice(WORDS),),
            created_at="2026-01-01T00:00:00Z",
        )
        store.create(replace(bundle, digest=content_digest(bundle)), after=0, audit=audit)
    return store


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    store = stocked(count)
    index = store.index()
    texts = search_index(index, store)
    start = time.perf_counter()
    texts.refresh(600)
    built = time.perf_counter() - start
    print(f"{count} contracts: all texts read in {built:.2f} s, once for each worker")
    works = {
        "baseline: the summaries in order": lambda: overview(index).find(ListQuery(), texts),
        "one word of a name": lambda: overview(index).find(ListQuery(q="n77"), texts),
        "two words, many matches": lambda: overview(index).find(ListQuery(q="order price"), texts),
        "a field, few matches": lambda: overview(index).find(ListQuery(q="tenant_label17"), texts),
        "nothing, with a suggestion": lambda: texts.suggest("tennantt_label17"),
        "facets of all": lambda: Facets.of(list(overview(index).summaries)),
    }
    for name, seconds in zip(works, median(20, *works.values()), strict=True):
        print(f"{name:36} {seconds * 1e3:8.2f} ms")


if __name__ == "__main__":
    main()
