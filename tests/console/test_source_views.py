"""Fields, rows of two texts, sources and trees."""

from __future__ import annotations

import html
import json
import re
import time

import pytest

from contracts_app.console.side_by_side import MAX_ROWS, json_side_by_side, lines_side_by_side
from contracts_app.console.sources import (
    LINES_PER_PAGE,
    MAX_NODES,
    formatted,
    highlighted,
    needs_format,
    source_of,
    tree_of,
)
from contracts_app.services.overview import overview
from contracts_app.services.schema_fields import MAX_FIELDS, schema_fields
from contracts_app.storage import ContractIndex
from tests.storage.suite import make

ORDER = {
    "title": "An order",
    "type": "object",
    "properties": {
        "id": {"type": "string", "format": "uuid", "description": "Stays"},
        "item": {"$ref": "#/$defs/it~1em", "description": "Next to a reference"},
        "tags": {"type": "array", "items": {"type": ["string", "null"]}, "uniqueItems": True},
        "pair": {"prefixItems": [{"const": 1}, False]},
        "more": {"oneOf": [{"type": "string"}, {"type": "object", "properties": {"deep": True}}]},
    },
    "patternProperties": {"^x-": {"type": "integer"}},
    "additionalProperties": {"type": "number"},
    "required": ["id", 7],
    "allOf": [{"properties": {"old": {"deprecated": True, "enum": ["a"]}}}],
    "$defs": {"it/em": {"type": "object", "properties": {"again": {"$ref": "#/$defs/it~1em"}}, "required": ["again"]}},
}


def test_every_field_has_a_row():
    rows = {row.path: row for row in schema_fields(ORDER)}
    assert list(rows) == [
        *("(root)", "id", "item", "item.again", "tags", "tags[]", "pair", "pair[0]", "pair[1]"),
        *("more", "more (one of 2: 1)", "more (one of 2: 2)", "more (one of 2: 2).deep", "/^x-/", "*", "old"),
    ]
    assert (rows["id"].required, rows["item"].required) == (True, False)
    assert rows["id"].constraints == (("format", '"uuid"'),)
    assert rows["item"].description == "Next to a reference"
    assert rows["item"].type == "object (it/em)"
    assert rows["item.again"].type == "it/em (recursive)"
    assert rows["item.again"].required
    assert rows["item.again"].pointer == "/$defs/it~1em"
    assert rows["tags"].type == "array of string or null"
    assert rows["pair[1]"].type == "nothing"
    assert rows["more"].type == "one of"
    assert rows["old"].deprecated


@pytest.mark.parametrize(
    "schema",
    [
        True,
        False,
        {},
        [],
        "text",
        None,
        {"$ref": "#"},
        {"$ref": "#/nowhere"},
        {"$ref": "#/a", "a": {"$ref": "#/b"}, "b": {"$ref": "#/a"}},
        {"properties": [], "required": "x", "items": 3, "allOf": {}, "oneOf": 1, "title": 5, "type": {}},
        {"$ref": 5, "enum": None, "patternProperties": {"(": {}}},
    ],
)
def test_an_invalid_schema_is_shown_as_far_as_possible(schema):
    assert len(schema_fields(schema)) >= 1
    tree_of(schema)


def test_multiplying_references_end():
    pairs = {f"d{n}": {"properties": {side: {"$ref": f"#/$defs/d{n + 1}"} for side in "ab"}} for n in range(25)}
    started = time.monotonic()
    assert len(schema_fields({"$ref": "#/$defs/d0", "$defs": pairs})) == MAX_FIELDS
    # Each schema that is shared many times is shown once for each path.
    shared = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(60)}
    shared["d60"] = {"properties": {"a": True}}
    assert [row.path for row in schema_fields({"$ref": "#/$defs/d0", "$defs": shared})] == ["(root)", "a"]
    chain = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}]} for n in range(5000)}
    assert len(schema_fields({"$ref": "#/$defs/d0", "$defs": chain})) == 1
    assert time.monotonic() - started < 10


