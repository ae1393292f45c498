import subprocess

import pytest

from linter_app import check_bundle, lint_wit
from linter_app.wit import InvalidWIT, WITToolFailed, check_wit, declared_in, used_in, wasm_tools, with_version


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
        ("value: string", "value: u64", True),  # of a type that the used one contains
        ("type cents = u64", "type cents = u32", True),
        ("record unused { a: u8 }", "record unused { a: u8, b: u8 }", "world"),
        ("round: func(p: price) -> price;", "", "import"),
        ("record unused", "record late { a: u8 } record unused", False),
        ("record price", "/// What it costs.\n  record price", False),
    ],
)
def test_used_packages_are_compared_as_far_as_they_are_used(world, before, after, breaks):
    assert before in MONEY
    cart = CART + world
    if isinstance(breaks, str):
        breaks = bool(world)  # a world takes the whole interface
    dependencies = {"old_dependencies": {"money": MONEY}, "new_dependencies": {"money": MONEY.replace(before, after)}}
    report = lint_wit(cart, cart, mode="backward", **dependencies)
    assert report.verdict == ("breaking" if breaks else "compatible"), report.changes
    assert all("shop:money" in change.message for change in report.changes)
    assert not lint_wit(cart, cart, mode="full", old_dependencies={"m": MONEY}, new_dependencies={"m": MONEY}).changes


def test_a_newly_used_package_is_no_break():
    fuller = CART.replace("{price}", "{price, unused}").replace("total:", "more: func(u: unused); total:")
    used = {"old_dependencies": {"money": MONEY}, "new_dependencies": {"money": MONEY}}
    assert {change.rule for change in lint_wit(CART, fuller, **used).changes} == {
        "wit-function-added",
        "wit-type-added",
    }


RELEASES = {"use": "use shop:money/types@1.0.0.{price};", "second": "use shop:money/types@2.0.0.{price as late};"}
BOTH = "package shop:cart;\ninterface cart {{ {use} {second} total: func() -> {total}; next: func() -> {next}; }}\n"


@pytest.mark.parametrize(
    ("old", "new", "update", "breaks"),
    [
        (("price", "late"), ("price", "late"), "1.0.0", False),
        (("price", "late"), ("late", "price"), "1.0.0", True),  # other fields under the same name
        (("price", None), ("price", "late"), "1.0.0", False),
        (("price", None), ("price", "late"), "1.0.1", False),
        (("price", None), ("price", "late"), "2.0.1", True),  # the two are not distinguished by compatibility
        (("price", None), ("late", "price"), "1.0.0", True),
    ],
)
def test_several_versions_of_a_package_are_distinguished(old, new, update, breaks):
    second = MONEY.replace("1.0.0", "2.0.0").replace("cents = u64", "cents = u32")
    packages = {"one": MONEY, "two": second}

    def cart(total, later):
        text = BOTH.format(**RELEASES, total=total, next=later)
        return text if later else text.replace(RELEASES["second"], "").replace("next: func() -> None;", "")

    updated = packages | {"one": MONEY.replace("1.0.0", update)}
    report = lint_wit(
        cart(*old),
        cart(*new).replace("@1.0.0", f"@{update}"),
        mode="backward",
        old_dependencies=packages,
        new_dependencies=updated,
    )
    assert report.verdict == ("breaking" if breaks else "compatible"), report.changes


# As `wasm-tools component wit` prints a component: all used packages are nested in one text.
NESTED = """/* all of /* it */ */ package root:component;
world root { import shop:money/types@1.0.0; export run: func(); }
package shop:money@1.0.0 {
  interface types { record price { amount: u64 } round: func(p: price) -> price; }
  interface idle { type a = u8; }
}
"""


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        ("run: func()", "run: func() -> u8", "wit-function-changed"),
        ("amount: u64", "amount: u32", "wit-record-field-changed"),
        ("type a = u8", "type a = u16", "wit-type-changed"),
        ("interface idle { type a = u8; }", "", "wit-interface-removed"),
        ("export run: func();", "export run: func(); export late: func();", "wit-export-added"),
        ("shop:money@1.0.0 {", "shop:money@1.0.0 { interface late {}", "wit-interface-added"),
        ("money/types@1.0.0; ", "money/types@1.0.0; import shop:money/idle@1.0.0;", "wit-import-added"),
    ],
)
def test_packages_nested_in_a_text_are_compared_as_its_own(before, after, rule):
    assert before in NESTED
    assert not list(used_in(NESTED))
    changes = lint_wit(NESTED, NESTED.replace(before, after)).changes
    assert [change.rule for change in changes] == [rule], changes


def test_a_supplied_package_that_is_not_used_does_not_matter():
    cart = "package shop:cart; interface cart { total: func() -> u8; }"
    packages = {"old_dependencies": {"money": MONEY}, "new_dependencies": {"money": MONEY}}
    changes = lint_wit(cart, cart.replace("u8", "u16"), **packages).changes
    assert [change.rule for change in changes] == ["wit-function-changed"]


def test_packages_used_are_found_in_the_text():
    text = """// package no:where;
    package %shop:cart@1.0.0-rc.1;
    /* use not:this/one; /* nested */ use nor:that/one; // */ use a:b/c.{d};
    world w { import a:b/c@1.0.0-rc.2; export x:inner/y; include shop:cart/own; import re-use: func(); }
    package x:inner { interface y {} }"""
    assert [(used.reference, used.line) for used in used_in(text)] == [("a:b", 3), ("a:b@1.0.0-rc.2", 4)]
    assert declared_in(text) == ["shop:cart@1.0.0-rc.1", "x:inner"]
    assert "package %shop:cart@2.0.0;" in with_version(text, "2.0.0")
    assert "package %shop:cart;" in with_version(text, "")


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


def test_a_coherent_bundle_has_no_findings():
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
