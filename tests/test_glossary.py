"""docs/glossary.md has every public class of the product."""

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_glossary_names_every_public_class():
    glossary = (ROOT / "docs" / "glossary.md").read_text()
    classes = {
        node.name
        for package in ("contracts_app", "linter_app", "registry_project")
        for file in (ROOT / package).rglob("*.py")
        if "migrations" not in file.parts
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    }
    assert len(classes) > 100
    assert sorted(name for name in classes if f"`{name}`" not in glossary) == []
