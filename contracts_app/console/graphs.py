"""The drawing of a version's relations: dependents on the left, dependencies on the right."""

from __future__ import annotations

from dataclasses import dataclass

from contracts_app.services.relations import Related, Relations

BOX_WIDTH, BOX_HEIGHT = 210, 44
GAP_X, GAP_Y, MARGIN = 70, 14, 6
MAX_NAME_CHARACTERS = 28


@dataclass(frozen=True)
class Box:
    """A version with its place."""

    node: Related
    x: int
    y: int

    @property
    def shown(self) -> str:
        name = self.node.name
        return name if len(name) <= MAX_NAME_CHARACTERS else f"…{name[-MAX_NAME_CHARACTERS + 1 :]}"


@dataclass(frozen=True)
class Arrow:
    """A reference, as a curve between two boxes."""

    path: str
    written: str


@dataclass(frozen=True)
class Drawing:
    boxes: list[Box]
    arrows: list[Arrow]
    width: int
    height: int


def drawing_of(graph: Relations) -> Drawing:
    """Return the places of all versions: a column for each level, each centred."""
    columns = [graph.of_level(level) for level in graph.levels]
    height = max(len(column) for column in columns) * (BOX_HEIGHT + GAP_Y) - GAP_Y + 2 * MARGIN
    boxes: dict[str, Box] = {}
    for number, column in enumerate(columns):
        top = (height - len(column) * (BOX_HEIGHT + GAP_Y) + GAP_Y) // 2
        for row, node in enumerate(column):
            boxes[node.key] = Box(node, MARGIN + number * (BOX_WIDTH + GAP_X), top + row * (BOX_HEIGHT + GAP_Y))
    arrows = [
        Arrow(_curve(boxes[each.source], boxes[each.target]), each.written)
        for each in graph.references
        if each.source in boxes and each.target in boxes
    ]
    return Drawing(list(boxes.values()), arrows, len(columns) * (BOX_WIDTH + GAP_X) - GAP_X + 2 * MARGIN, height)


def _curve(source: Box, target: Box) -> str:
    """Return the path of an arrow from the right edge of a box to the left edge of another."""
    x, y = source.x + BOX_WIDTH, source.y + BOX_HEIGHT // 2
    to_x, to_y = target.x - 5, target.y + BOX_HEIGHT // 2
    middle = (x + to_x) // 2
    return f"M{x} {y} C{middle} {y} {middle} {to_y} {to_x} {to_y}"
