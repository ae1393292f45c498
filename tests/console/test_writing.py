"""Publishing, lifecycles and policies in the console: checked first, then written once, with the user's name."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from contracts_app.exceptions import ContractNotFound
from contracts_app.policies import policy_of
from contracts_app.services import change_state
from contracts_app.services.policies import set_policy
from contracts_app.storage import Actor, contract_store
from tests.console.conftest import TEXT, obj, publish, record, text, url

STEWARD = Actor("mara")


def last_entry():
    return contract_store().history(after=contract_store().health().last_sequence - 1)[-1].audit


# Publishing


def test_a_check_writes_nothing_and_a_publish_writes_what_was_checked(console):
    form = {"name": "a.b", "version": "1.0.0", "schema": '{"type": "object"}', "labels": "x, y", "description": "d"}
    checked = console.post("add", **form)
    assert "This is the first version" in text(checked)
    with pytest.raises(ContractNotFound):
        record("a.b", "1.0.0")
    answer = console.post("add", **form, publish="1", checked=checked.context["checked"])
    assert answer["Location"] == url("version", "a.b", "1.0.0")
    written = record("a.b", "1.0.0")
    assert (written.json_schema, written.labels, written.description) == ('{"type": "object"}', ("x", "y"), "d")
    assert (last_entry().actor.subject, last_entry().action) == ("root", "publish")
    assert len(last_entry().actor.request_id) == 32


def test_content_changed_since_its_check_is_checked_again(console):
    form = {"name": "a", "version": "1.0.0", "schema": "{}"}
    checked = console.post("add", **form).context["checked"]
    for token in (checked, "", "nonsense"):
        answer = console.post("add", **(form | {"schema": '{"type": "string"}'}), publish="1", checked=token)
        assert answer.status_code == 200
        assert answer.context["outcome"].passes
        assert "changed after it was checked" in text(answer)
    with pytest.raises(ContractNotFound):
        record("a", "1.0.0")


def test_a_check_shows_the_verdict(console):
    publish("a", "1.0.0", {**obj(x=TEXT), "additionalProperties": False})
    shown = text(console.post("add", name="a", version="1.1.0", schema='{"additionalProperties": false}'))
    assert "verdict-breaking" in shown
    assert "The lowest version that may make these changes: <strong>2.0.0</strong>" in shown
    assert "Was valid and is now rejected:" in shown
    assert "property-removed" in shown
    assert 'name="publish"' not in shown
    shown = text(console.post("add", name="a", version="2.0.0", schema='{"additionalProperties": false}'))
    assert "compared with 1.0.0" in shown
    assert 'name="publish"' in shown


@pytest.mark.parametrize(
    ("form", "field", "line", "words"),
    [
        ({"schema": '{\n "type": "object"\n "title": "x"\n}'}, "schema", 3, "not JSON"),
        ({"schema": '{\n "type": "object",\n "title": "x",\n "type": "string"\n}'}, "schema", 4, "twice"),
        ({"schema": '{\n "properties": {\n  "a": {\n   "type": "strin"\n  }\n }\n}'}, "schema", 4, "valid JSON Schema"),
        ({"wit": "package a:b;\n\ninterface x {\n  f: func(a: nope);\n}\n"}, "wit", 4, "valid WIT"),
        ({"descriptor": "{nope}"}, "descriptor", 1, "not JSON"),
        ({"name": "1 bad name"}, "name", None, "Invalid name"),
        ({"version": "1.0"}, "version", None, "Invalid version"),
        ({"labels": "x" * 101}, "labels", None, "labels"),
    ],
)
def test_an_error_is_shown_at_its_field_and_line(console, form, field, line, words):
    answer = console.post("add", **({"name": "a", "version": "1.0.0", "schema": "{}"} | form))
    assert answer.status_code == 200
    assert words in " ".join(answer.context["form"].errors[field])
    faulty = [number for number, _, is_faulty in answer.context["outcome"].excerpt if is_faulty]
    assert faulty == ([line] if line else [])
    for value in form.values():
        assert answer.context["form"][field].value() == value


def test_a_version_that_exists_is_a_conflict(console):
    publish("a", "1.0.0", obj())
    answer = console.post("add", name="a", version="1.0.0", schema="{}")
    assert answer.status_code == 409
    assert f'<a href="{url("version", "a", "1.0.0")}">a 1.0.0</a> exists already, with other texts' in text(answer)
    assert answer.context["outcome"].compared_with == "1.0.0"
    assert [change["rule"] for change in answer.context["outcome"].changes] == ["type-widened"]
    answer = console.post("add", name="a", version="1.0.0", schema=json.dumps(obj()))
    assert "exists already, with the same texts" in text(answer)


def test_a_file_replaces_the_text(console):
    written = b'\xef\xbb\xbf{"type":\r\n"object"}'
    upload = SimpleUploadedFile("a.json", written)
    answer = console.post("add", name="a", version="1.0.0", schema="ignored", schema_file=upload)
    assert answer.context["outcome"].passes
    assert answer.context["form"]["schema"].value() == '{"type":\r\n"object"}'
    refused = console.post("add", name="a", version="1.0.0", schema_file=SimpleUploadedFile("a", b"\xff"))
    assert "not UTF-8: byte 0" in text(refused)


def test_a_text_area_keeps_pasted_line_breaks(console):
    form = {"name": "a", "version": "1.0.0", "schema": '{\r\n"type": "object"\r\n}'}
    checked = console.post("add", **form).context["checked"]
    console.post("add", **form, publish="1", checked=checked)
    assert record("a", "1.0.0").json_schema == '{\n"type": "object"\n}'


def test_a_new_version_starts_from_the_latest(console):
    publish("a", "1.2.0", obj(), description="d", labels=("x", "y"), descriptor={"k": 1})
    form = console.get("add", name="a").context["form"]
    assert {field: form[field].value() for field in ("name", "version", "description", "labels", "descriptor")} == {
        "name": "a",
        "version": "1.3.0",
        "description": "d",
        "labels": "x, y",
        "descriptor": '{"k":1}',
    }
    assert form["schema"].value() == json.dumps(obj())
    assert console.get("add", name="../etc").context["form"]["name"].value() is None


def test_a_draft_and_an_override_are_published(console):
    console.post("add", name="a", version="1.0.0", schema='{"type": "object"}', save_draft="1")
    assert record("a", "1.0.0").state == "draft"
    publish("b", "1.0.0", {"type": "object"})
    form = {"name": "b", "version": "1.0.1", "schema": '{"type": "string"}', "override": "agreed with all"}
    assert "does not allow it" not in text(console.post("add", **(form | {"override": ""})))
    assert console.post("add", **form).context["outcome"].passes is False
    set_policy(level="contract", name="b", policy={"allowOverride": True}, actor=STEWARD)
    checked = console.post("add", **form).context["checked"]
    assert console.post("add", **form, publish="1", checked=checked).status_code == 302
    assert (last_entry().action, last_entry().reason) == ("publish-override", "agreed with all")


# Lifecycles


def etag_in(answer) -> str:
    return str(answer.context["etag"])


def test_a_version_is_deprecated_changed_and_withdrawn(console):
    publish("a", "1.0.0", obj())
    publish("a", "1.1.0", obj(x={}))
    page = console.get("lifecycle", "a", "1.0.0", "deprecate")
    answer = console.post(
        "lifecycle", "a", "1.0.0", "deprecate", etag=etag_in(page), reason="old", sunset="2999-01-01", successor="1.1.0"
    )
    assert answer.status_code == 302
    life = record("a", "1.0.0").lifecycle
    assert (life.state, life.reason, life.sunset_at, life.successor) == (
        "deprecated",
        "old",
        "2999-01-01T00:00:00Z",
        "1.1.0",
    )
    assert last_entry().actor.subject == "root"
    shown = text(console.get("version", "a", "1.0.0"))
    assert "Deprecated since" in shown
    assert "2999-01-01" in shown
    page = console.get("lifecycle", "a", "1.0.0", "deprecate")
    assert page.context["form"]["reason"].value() == "old"
    page = console.get("lifecycle", "a", "1.0.0", "withdraw")
    assert "This cannot be undone" in text(page)
    console.post("lifecycle", "a", "1.0.0", "withdraw", etag=etag_in(page), reason="broken")
    assert record("a", "1.0.0").state == "withdrawn"
    page = console.get("lifecycle", "a", "1.0.0", "activate")
    assert "This is not possible" in text(page)
    answer = console.post("lifecycle", "a", "1.0.0", "activate", etag=etag_in(page), reason="again")
    assert answer.status_code == 409
    assert console.get("lifecycle", "a", "1.0.0", "nonsense").status_code == 404


def test_the_second_of_two_operators_gets_a_409_and_keeps_the_input(console):
    publish("a", "1.0.0", obj())
    other = console.member("steward", name="other")
    mine, theirs = (each.get("lifecycle", "a", "1.0.0", "deprecate") for each in (console, other))
    assert other.post("lifecycle", "a", "1.0.0", "deprecate", etag=etag_in(theirs), reason="theirs").status_code == 302
    answer = console.post("lifecycle", "a", "1.0.0", "deprecate", etag=etag_in(mine), reason="mine")
    assert answer.status_code == 409
    shown = text(answer)
    assert "Another user changed this version" in shown
    assert "theirs" in shown
    assert answer.context["form"]["reason"].value() == "mine"
    assert record("a", "1.0.0").lifecycle.reason == "theirs"
    answer = console.post("lifecycle", "a", "1.0.0", "deprecate", etag=etag_in(answer), reason="mine")
    assert answer.status_code == 302
    assert record("a", "1.0.0").lifecycle.reason == "mine"


def test_a_version_with_dependents_needs_an_override_to_be_withdrawn(console):
    publish("base", "1.0.0", obj())
    publish("user", "1.0.0", obj(x={"$ref": "contract:base@1.0.0"}))
    page = console.get("lifecycle", "base", "1.0.0", "withdraw")
    assert "user 1.0.0" in text(page)
    assert "override" not in page.context["form"].fields
    answer = console.post("lifecycle", "base", "1.0.0", "withdraw", etag=etag_in(page))
    assert answer.status_code == 409
    assert "depend on it" in text(answer)
    set_policy(level="default", policy={"allowOverride": True}, actor=STEWARD)
    page = console.get("lifecycle", "base", "1.0.0", "withdraw")
    assert "override" in page.context["form"].fields
    console.post("lifecycle", "base", "1.0.0", "withdraw", etag=etag_in(page), override="it leaks")
    assert record("base", "1.0.0").state == "withdrawn"
    assert (last_entry().action, last_entry().reason) == ("withdraw-override", "it leaks")


def test_a_sunset_without_notice_is_refused_at_its_field(console):
    set_policy(level="default", policy={"minimumNoticeDays": 30}, actor=STEWARD)
    publish("a", "1.0.0", obj())
    page = console.get("lifecycle", "a", "1.0.0", "deprecate")
    assert "30 days of notice" in text(page)
    answer = console.post("lifecycle", "a", "1.0.0", "deprecate", etag=etag_in(page), sunset="2027-01-01")
    # The current date decides whether that is in the past or too soon; both are errors of the field.
    if answer.status_code == 200:
        assert answer.context["form"].errors["sunset"]
    answer = console.post("lifecycle", "a", "1.0.0", "deprecate", etag=etag_in(page), sunset="nonsense")
    assert answer.context["form"].errors["sunset"]


def test_many_versions_are_deprecated_after_a_summary(console):
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        publish("a", version, obj(x={}, **{f"y{version[2]}": {}}))
    publish("b", "1.0.0", obj())
    summary = console.post("deprecate", contract=["a", "b"], action="deprecate-older")
    assert [(item.name, item.version) for item in summary.context["items"]] == [("a", "1.0.0"), ("a", "1.1.0")]
    assert "2 would be deprecated, 0 refused" in text(summary)
    assert record("a", "1.0.0").state == "active"
    items = [f"{item.name}@{item.version}|{item.etag}" for item in summary.context["items"]]
    change_state(name="a", version="1.1.0", action="deprecate", actor=STEWARD, reason="first")
    again = console.post("deprecate", item=items, reason="all old", sunset="", preview="1")
    assert "1 would be deprecated, 1 refused" in text(again)
    done = console.post("deprecate", item=items, reason="all old", sunset="", confirm="1")
    assert done.context["done"]
    assert record("a", "1.0.0").lifecycle.reason == "all old"
    assert record("a", "1.1.0").lifecycle.reason == "first"
    assert "has changed meanwhile" in text(done)
    summary = console.post("deprecate", contract=["a", "b"], action="deprecate-all")
    items = [f"{item.name}@{item.version}|{item.etag}" for item in summary.context["items"]]
    assert console.post("deprecate", item=items, reason="", sunset="", confirm="1").status_code == 302
    assert record("b", "1.0.0").state == record("a", "1.2.0").state == "deprecated"


def test_a_bulk_deprecation_names_the_remaining_version_as_successor(console):
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        publish("a", version, obj(x={}, **{f"y{version[2]}": {}}))
    publish("b", "1.0.0", obj())
    summary = console.post("deprecate", contract=["a", "b"], action="deprecate-older")
    assert [item.successor for item in summary.context["items"]] == ["1.2.0", "1.2.0"]
    assert summary.context["form"]["latest"].value() is True
    items = [f"{item.name}@{item.version}|{item.etag}" for item in summary.context["items"]]
    unnamed = console.post("deprecate", item=items, reason="", sunset="", preview="1")
    assert [item.successor for item in unnamed.context["items"]] == ["", ""]
    faulty = console.post("deprecate", item=items, reason="old", sunset="soon", latest="on", confirm="1")
    assert faulty.context["form"].errors.keys() == {"sunset"}
    assert [item.successor for item in faulty.context["items"]] == ["1.2.0", "1.2.0"]
    assert console.post("deprecate", item=items[:1], reason="", sunset="", confirm="1").status_code == 302
    assert record("a", "1.0.0").lifecycle.successor is None
    assert console.post("deprecate", item=items[1:], reason="", sunset="", latest="on", confirm="1").status_code == 302
    assert record("a", "1.1.0").lifecycle.successor == "1.2.0"
    # If all versions are deprecated, none of them can be the successor.
    whole = console.post("deprecate", contract=["a", "b"], action="deprecate-all")
    assert [item.successor for item in whole.context["items"]] == ["", ""]


@pytest.mark.parametrize("data", [{}, {"item": ["nonsense"]}, {"item": ["a@1|x"], "contract": ["../.."]}])
def test_a_bulk_change_without_a_selection_is_refused(console, data):
    assert console.post("deprecate", **data).status_code == 302
    assert console.get("deprecate").status_code == 405


# Policies


def policy(name: str):
    return policy_of(contract_store().index("policy").documents, name)


def test_a_policy_is_created_changed_and_deleted(console):
    answer = console.post("policy_add", level="prefix", name="pay", compatibility="full", override="true", notice="7")
    assert answer["Location"] == url("policy_changelist")
    assert (policy("pay.x").compatibility, policy("pay.x").allow_override) == ("full", True)
    assert policy("pay.x").minimum_notice_days == 7
    assert last_entry().actor.subject == "root"
    assert "pay.*" in text(console.get("policy_changelist"))
    page = console.get("policy_change", "prefix", "pay")
    assert page.context["form"]["override"].value() == "true"
    console.post("policy_change", "prefix", "pay", etag=etag_in(page), compatibility="", override="false")
    assert (policy("pay.x").compatibility, policy("pay.x").allow_override) == ("backward", False)
    page = console.get("policy_change", "prefix", "pay")
    asked = console.post("policy_change", "prefix", "pay", etag=etag_in(page), delete="1")
    assert "No contract that exists is affected" in text(asked)
    console.post("policy_change", "prefix", "pay", etag=etag_in(asked), delete="1", confirm="1", reason="merged")
    assert (last_entry().action, last_entry().reason) == ("delete-policy", "merged")
    assert "was deleted" in text(console.get("policy_changelist"))
    assert "pay.*" not in text(console.get("policy_changelist"))
    assert console.get("policy_change", "prefix", "pay").status_code == 302
    assert console.get("policy_change", "nonsense", "pay").status_code == 404


def test_what_a_policy_changes_is_shown_and_confirmed_first(console):
    for name in ("pay.order", "pay.refund", "ship.label"):
        publish(name, "1.0.0", obj())
    set_policy(level="contract", name="pay.refund", policy={"compatibility": "none"}, actor=STEWARD)
    form = {"level": "prefix", "name": "pay", "compatibility": "full", "override": "true", "reason": "agreed"}
    asked = console.post("policy_add", **form)
    assert asked.status_code == 200
    assert policy("pay.order").compatibility == "backward"
    effects = {each.contract: each for each in asked.context["effects"]}
    assert effects.keys() == {"pay.order", "pay.refund"}
    assert effects["pay.order"].members == (("compatibility", "backward", "full"), ("allowOverride", False, True))
    assert effects["pay.order"].direction == "mixed"
    assert effects["pay.refund"].direction == "looser"
    assert console.post("policy_add", **form, confirm="1").status_code == 302
    assert policy("pay.order").compatibility == "full"
    assert last_entry().reason == "agreed"
    page = console.get("policy_change", "prefix", "pay")
    asked = console.post("policy_change", "prefix", "pay", etag=etag_in(page), delete="1")
    assert [each.direction for each in asked.context["effects"]] == ["mixed", "stricter"]
    assert policy("pay.order").compatibility == "full"


def test_a_new_policy_starts_with_a_scope_that_is_free(console):
    assert console.get("policy_add").context["form"]["level"].value() == "default"
    set_policy(level="default", policy={}, actor=STEWARD)
    assert console.get("policy_add").context["form"]["level"].value() == "prefix"
    answer = console.post("policy_add", level="prefix", name="", compatibility="full")
    assert answer.context["form"].errors["name"] == ["Give the prefix, such as payments, or the name of the contract."]


def test_a_policy_changed_by_another_user_is_a_conflict(console):
    set_policy(level="default", policy={"compatibility": "full"}, actor=STEWARD)
    page = console.get("policy_change", "default")
    set_policy(level="default", policy={"compatibility": "forward"}, actor=STEWARD)
    answer = console.post("policy_change", "default", etag=etag_in(page), compatibility="none")
    assert answer.status_code == 409
    assert policy("x").compatibility == "forward"
    console.post("policy_change", "default", etag=etag_in(answer), compatibility="none")
    assert policy("x").compatibility == "none"


@pytest.mark.parametrize(
    "form", [{"level": "prefix", "name": "1 bad"}, {"level": "x"}, {"notice": "-1"}, {"strict": "?"}]
)
def test_an_invalid_policy_is_shown_at_its_field(console, form):
    answer = console.post("policy_add", **({"level": "contract", "name": "a"} | form))
    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert policy("a").compatibility == "backward"


def test_a_policy_is_not_created_twice(console):
    set_policy(level="default", policy={}, actor=STEWARD)
    assert console.post("policy_add", level="default", compatibility="none").status_code == 409


# Forms and their security


def test_a_form_without_its_token_is_refused(console):
    client = Client(enforce_csrf_checks=True)
    client.force_login(console.user, backend="django.contrib.auth.backends.ModelBackend")
    answer = client.post(url("add"), {"name": "a", "version": "1.0.0", "schema": "{}"})
    assert answer.status_code == 403
    assert "The form has expired" in answer.content.decode()


def test_cookies_are_http_only_and_same_site(console):
    client = Client()
    answer = client.post("/admin/login/", {"username": "root", "password": "correct horse"})
    for name, same_site in (("sessionid", "Lax"), ("csrftoken", "Strict")):
        cookie = answer.cookies.get(name) or client.get("/admin/login/").cookies[name]
        assert cookie["httponly"]
        assert cookie["samesite"] == same_site


def test_an_instance_is_validated_with_the_place_of_each_error(console):
    publish("a", "1.0.0", {**obj(n={"type": "integer"}, s=TEXT), "required": ["s"]})
    assert "Validate" in text(console.get("version", "a", "1.0.0"))
    assert console.get("validate", "a", "1.0.0").status_code == 200
    answer = console.post("validate", "a", "1.0.0", instance='{\r\n "n": "x"\r\n}')
    assert {(each.pointer, each.line) for each in answer.context["errors"]} == {("/n", 2), ("", 1)}
    assert "The instance is valid" in text(console.post("validate", "a", "1.0.0", instance='{"s": "x"}'))
    assert "The instance is not JSON" in text(console.post("validate", "a", "1.0.0", instance="{"))
    publish("w", "1.0.0", descriptor={})
    assert console.get("validate", "w", "1.0.0").status_code == 404


def test_an_override_is_shown_at_its_version(console):
    publish("b", "1.0.0", {"type": "object"})
    set_policy(level="contract", name="b", policy={"allowOverride": True}, actor=STEWARD)
    form = {"name": "b", "version": "1.0.1", "schema": '{"type": "string"}', "override": "agreed with all"}
    checked = console.post("add", **form).context["checked"]
    assert console.post("add", **form, publish="1", checked=checked).status_code == 302
    shown = text(console.get("version", "b", "1.0.1"))
    assert "Published with an override of the policy" in shown
    assert "agreed with all" in shown
    assert "override of the policy" not in text(console.get("version", "b", "1.0.0"))
    assert 'title="agreed with all">override</span>' in text(console.get("change", "b"))


# The publish page as a workbench


def fragment(console, **form):
    return console.client.post(url("add"), form, headers={"X-Fragment": "outcome"})


def test_the_outcome_alone_is_sent_to_the_page_s_script(console):
    publish("a", "1.0.0", {**obj(x=TEXT), "required": ["x"]})
    answer = fragment(console, name="a", version="1.1.0", schema=json.dumps({**obj(x=TEXT), "required": ["x", "y"]}))
    assert answer["X-Fragment"] == "outcome"
    assert "<html" not in text(answer)
    assert "Publish as 2.0.0" in text(answer)
    assert 'data-part="schema" data-line="1" data-level="error"' in text(answer)
    broken = '{\n"type": "objekt",\n"properties": {\n"a": {"minLength": -1}}}'
    answer = fragment(console, name="a", version="1.1.0", schema=broken)
    assert [(each.line, each.pointer) for each in answer.context["outcome"].problems] == [
        (2, "/type"),
        (4, "/properties/a/minLength"),
    ]
    same = json.dumps({**obj(x=TEXT), "required": ["x"]})
    assert "Nothing has changed since 1.0.0" in text(fragment(console, name="a", version="1.1.0", schema=same))


def test_a_breaking_change_is_published_in_one_step_with_the_version_it_needs(console):
    publish("a", "1.0.0", {**obj(x=TEXT), "additionalProperties": False})
    form = {"name": "a", "version": "1.1.0", "schema": '{"type": "string"}'}
    checked = console.post("add", **form)
    token = checked.context["checked_as"]
    assert 'name="publish_as" value="2.0.0"' in text(checked)
    changed = console.post("add", **(form | {"schema": '{"type": "null"}'}), publish_as="2.0.0", checked_as=token)
    assert "changed after it was checked" in text(changed)
    answer = console.post("add", **form, publish_as="2.0.0", checked_as=token)
    assert answer["Location"] == url("version", "a", "2.0.0")


def test_a_new_version_starts_from_what_it_is_compared_with(console):
    publish("a", "1.0.0", obj())
    publish("a", "1.1.0-rc.1", obj(x=TEXT))
    publish("a", "1.2.0", obj(y=TEXT), draft=True)
    page = console.get("add", name="a")
    assert page.context["form"]["version"].value() == "1.1.0"
    assert page.context["form"]["schema"].value() == json.dumps(obj(x=TEXT))
    assert "Starts from 1.1.0-rc.1, and is compared with it" in text(page)
    publish("a", "1.1.0", obj(x=TEXT, z=TEXT))
    assert console.get("add", name="a").context["form"]["version"].value() == "1.3.0"  # 1.2.0 is a colleague's draft


def test_a_draft_is_opened_saved_and_never_overwritten_by_accident(console):
    console.post("add", name="a", version="1.0.0", schema='{"type": "object"}', save_draft="1")
    page = console.get("add", name="a", draft="1.0.0")
    assert "Draft a 1.0.0" in text(page)
    assert page.context["form"]["schema"].value() == '{"type": "object"}'
    form = {"name": "a", "version": "1.0.0", "schema": '{"title": "mine"}', "save_draft": "1"}
    blind = console.post("add", **form)  # typed without having opened the draft
    assert blind.status_code == 409
    assert "There is a draft" in text(blind)
    assert record("a", "1.0.0").json_schema == '{"type": "object"}'
    assert console.post("add", **form, draft_etag=page.context["draft_etag"]).status_code == 302
    assert record("a", "1.0.0").json_schema == '{"title": "mine"}'
    late = console.post("add", **form, draft_etag=page.context["draft_etag"])
    assert late.status_code == 409
    assert console.post("add", **form, draft_etag=late.context["draft_etag"]).status_code == 302
    assert "is a draft of" in text(console.get("change", "a"))


def test_an_empty_draft_is_not_activated(console):
    console.post("add", name="a", version="1.0.0", save_draft="1")
    page = console.get("lifecycle", "a", "1.0.0", "activate")
    assert "has no jsonSchema, wit or descriptor" in text(page)
    assert "disabled" in text(page)
    answer = console.post("lifecycle", "a", "1.0.0", "activate", etag=etag_in(page))
    assert answer.status_code == 200
    assert record("a", "1.0.0").state == "draft"


def test_dependents_that_would_break_are_named(console):
    publish("base", "1.0.0", obj(n={"type": "integer"}))
    publish("user", "1.0.0", obj(base={"$ref": "contract:base@^1"}))
    answer = fragment(console, name="base", version="2.0.0", schema=json.dumps(obj(n=TEXT)))
    assert "1 dependent would break" in text(answer)
    assert url("version", "user", "1.0.0") in text(answer)


def test_a_withdrawal_says_why_it_would_fail_and_respects_the_notice(console):
    publish("base", "1.0.0", obj(x=TEXT))
    publish("base", "1.1.0", obj(x=TEXT, y=TEXT))
    publish("user", "1.0.0", obj(base={"$ref": "contract:base@1.0.0"}))
    page = console.get("lifecycle", "base", "1.0.0", "withdraw")
    assert "1 versions depend on it (user/1.0.0)" in text(page)
    assert "disabled" in text(page)
    set_policy(level="default", policy={"minimumNoticeDays": 30}, actor=STEWARD)
    page = console.get("lifecycle", "user", "1.0.0", "withdraw")
    assert "30 days of notice between a deprecation and the withdrawal: deprecate it first" in text(page)
    assert "No version is left that latest could mean" in text(page)
    answer = console.post("lifecycle", "user", "1.0.0", "withdraw", etag=etag_in(page))
    assert answer.status_code == 409
    set_policy(level="default", policy={"minimumNoticeDays": 30, "allowOverride": True}, actor=STEWARD)
    page = console.get("lifecycle", "user", "1.0.0", "withdraw")
    assert "disabled" not in text(page)
    form = {"etag": etag_in(page), "override": "it leaks"}
    assert console.post("lifecycle", "user", "1.0.0", "withdraw", **form).status_code == 302
    assert (last_entry().action, last_entry().reason) == ("withdraw-override", "it leaks")


def test_a_successor_is_a_newer_active_version(console):
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        publish("a", version, obj(**{f"y{version[2]}": {}}))
    form = console.get("lifecycle", "a", "1.1.0", "deprecate").context["form"]
    assert [value for value, _ in form["successor"].field.choices] == ["", "1.2.0"]
    assert form["successor"].value() == "1.2.0"


def test_the_list_is_shown_as_it_was_filtered_after_a_bulk_change(console):
    for version in ("1.0.0", "1.1.0"):
        publish("a", version, obj(**{f"y{version[2]}": {}}))
    summary = console.post("deprecate", contract=["a"], action="deprecate-older", back="prefix=a&o=-changed")
    assert summary.context["back_url"] == url("changelist") + "?prefix=a&o=-changed"
    items = [f"{item.name}@{item.version}|{item.etag}" for item in summary.context["items"]]
    done = console.post("deprecate", item=items, reason="", sunset="", confirm="1", back="prefix=a&o=-changed")
    assert done["Location"] == url("changelist") + "?prefix=a&o=-changed"
    evil = console.post("deprecate", item=[], back="//evil.example/?x=1")
    assert evil["Location"].startswith(url("changelist") + "?")


# Bindings


def test_a_binding_is_made_changed_and_deleted(console):
    publish("order.created", "1.0.0", obj())
    form = {"name": "orders", "subject": "orders.>", "contract": "order.created", "range": "^1", "mode": "enforce"}
    form |= {"location": "body"}
    assert console.post("binding_add", **form, reason="agreed")["Location"] == url("binding_changelist")
    assert (last_entry().action, last_entry().reason) == ("set-binding", "agreed")
    shown = text(console.get("binding_changelist", subject="orders.eu.created"))
    assert "orders holds, by orders.&gt;: order.created ^1, enforce." in shown
    assert "already. Change that one" not in shown
    assert "A binding with this name exists already" in text(console.post("binding_add", **form))
    bad = console.post("binding_add", **(form | {"name": "two", "subject": "a..b"}))
    assert "is not a subject of messages" in str(bad.context["form"].errors["subject"])
    page = console.get("binding_change", "orders")
    changed = console.post("binding_change", "orders", **(form | {"mode": "off"}), etag=etag_in(page))
    assert changed.status_code == 302
    stale = console.post("binding_change", "orders", **form, etag=etag_in(page))
    assert stale.status_code == 409
    asked = console.post("binding_change", "orders", delete="1", etag=etag_in(stale))
    assert "Delete this binding?" in text(asked)
    done = console.post("binding_change", "orders", delete="1", confirm="1", etag=etag_in(stale))
    assert done.status_code == 302
    assert "No subject is bound" in text(console.get("binding_changelist"))
    assert console.get("binding_change", "orders").status_code == 404


def test_a_viewer_sees_bindings_and_cannot_change_them(console):
    publish("order.created", "1.0.0", obj())
    viewer = console.member("viewer")
    assert viewer.get("binding_changelist").status_code == 200
    assert viewer.get("binding_add").status_code == 403
    assert viewer.post("binding_add", name="x", subject="a", contract="order.created").status_code == 403
    limited = console.member("viewer", name="nobody")
    limited.user.groups.clear()
    assert limited.get("binding_changelist").status_code == 403
