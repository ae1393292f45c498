"""The page that drafts a schema from the messages of a stream, and hands it to the publish page."""

from __future__ import annotations

import html
import json
import re

from django.contrib.auth.models import Group

from contracts_app.storage import contract_store
from tests.console.conftest import text


def fill(stream, count=30):
    orders = [{"id": f"2026-01-0{number % 9 + 1}", "state": ("open", "<paid>")[number % 2]} for number in range(count)]
    stream(
        *(
            ("a", json.dumps(each | ({"note": "x"} if not number else {})).encode(), None)
            for number, each in enumerate(orders)
        )
    )


def test_a_draft_is_made_from_messages_and_goes_to_the_publish_page(console, stream):
    fill(stream)
    stream(("a", b"nonsense", None), ("b", b"[1]", None))
    assert "Draft a schema from messages" in text(console.get("binding_changelist"))
    page = console.post("binding_infer", stream=stream.name, subject=f"{stream.name}.a", last="100", location="body")
    shown = text(page)
    assert "30 of 30 messages are valid by the draft" in shown
    assert "1 message was skipped" in shown
    rows = [
        re.sub("<[^>]+>", " ", row).split() for row in re.findall("<tr>(.*?)</tr>", page.content.decode(), re.DOTALL)
    ]
    assert ["state", "30", "one", "of", "&lt;paid&gt;", ",", "open"] in rows
    assert ["id", "30", "date"] in rows
    schema = html.unescape(re.search(r'name="schema"[^>]*>(.*?)</textarea>', page.content.decode(), re.DOTALL)[1])
    assert json.loads(schema)["required"] == ["id", "state"]
    assert stream.info().state.consumer_count == 0
    checked = console.post("contract_add", schema=schema, name="order.seen", version="0.1.0")
    assert checked.context["outcome"].name == "order.seen"
    assert not contract_store().index().versions("order.seen")


def test_what_cannot_be_read_is_said_at_its_field(console, stream):
    fill(stream, 1)
    stream(("c", b"no JSON", None))
    for given, message in (
        ({"subject": "other"}, "The stream has no messages on these subjects"),
        ({"subject": f"{stream.name}.c"}, "1 message was read, and has no JSON where it should be"),
    ):
        assert message in text(console.post("binding_infer", **({"stream": stream.name, "last": "5"} | given)))
    for given, error in (
        ({"stream": "NONE"}, "There is no stream NONE"),
        ({"stream": "KV_contracts"}, "has the values of a bucket"),
        ({"stream": "a b"}, "Enter a valid value"),
        ({"subject": "a..b"}, "is not a subject of messages"),
        ({"last": "10001"}, "less than or equal to 10000"),
        ({"location": "pointer"}, "Give a pointer with the location pointer"),
        ({"pointer": "/a"}, "Give a pointer with the location pointer"),
        ({"location": "elsewhere"}, "Select a valid choice"),
    ):
        response = console.post("binding_infer", **({"stream": stream.name, "subject": ">", "last": "5"} | given))
        assert error in str(response.context["form"].errors), given


def test_it_is_for_those_who_may_bind_any_subject(console, stream):
    Group.objects.create(name="steward:order")
    limited = console.member("steward:order", name="limited")
    assert limited.get("binding_infer").status_code == 403
    assert limited.post("binding_infer", stream=stream.name, subject=">", last="5").status_code == 403
