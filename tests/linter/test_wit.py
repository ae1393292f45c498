import subprocess

import pytest

from linter_app import check_bundle, lint_wit
from linter_app.wit import InvalidWIT, WITToolFailed, check_wit, wasm_tools


def test_good_wit_passes():
    check_wit("package demo:a@1.0.0;\n\nworld w {\n  export run: func();\n}\n")


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("package a:b;\ninterface i {\n  record r { from: string }\n}\n", 3, 14),
        ("package a:b;\nrecord r { a: string }\n", 2, 1),
        ("package a:b;\ninterface i {\n  use other:pkg/types.{a};\n}\n", 3, 7),
        ("package a:b;\ninterface i { record r { a: strin } }\n", 2, 29),
    ],
)
def test_bad_wit_names_line_and_column(text, line, column):
    with pytest.raises(InvalidWIT) as caught:
        check_wit(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert "/tmp" not in str(caught.value)


def test_a_slow_or_missing_tool_is_a_clear_error(monkeypatch):
    with pytest.raises(WITToolFailed, match="did not finish"):
        check_wit("package a:b;\n", timeout=0.0001)
    monkeypatch.setattr("linter_app.wit.tool.wasm_tools", lambda: "/bin/false")
    with pytest.raises(WITToolFailed, match="status 1"):
        check_wit("package a:never-seen;\n")


MONEY = """package shop:money@1.0.0;
interface base { record id { value: string } }
interface types {
  use base.{id};
  type cents = u64;
  record price { id: id, amount: cents }
  record unused { a: u8 }
  round: func(p: price) -> price;
}
"""
CART = """package shop:cart;
interface cart { use shop:money/types@1.0.0.{price}; total: func() -> list<price>; }
"""


@pytest.mark.parametrize("world", ["", "world w { export cart; }", "world w { import shop:money/types@1.0.0; }"])
@pytest.mark.parametrize(
    ("before", "after", "breaks"),
    [
        ("amount: cents", "amount: cents, currency: string", True),
        ("value: string", "value: u64", True),  # of a type that the used one holds
        ("type cents = u64", "type cents = u32", True),
        ("record unused { a: u8 }", "record unused { a: u8, b: u8 }", "world"),
        ("round: func(p: price) -> price;", "", "import"),
        ("record unused", "record late { a: u8 } record unused", False),
        ("record price", "/// What it costs.\n  record price", False),
    ],
)
def test_packages_that_are_used_are_compared_as_far_as_they_are_used(world, before, after, breaks):
    assert before in MONEY
    cart = CART + world
    if isinstance(breaks, str):
        breaks = bool(world)  # a world takes the whole interface
    dependencies = {"old_dependencies": {"money": MONEY}, "new_dependencies": {"money": MONEY.replace(before, after)}}
    report = lint_wit(cart, cart, mode="backward", **dependencies)
    assert report.verdict == ("breaking" if breaks else "compatible"), report.changes
    assert all("shop:money" in change.message for change in report.changes)
    assert not lint_wit(cart, cart, mode="full", old_dependencies={"m": MONEY}, new_dependencies={"m": MONEY}).changes


def test_what_is_used_newly_is_no_break():
    fuller = CART.replace("{price}", "{price, unused}").replace("total:", "more: func(u: unused); total:")
    used = {"old_dependencies": {"money": MONEY}, "new_dependencies": {"money": MONEY}}
    assert {change.rule for change in lint_wit(CART, fuller, **used).changes} == {
        "wit-function-added",
        "wit-type-added",
    }


OLD = """package demo:shop@1.0.0;
interface types {
  record order { id: string }
  place: func(o: order);
}
interface log { write: func(s: string); }
world shop { import log; import now: func() -> u64; export types; export run: func(); }
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("id: string", "id: string, note: string"),
        ("id: string", "id: u64"),
        ("place: func(o: order);", "place: func(o: order); more: func();"),
        ("place: func(o: order);", "place: func(o: order) -> bool;"),
        ("place: func(o: order);", ""),
        ("write: func(s: string);", "write: func(s: string); flush: func();"),
        ("write: func(s: string);", ""),
        ("import log;", ""),
        ("import now: func() -> u64;", ""),
        ("import now: func() -> u64;", "import now: func() -> u64; import later: func();"),
        ("export run: func();", ""),
        ("export run: func();", "export run: func(); export stop: func();"),
        ("export types;", ""),
        ("record order { id: string }", "record order { id: string } enum color { red }"),
    ],
)
def test_backward_agrees_with_semver_check(tmp_path, before, after):
    new = OLD.replace("@1.0.0", "@1.1.0").replace(before, after)
    (tmp_path / "new.wit").write_text(new)
    (tmp_path / "deps").mkdir()
    (tmp_path / "deps" / "old.wit").write_text(OLD)
    worlds = ["--prev", "demo:shop/shop@1.0.0", "--new", "demo:shop/shop@1.1.0"]
    command = [wasm_tools(), "component", "semver-check", str(tmp_path), *worlds]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (lint_wit(OLD, new).verdict == "compatible") is (done.returncode == 0), done.stderr


def test_packages_are_resolved_with_those_they_use():
    io = "package wasi:io;\ninterface streams { record chunk { bytes: list<u8> } }\n"
    text = "package a:b;\ninterface i { use wasi:io/streams.{chunk}; f: func() -> chunk; }\n"
    with pytest.raises(InvalidWIT, match="wasi:io"):
        check_wit(text)
    check_wit(text, {"io": io})
    changed = text.replace("-> chunk", "-> list<chunk>")
    [change] = lint_wit(text, changed, old_dependencies={"io": io}, new_dependencies={"io": io}).changes
    assert (change.rule, change.new) == ("wit-function-changed", "func() -> list<wasi:io/streams/chunk>")


def test_a_bundle_that_agrees_with_itself_has_no_findings():
    wit = """package demo:shop;
interface types {
  enum status { open, in-transit }
  record order-line { sku: string, count: u32 }
  record order { id: string, note: option<string>, lines: list<order-line>, status: status }
}
"""
    schema = {
        "title": "Order",
        "type": "object",
        "required": ["id", "lines", "status"],
        "properties": {
            "id": {"type": "string"},
            "note": {"type": "string"},
            "lines": {"type": "array", "items": {"$ref": "#/$defs/OrderLine"}},
            "status": {"enum": ["open", "in_transit"]},
        },
        "$defs": {
            "OrderLine": {
                "type": "object",
                "required": ["sku", "count"],
                "properties": {"sku": {"type": "string"}, "count": {"type": "integer"}},
            }
        },
    }
    assert check_bundle(schema, wit) == ()
    schema["properties"]["status"]["enum"] = ["open", "lost"]
    assert [change.rule for change in check_bundle(schema, wit)] == ["bundle-enum-differs"]
