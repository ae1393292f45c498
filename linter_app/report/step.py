"""One comparison with its files, as the report formats show it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from linter_app.changes import Change, Level, Report
from linter_app.schema.json_pointers import line_numbers


@dataclass(frozen=True)
class Step:
    """One comparison and its report."""

    contract: str | None
    old_version: str | None
    new_version: str | None
    old_path: Path
    new_path: Path
    report: Report

    @property
    def title(self) -> str:
        """What was compared, in words."""
        versions = f"{self.old_version} to {self.new_version}" if self.new_version else self.new_path.name
        return f"{self.contract} {versions}" if self.contract else versions

    def level_of(self, change: Change) -> Level:
        """Return the level of a change with the version bump taken into account."""
        if change.level == "error" and self.report.acceptable:
            return "warning"  # the new version allows it
        return change.level

    def changes_with_lines(self) -> Iterator[tuple[Change, int]]:
        """Yield each change with its line in the new file; line 1 for what is no longer there."""
        pointers = {change.new_pointer for change in self.report.changes if change.new_pointer is not None}
        readable = self.new_path.suffix == ".json" and self.new_path.is_file()
        lines = line_numbers(self.new_path.read_text(encoding="utf-8"), pointers) if readable else {}
        for change in self.report.changes:
            yield change, lines.get(change.new_pointer or "", 1)
