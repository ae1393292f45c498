"""Growth curves of a run of bench.service, as SVG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot


def draw(figures: list[dict[str, Any]], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # The same run gives the same file: no date, no random identifiers.
    matplotlib.rcParams.update({"svg.hashsalt": "registry", "font.size": 10, "axes.grid": True, "grid.alpha": 0.3})
    sizes = [figure["size"] for figure in figures]
    curves = {
        "requests": (
            "Requests per second, 16 connections",
            "per second",
            {
                "GET of a bundle": [figure["get16"]["GET of a bundle"]["perSecond"] for figure in figures],
                "304": [figure["304"]["304 of a bundle"]["perSecond"] for figure in figures],
                "bare ASGI application": [figure["get16"]["bare ASGI application"]["perSecond"] for figure in figures],
            },
        ),
        "list": (
            "Bundles listed per second, 16 connections",
            "bundles per second",
            {
                name: [figure["list"][name]["perSecond"] * figure["size"] for figure in figures]
                for name in ("GET /registry/contracts", "bare ASGI application")
            },
        ),
        "start": (
            "From the start of gunicorn until both workers are ready",
            "seconds",
            {"ready": [figure["ready"] for figure in figures]},
        ),
        "memory": (
            "Resident memory of a worker",
            "MiB",
            {"memory": [figure["memory"] for figure in figures]},
        ),
    }
    for name, (title, unit, lines) in curves.items():
        chart, axes = pyplot.subplots(figsize=(6.4, 3.6), layout="constrained")
        for label, values in lines.items():
            axes.plot(sizes, values, marker="o", label=label)
        axes.set(title=title, xlabel="bundles in the registry", ylabel=unit, xscale="log")
        axes.set_ylim(bottom=0)
        if len(lines) > 1:
            axes.legend()
        chart.savefig(folder / f"{name}.svg", metadata={"Date": None})
        pyplot.close(chart)
