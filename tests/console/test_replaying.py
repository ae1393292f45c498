"""The page that checks the messages of a stream by a binding's contract and by a proposed schema."""

from __future__ import annotations

import json

from django.contrib.auth.models import Group

from contracts_app.bindings import check_binding
from contracts_app.services.bindings import set_binding
from contracts_app.storage import Actor
from tests.console.conftest import TEXT, obj, publish, text

ORDER = {**obj(id=TEXT), "required": ["id"]}


def bind(subject):
    publish("order", "1.0.0", ORDER)
    binding = check_binding("orders", {"subject": subject, "contract": "order"})
    set_binding(name="orders", binding=binding, actor=Actor("tester"))


def test_messages_are_checked_by_the_contract_and_by_a_proposal(console, stream):
    bind(f"{stream.name}.a")
    stream(*(("a", json.dumps(each).encode(), None) for each in ({"id": "1"}, {"id": 2}, {"id": "<b>", "other": ""})))
    stream(("b", b"not bound", None))
    assert "Check the messages of a stream" in text(console.get("binding_change", "orders"))
    shown = text(console.post("binding_messages", "orders", stream=stream.name, last="10"))
    assert "By the contract: 2 of 3 are valid" in shown
    assert "would not be" not in shown
    assert "{&quot;id&quot;: 2}" in shown
    proposed = json.dumps({**ORDER, "required": ["id", "other"]})
    shown = text(console.post("binding_messages", "orders", stream=stream.name, last="10", proposed=proposed))
    assert "1 message is valid now, and would not be" in shown
    assert "Sequences 1" in shown
    assert "By the proposal: 1 of 3 are valid" in shown
    last = {"stream": stream.name, "last": "1"}
    shown = text(console.post("binding_messages", "orders", **last, proposed=proposed))
    assert "No message that is valid now would be refused" in shown
    stream(("a", b"nonsense", None))
    assert "No message is valid now" in text(console.post("binding_messages", "orders", **last, proposed=proposed))


def test_what_cannot_be_checked_is_said_at_its_field(console, stream):
    bind(f"{stream.name}.a")
    assert "no messages on these subjects" in text(
        console.post("binding_messages", "orders", stream=stream.name, last="5")
    )
    for given, error in (
        ({"stream": "NONE"}, "There is no stream NONE"),
        ({"stream": "KV_contracts"}, "has the values of a bucket"),
        ({"stream": "a b"}, "Enter a valid value"),
        ({"stream": stream.name, "last": "10001"}, "less than or equal to 10000"),
        ({"stream": stream.name, "proposed": '{"type": "objekt"}'}, "objekt"),
        ({"stream": stream.name, "proposed": "{"}, "JSON"),
    ):
        response = console.post("binding_messages", "orders", **({"last": "5"} | given))
        assert response.status_code == 200
        assert error in str(response.context["form"].errors), given
    assert console.get("binding_messages", "none").status_code == 404


def test_messages_are_shown_to_those_who_may_bind_any_subject(console, stream):
    bind(f"{stream.name}.a")
    Group.objects.create(name="steward:order")
    limited = console.member("steward:order", name="limited")
    assert limited.get("binding_change", "orders").status_code == 200
    assert limited.get("binding_messages", "orders").status_code == 403
    assert limited.post("binding_messages", "orders", stream=stream.name, last="5").status_code == 403
    assert "Check the messages" not in text(limited.get("binding_change", "orders"))
