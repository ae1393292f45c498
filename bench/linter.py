"""Time of a comparison, relative to the time that any reader of the same schemas needs to parse and compile them.

python -m bench.linter

Medians of interleaved rounds in one process, so that a noisy machine affects both equally.
"""

from __future__ import annotations

import copy
import json
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs

from linter_app import lint

FIXTURES = Path(__file__).parent.parent / "contracts" / "fixtures" / "linter"
WORDS = ("spec", "template", "volume", "node", "affinity", "selector", "status", "policy", "port", "label")


def resource(rng: random.Random, breadth: int, depth: int) -> dict[str, Any]:
    """A schema in the style of a cluster resource's definition: wide, deep, described, without references."""
    properties: dict[str, Any] = {}
    for number in range(breadth):
        name = f"{rng.choice(WORDS)}{number}"
        kind = rng.random()
        if depth and kind < 0.35:
            properties[name] = resource(rng, breadth, depth - 1)
        elif depth and kind < 0.45:
            properties[name] = {"type": "array", "items": resource(rng, breadth, depth - 1)}
        elif kind < 0.6:
            properties[name] = {"type": "integer", "format": "int32", "minimum": 0, "description": "How many. " * 9}
        elif kind < 0.7:
            properties[name] = {"type": "string", "enum": ["Always", "IfNotPresent", "Never"]}
        elif kind < 0.8:
            pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
            properties[name] = {"type": "string", "pattern": pattern, "maxLength": 63, "description": "A label. " * 9}
        else:
            properties[name] = {"type": "string", "description": "Any text that describes the thing. " * 5}
    required = rng.sample(sorted(properties), 2)
    return {"type": "object", "properties": properties, "required": required, "description": "An object. " * 5}


def changed(schema: dict[str, Any], rng: random.Random, count: int) -> dict[str, Any]:
    """Return the schema with some properties of random objects retyped, added or required."""
    new = copy.deepcopy(schema)
    objects: list[dict[str, Any]] = []
    waiting = [new]
    while waiting:
        each = waiting.pop()
        objects += [each] if "properties" in each else []
        waiting += [child for child in (*each.get("properties", {}).values(), each.get("items", {})) if child]
    for number in range(count):
        chosen = rng.choice(objects)
        name = rng.choice(sorted(chosen["properties"]))
        match number % 3:
            case 0:
                chosen["properties"][name] = {"type": "boolean"}
            case 1:
                chosen["properties"][f"added{number}"] = {"type": "string"}
            case _:
                chosen["required"] = sorted({*chosen["required"], name})
    return new


def median(rounds: int, *works: Callable[[], Any]) -> list[float]:
    """Return the median seconds of each function, run in turn in every round."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, found in zip(works, times, strict=True):
            start = time.perf_counter()
            work()
            found.append(time.perf_counter() - start)
    return [statistics.median(found) for found in times]


def measure(name: str, old: Any, new: Any, rounds: int) -> None:
    """Print one line of the table."""
    texts = [json.dumps(each) for each in (old, new)]

    def baseline() -> None:
        for text in texts:
            jsonschema_rs.validator_for(json.loads(text))

    def compare(budget: float) -> Callable[[], Any]:
        return lambda: lint(old, new, budget_ms=budget)

    report = compare(200)()
    shown = sum(change.witness is not None for change in report.breaking)
    base, plain, proven = median(rounds, baseline, compare(0), compare(200))
    print(
        f"{name:28} {len(texts[0]) / 1024:8.1f} {base * 1e3:9.2f} {plain * 1e3:9.2f} {plain / base:7.1f}"
        f" {proven * 1e3:9.1f}   {shown} of {len(report.breaking)}"
    )


def main() -> None:
    """Print the table."""
    print(f"{'':28} {'KB':>8} {'baseline':>9} {'compare':>9} {'ratio':>7} {'witnesses':>9}   shown")
    print(f"{'':28} {'':>8} {'ms':>9} {'ms':>9} {'':>7} {'ms':>9}")
    event = [json.loads((FIXTURES / name).read_text()) for name in ("base-v1.0.0.json", "breaking-v1.1.0.json")]
    measure("small: an event", event[0], event[1], 200)
    rng = random.Random(1)
    medium = resource(rng, 8, 2)
    measure(f"medium: {len(json.dumps(medium, indent=2).splitlines())} lines", medium, changed(medium, rng, 3), 50)
    large = resource(random.Random(3), 10, 4)
    measure("large: a cluster resource", large, changed(large, random.Random(2), 6), 5)


if __name__ == "__main__":
    main()
