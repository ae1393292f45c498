"""A small bar chart as SVG attributes, rows by a template without script or style attributes."""

from __future__ import annotations

from dataclasses import dataclass

WIDTH, HEIGHT = 600, 100
GAP = 4


@dataclass(frozen=True)
class Bar:
    label: str
    value: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Chart:
    bars: tuple[Bar, ...]
    total: int
    most: int
    width: int = WIDTH
    height: int = HEIGHT


def bars(values: list[tuple[str, int]]) -> Chart:
    """Return bars of equal width, the greatest as high as the chart; a bar of zero is a line."""
    most = max((value for _, value in values), default=0)
    step = WIDTH / max(1, len(values))
    rows = []
    for position, (label, value) in enumerate(values):
        height = max(2.0, value / most * HEIGHT) if most and value else 1.0
        rows.append(
            Bar(label, value, round(position * step, 2), round(HEIGHT - height, 2), round(step - GAP, 2), height)
        )
    return Chart(tuple(rows), sum(value for _, value in values), most)
