"""Messages of a real stream, validated by a contract and by a proposal."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from contracts_app.messages import NoValue, value_of
from contracts_app.storage import contract_store
from tests.api.conftest import make_token
from tests.console.conftest import TEXT, obj, publish

ORDER = {**obj(id=TEXT, total={"type": "integer"}, note=TEXT), "required": ["id"]}


def run(*arguments: str) -> tuple[int, str]:
    output = StringIO()
    try:
        call_command("check_stream", *arguments, stdout=output)
    except SystemExit as end:
        return int(end.code or 0), output.getvalue()
    return 0, output.getvalue()


def body(**members) -> bytes:
    return json.dumps(members).encode()


def test_the_messages_that_fail_are_named_with_place_reason_and_example(stream, tmp_path):
    publish("order", "1.0.0", ORDER)
    proposal = tmp_path / "new.json"
    proposal.write_text(json.dumps({**ORDER, "required": ["id", "total"]}))
    stream(
        ("a", body(id="1", total=5), None),
        ("a", body(id="2"), None),
        ("b", b"nonsense", None),
        ("b", body(id=7, total=1), None),
        ("b", body(id=8, total=1), None),
    )
    before = stream.info()
    code, text = run("--stream", stream.name, "--contract", "order", "--proposed", str(proposal), "--format", "json")
    report = json.loads(text)
    assert code == 1
    assert report["messages"] == 5
    assert report["current"]["valid"] == 2
    assert [(each["count"], each["sequences"], each["instancePointer"]) for each in report["current"]["failures"]] == [
        (2, [4, 5], "/id"),
        (1, [3], ""),
    ]
    assert report["current"]["failures"][0]["example"] == '{"id": 7, "total": 1}'
    assert "not JSON" in report["current"]["failures"][1]["reason"]
    assert report["proposed"]["valid"] == 1
    assert report["newlyFailing"] == {"count": 1, "sequences": [2]}
    assert report["absentFields"] == ["note"]
    after = stream.info()
    assert (after.state.messages, after.state.consumer_count) == (before.state.messages, 0)
    code, text = run("--stream", stream.name, "--contract", "order", "--proposed", str(proposal))
    assert "order: 2 of 5 are valid" in text
    assert "1 messages are valid now, and not by the proposal (sequences 2)" in text
    assert "Fields that never occur: note" in text


def test_subjects_the_last_messages_and_a_sample_narrow_the_check(stream):
    publish("order", "1.0.0", ORDER)
    stream(*[("a" if number % 2 else "b", body(id=str(number)), None) for number in range(100)])
    stream(("a", body(id=1), None))
    counts = {
        ("--subject", f"{stream.name}.a"): 51,
        ("--subject", f"{stream.name}.b"): 50,
        ("--last", "10"): 10,
        ("--last", "1000"): 101,
        ("--since", "2999-01-01"): 0,
        ("--sample", "10"): 11,
    }
    for arguments, count in counts.items():
        _, text = run("--stream", stream.name, "--contract", "order@^1", *arguments, "--format", "json")
        assert json.loads(text)["messages"] == count, arguments
    assert run("--stream", stream.name, "--contract", "order", "--subject", f"{stream.name}.b")[0] == 0


def test_three_bad_messages_among_many_are_found(stream):
    publish("order", "1.0.0", ORDER)
    bad = {7_777, 15_000, 19_999}
    stream(*[("a", body(id=number if number in bad else "x"), None) for number in range(1, 20_001)])
    code, text = run("--stream", stream.name, "--contract", "order", "--format", "json")
    report = json.loads(text)
    assert (code, report["messages"], report["current"]["valid"]) == (1, 20_000, 19_997)
    assert report["current"]["failures"][0]["sequences"] == sorted(bad)


def test_bad_input_has_its_exit_code_and_a_clear_message(registry):
    publish("order", "1.0.0", ORDER)
    for arguments, code, words in (
        (("--contract", "order"), 1, "There is no stream NO_SUCH"),
        ((), 2, "Give --contract, --proposed, or both"),
        (("--contract", "order", "--sample", "0"), 2, "--sample is 1 to 100"),
        (("--contract", "order", "--since", "soon"), 2, "--since must be"),
        (("--contract", "none"), 1, "not found"),
        (("--proposed", "/no/such/file"), 2, "cannot be read"),
        (("--contract", "order", "--subject", "a..b"), 1, "is not a subject of messages"),
        (("--contract", "order", "--location", "pointer"), 2, "Give --pointer"),
    ):
        with pytest.raises(CommandError) as caught:
            run("--stream", "NO_SUCH", *arguments)
        assert caught.value.returncode == code
        assert words in str(caught.value)
    assert contract_store().index().count_names() == 1


def test_the_value_is_where_the_binding_says():
    event = body(specversion="1.0", type="x", data={"id": "1"})
    assert value_of(b"{}", {}, "body") == b"{}"
    assert value_of(event, {}, "cloudevents") == b'{"id":"1"}'
    assert value_of(event, {}, "pointer", "/data/id") == b'"1"'
    assert value_of(b"{}", {"ce-specversion": "1.0"}, "cloudevents-binary") == b"{}"
    for arguments in (
        (b"{", {}, "cloudevents"),
        (b"[]", {}, "cloudevents"),
        (body(specversion="1.0"), {}, "cloudevents"),
        (b"{}", {}, "cloudevents-binary"),
        (b"{}", {}, "pointer", "/data"),
    ):
        with pytest.raises(NoValue):
            value_of(*arguments)


def infer(*arguments: str) -> tuple[str, str]:
    output, report = StringIO(), StringIO()
    call_command("infer_contract", *arguments, stdout=output, stderr=report)
    return output.getvalue(), report.getvalue()


def test_a_schema_is_drafted_from_messages_and_verified(stream):
    messages = [
        body(
            id=f"123e4567-e89b-12d3-a456-4266141740{number:02}",
            state=("new", "paid", "sent")[number % 3],
            at="2026-01-05T10:30:00Z",
            lines=[{"sku": f"S{number}", "count": number}],
            **({"note": f"text {number}"} if number % 2 else {}),
        )
        for number in range(40)
    ]
    stream(*[("a", each, None) for each in messages], ("a", b"nonsense", None))
    text, report = infer("--stream", stream.name, "--draft", "order.seen@0.1.0")
    schema = json.loads(text)
    assert schema["title"] == "order.seen"
    assert schema["required"] == ["at", "id", "lines", "state"]
    properties = schema["properties"]
    assert properties["id"] == {"type": "string", "format": "uuid"}
    assert properties["state"] == {"type": "string", "enum": ["new", "paid", "sent"]}
    assert properties["at"]["format"] == "date-time"
    assert properties["note"] == {"type": "string"}
    assert properties["lines"]["items"]["properties"]["count"] == {"type": "integer", "minimum": 0}
    assert "40 messages, 1 skipped; 40 of 41 are valid by the draft" in report
    assert contract_store().get("order.seen", "0.1.0").state == "draft"


def test_mixed_types_and_few_messages_stay_open(stream):
    stream(("a", body(x=1, y=None), None), ("a", body(x="a", y="b"), None))
    text, _ = infer("--stream", stream.name)
    assert json.loads(text)["properties"] == {"x": {"type": ["integer", "string"]}, "y": {"type": ["null", "string"]}}
    stream(("b", b"nonsense", None))
    with pytest.raises(CommandError, match="None of 1 messages"):
        infer("--stream", stream.name, "--subject", f"{stream.name}.b")
    for arguments in (("--last", "0"), ("--location", "pointer"), ("--draft", "order")):
        with pytest.raises(CommandError) as caught:
            infer("--stream", stream.name, *arguments)
        assert caught.value.returncode == 2


def test_the_api_checks_a_stream_for_who_administers_all_contracts(stream, client):
    publish("order", "1.0.0", ORDER)
    stream(("a", body(id="1"), None), ("a", body(id=2), None))

    def post(scopes, name=stream.name, **members):
        headers = {"Authorization": f"Bearer {make_token(*scopes)}", "Accept": "application/json"}
        path = f"/registry/streams/{name}/check"
        return client.post(path, members, content_type="application/json", headers=headers)

    admin = ("contracts:read", "contracts:admin")
    report = post(admin, contract="order", proposed={**ORDER, "required": ["id", "note"]}).json()
    assert (report["messages"], report["current"]["valid"], report["newlyFailing"]["sequences"]) == (2, 1, [1])
    assert post(("contracts:read", "contracts:admin:order"), contract="order").status_code == 403
    for members, field in (
        ({"contract": "order", "last": 0}, "last"),
        ({"contract": "order", "last": 10_001}, "last"),
        ({"contract": "order", "sample": "x"}, "sample"),
        ({"contract": "order", "location": "pointer"}, "location"),
        ({"contract": "order", "since": "soon"}, "since"),
        ({"contract": "order", "proposed": 5}, "proposed"),
        ({"contract": "1 bad"}, "name"),
        ({"contract": "order", "subject": "a b"}, "subject"),
        ({"last": 1}, None),
    ):
        refused = post(admin, **members)
        assert (refused.status_code, refused.json().get("field")) == (400, field), members
    assert post(admin, contract="order", proposed={"type": "objekt"}).status_code == 422
    assert post(admin, contract="none").status_code == 404
    bucket = post(admin, f"KV_{contract_store().bucket}", contract="order")
    assert bucket.status_code == 422
    assert "has the values of a bucket" in bucket.json()["detail"]
