"""The graph of a version: both ways, by distance, of what the user may see."""

from __future__ import annotations

from contracts_app.console.graphs import drawing_of
from contracts_app.services.relations import MAX_RELATED, relations
from contracts_app.storage import contract_store
from tests.console.conftest import TEXT, obj, publish, text, url


def chain():
    publish("money", "1.0.0", obj(amount=TEXT))
    publish("item", "1.0.0", obj(price={"$ref": "contract:money@^1"}))
    publish("order", "1.0.0", obj(item={"$ref": "contract:item@^1"}, total={"$ref": "contract:money@1.0.0"}))
    publish("report", "1.0.0", obj(order={"$ref": "contract:order@latest"}))


def graph(name, version="1.0.0", readable=lambda name: True):
    index = contract_store().index()
    return relations(index.get(f"meta.{name}.{version}"), index, readable)


def test_relations_are_followed_both_ways(registry):
    chain()
    found = graph("item")
    levels = {node.name: node.level for node in found.nodes.values()}
    assert levels == {"item": 0, "money": 1, "order": -1, "report": -2}
    assert {(each.source, each.target, each.written) for each in found.references} == {
        ("meta.item.1.0.0", "meta.money.1.0.0", "contract:money@^1"),
        ("meta.order.1.0.0", "meta.item.1.0.0", "contract:item@^1"),
        ("meta.report.1.0.0", "meta.order.1.0.0", "contract:order@latest"),
    }
    assert not found.more
    hidden = graph("item", readable=lambda name: name != "order")
    assert {node.name for node in hidden.nodes.values()} == {"item", "money"}


def test_a_drawing_has_a_place_for_each_version_and_none_overlap(registry):
    chain()
    drawing = drawing_of(graph("money"))
    places = [(box.x, box.y) for box in drawing.boxes]
    assert len(places) == len(set(places)) == 4
    assert all(box.x < drawing.width and box.y < drawing.height for box in drawing.boxes)
    assert len(drawing.arrows) == 4  # order refers to money by itself and by way of item
    by_name = {box.node.name: box for box in drawing.boxes}
    assert by_name["report"].x < by_name["order"].x < by_name["money"].x


def test_a_large_graph_is_cut_and_says_so(registry):
    publish("base", "1.0.0", obj())
    for number in range(MAX_RELATED + 3):
        publish(f"user{number}", "1.0.0", obj(b={"$ref": "contract:base@1.0.0"}))
    found = graph("base")
    assert len(found.nodes) == MAX_RELATED + 1
    assert found.more


def test_the_page_has_a_graph_and_a_table_with_owners(console):
    chain()
    publish("money", "1.1.0", obj(amount=TEXT, currency=TEXT), labels=("owner:treasury", "contact:#treasury"))
    shown = text(console.get("version", "money", "1.0.0", view="relations"))
    assert shown.count('class="box ') == 4
    assert "depends on this" in shown
    assert url("version", "order", "1.0.0") in shown
    assert "<strong>treasury</strong>" in text(console.get("change", "money"))


def test_references_are_links_and_expand_in_place(console):
    chain()
    folded = console.get("version", "order", "1.0.0", view="fields")
    assert [row.path for row in folded.context["fields"]] == ["(root)", "item", "total"]
    assert f'<a href="{url("version", "item", "1.0.0")}">item 1.0.0</a>' in text(folded)
    expanded = console.get("version", "order", "1.0.0", view="fields", expand="1")
    paths = [row.path for row in expanded.context["fields"]]
    assert paths == ["(root)", "item", "item.price", "item.price.amount", "total", "total.amount"]
