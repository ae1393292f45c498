"""Time of a comparison on real histories: the schemas of Kubernetes by size, and those of packages of npm by package.

python -m bench.histories

Each version is compared with the one before it. For each line: the median, the 95th percentile and the maximum of the
milliseconds of a comparison with its witnesses, and the median of its ratio to parsing and compiling both schemas in
the same run.
"""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter
from typing import Any

from bench import packages
from linter_app import lint
from linter_app.schema.dialects import read_schema
from linter_app.schema.validators import compiled
from tests.linter.kubernetes_histories import Step, definitions, steps, versions

CLASSES = ((4, "to 4 KB"), (32, "to 32 KB"), (128, "to 128 KB"), (1024, "larger"))
MAX_STEPS_IN_CLASS = 120


def corpus() -> dict[str, list[Step]]:
    """Return steps of all kinds that differ, in classes of the size of the old schema."""
    kinds = tuple(sorted(definitions(versions()[-1])))
    found: dict[str, list[Step]] = {title: [] for _, title in CLASSES}
    for step in steps(kinds):
        size = len(json.dumps(step.old)) / 1024
        title = next(title for largest, title in CLASSES if size <= largest)
        found[title].append(step)
    return {title: each[:: max(1, len(each) // MAX_STEPS_IN_CLASS)] for title, each in found.items() if each}


def measure(title: str, measured: list[tuple[Any, Any]]) -> None:
    """Print one line of the table."""
    times, ratios, verdicts = [], [], Counter[str]()
    breaking = shown = 0
    for old, new in measured:
        texts = [json.dumps(side) for side in (old, new)]
        start = time.perf_counter()
        for text in texts:
            schema = read_schema(json.loads(text))
            compiled(schema.root, schema.draft, {})
        ready = time.perf_counter()
        report = lint(old, new)
        done = time.perf_counter()
        times.append((done - ready) * 1e3)
        ratios.append((done - ready) / (ready - start))
        verdicts[report.verdict] += 1
        if report.verdict == "breaking":
            breaking += 1
            shown += any(change.witness for change in report.breaking)
    times.sort()
    print(
        f"{title:26} {len(times):6} {statistics.median(times):8.1f} {times[int(len(times) * 0.95)]:8.1f}"
        f" {times[-1]:8.1f} {statistics.median(ratios):7.1f}   {verdicts['undecided']:9}   {shown} of {breaking}"
    )


def main() -> None:
    """Print the table."""
    heads = f"{'steps':>6} {'p50 ms':>8} {'p95 ms':>8} {'max ms':>8} {'ratio':>7}"
    print(f"{'':26} {heads}   {'undecided':>9}   with witness")
    for title, measured in corpus().items():
        measure(title, [(step.old, step.new) for step in measured])
    if not packages.is_available():
        print("npm is not installed: the packages of npm are left out")
        return
    for package in packages.PACKAGES:
        measure(package, list(packages.steps(package)))


if __name__ == "__main__":
    main()