def test_json_is_shown_side_by_side():
    old = {"a": 1, "gone": {"x": [1, 2]}, "list": [{"k": 1}, {"k": 2}], "long": {f"n{i}": i for i in range(9)}}
    new = {"a": 2, "list": [{"k": 0}, {"k": 1}, {"k": 2}], "long": {f"n{i}": i for i in range(9)}, "new": None}
    rows, complete = json_side_by_side(old, new)
    assert complete
    assert [(row.old.strip(), row.new.strip()) for row in rows if row.kind == "changed"] == [('"a": 1,', '"a": 2,')]
    removed = [row.old.strip() for row in rows if row.kind == "removed"]
    assert removed == ['"gone": {', '"x": [', "1,", "2", "]", "},"]
    added = [row.new.strip() for row in rows if row.kind == "added"]
    assert added == ["{", '"k": 0', "},", '"new": null,']
    assert [row.old.strip() for row in rows if row.kind == "folded"] == ['"long": { … 9 … },']


def test_very_different_texts_end_in_time():
    old, new = ([f"{side}{n}" for n in range(50_000)] for side in "ab")
    started = time.monotonic()
    rows, complete = json_side_by_side(old, new)
    assert (len(rows), complete) == (MAX_ROWS, False)
    assert json_side_by_side({"a": old}, {"b": new})[1] is False
    assert lines_side_by_side("\n".join(old), "\n".join(new)) == ([], False)
    assert time.monotonic() - started < 10


def test_texts_are_shown_side_by_side_line_by_line():
    old = "\n".join(f"line {n}" for n in range(30))
    rows, complete = lines_side_by_side(old, old.replace("line 20", "other") + "\nlast")
    assert complete
    assert [(row.kind, row.old, row.new) for row in rows if row.kind not in ("same", "folded")] == [
        ("changed", "line 20", "other"),
        ("added", "", "last"),
    ]
    assert any(row.kind == "folded" for row in rows)


@pytest.mark.parametrize("language", ["json", "wit", "text"])
@pytest.mark.parametrize(
    "text", ["", "\n", "a\n", "\n\n{", "<b>&'\"", '{"a": "unclosed', "/* open\n/* deeper */\nx", "\u2028"]
)
def test_highlighting_keeps_every_line_and_escapes(language, text):
    made = highlighted(text, language)
    assert html.unescape(re.sub(r"</?span[^>]*>", "", made)) == text
    assert all(line.count("<span") == line.count("</span") for line in made.split("\n"))
    assert "<b>" not in made


def test_a_long_source_is_shown_by_pages():
    text = "\n".join(f'"line {n}",' for n in range(2500))
    second = source_of(text, "json", 2)
    assert (second.page, second.pages, second.total) == (2, 3, 2500)
    assert second.lines[0][0] == LINES_PER_PAGE + 1
    assert "line 1000" in second.lines[0][1]
    assert source_of(text, "json", 99).page == 3
    assert len(source_of("x" * 1_000_000, "json").lines[0][1]) < 10_000


def test_json_is_formatted_and_other_text_is_not():
    compact = json.dumps(ORDER)
    assert needs_format(compact)
    assert json.loads(formatted(compact)) == ORDER
    assert not needs_format(formatted(compact))
    assert formatted("not json") == "not json"


def test_a_large_tree_is_bounded_and_has_links():
    tree = tree_of({f"k{n}": {f"m{m}": m for m in range(50)} for n in range(200)}, more="?view=tree")
    assert tree.count("<li>") <= MAX_NODES + 400
    assert 'href="?view=tree&amp;at=%2Fk150"' in tree
    assert "50 more, in the source" in tree_of(list(range(350)))


def test_an_overview_belongs_to_its_index():
    """Also if a new index reuses the memory address of a deleted one."""
    for number in range(50):
        index = ContractIndex()
        bundle = make(f"only.name{number}")
        index.load(iter([(bundle.key, 1, bundle.to_record())]))
        assert [each.name for each in overview(index).summaries] == [bundle.name]
        del index
