"""Time of a comparison on real histories, by size: the schemas of Kubernetes, each version with the one before it.

python -m bench.histories

For each class of sizes: the median, the 95th percentile and the maximum of the milliseconds of a comparison with its
witnesses, and the median of its ratio to parsing and compiling both schemas in the same run.
"""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter

import jsonschema_rs

from linter_app import lint
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


def measure(title: str, measured: list[Step]) -> None:
    """Print one line of the table."""
    times, ratios, verdicts = [], [], Counter[str]()
    breaking = shown = 0
    for step in measured:
        texts = [json.dumps(side) for side in (step.old, step.new)]
        start = time.perf_counter()
        for text in texts:
            jsonschema_rs.validator_for(json.loads(text))
        compiled = time.perf_counter()
        report = lint(step.old, step.new)
        done = time.perf_counter()
        times.append((done - compiled) * 1e3)
        ratios.append((done - compiled) / (compiled - start))
        verdicts[report.verdict] += 1
        if report.verdict == "breaking":
            breaking += 1
            shown += any(change.witness for change in report.breaking)
    times.sort()
    print(
        f"{title:12} {len(times):6} {statistics.median(times):8.1f} {times[int(len(times) * 0.95)]:8.1f}"
        f" {times[-1]:8.1f} {statistics.median(ratios):7.1f}   {verdicts['undecided']:9}   {shown} of {breaking}"
    )


def main() -> None:
    """Print the table."""
    heads = f"{'steps':>6} {'p50 ms':>8} {'p95 ms':>8} {'max ms':>8} {'ratio':>7}"
    print(f"{'':12} {heads}   {'undecided':>9}   with witness")
    for title, measured in corpus().items():
        measure(title, measured)


if __name__ == "__main__":
    main()
