"""The read-only pages."""

from __future__ import annotations

import json
import re

import pytest

from contracts_app.bundles import ContractBundle
from contracts_app.read_counts import ReadCounts
from contracts_app.services import change_state, publish_contract
from contracts_app.services.policies import set_policy
from contracts_app.services.reads import ReadReporter
from contracts_app.services.usage import declare
from contracts_app.storage import Actor, contract_store
from contracts_app.usage import check_usage
from tests.console.conftest import TEXT, Console, obj, publish, text, url

STEWARD = Actor("mara")


def names(response) -> list[str]:
    return [each.name for each in response.context["page"].object_list]


def test_the_list_is_searched_filtered_and_sorted(console):
    publish("order.created", "1.0.0", obj(), description="Placed by customers", labels=("commerce",))
    publish("order.created", "1.1.0", obj(x={}), labels=("commerce",))
    publish("order.shipped", "1.0.0", obj())
    publish("media.tool", "0.1.0", wit="package a:b;\n", labels=("wasm",))
    publish("zebra", "1.0.0", obj(), draft=True)
    change_state(name="order.shipped", version="1.0.0", action="deprecate", actor=STEWARD)
    everything = ["media.tool", "order.created", "order.shipped", "zebra"]
    assert names(console.get("changelist")) == everything
    assert names(console.get("changelist", q="CUSTOMERS")) == []  # of an older version
    assert names(console.get("changelist", q="WASM")) == ["media.tool"]
    assert names(console.get("changelist", state="deprecated")) == ["order.shipped"]
    assert names(console.get("changelist", state="draft")) == ["zebra"]
    assert names(console.get("changelist", prefix="order.")) == ["order.created", "order.shipped"]
    assert names(console.get("changelist", label="commerce")) == ["order.created"]
    assert names(console.get("changelist", wit="yes")) == ["media.tool"]
    assert names(console.get("changelist", wit="no")) == everything[1:]
    assert names(console.get("changelist", o="-name")) == everything[::-1]
    assert names(console.get("changelist", o="-versions"))[0] == "order.created"
    shown = text(console.get("changelist", q="shipped"))
    assert "1 of 4" in shown
    assert "state-deprecated" in shown


@pytest.mark.parametrize(
    "query", [{"state": "nonsense"}, {"o": "nonsense"}, {"page": "x"}, {"page": "99"}, {"wit": "?"}]
)
def test_unknown_list_parameters_are_ignored(console, query):
    publish("a", "1.0.0", obj())
    answer = console.get("changelist", **query)
    assert answer.status_code == 200
    assert names(answer) == ["a"]


def test_a_long_list_has_pages(console):
    for number in range(60):
        publish(f"n.c{number:02}", "1.0.0")
    first, second = console.get("changelist"), console.get("changelist", page="2")
    assert (len(names(first)), len(names(second))) == (50, 10)
    assert "Page 1 of 2" in text(first)
    assert 'rel="next"' in text(first)


def test_a_contract_shows_its_steps_policy_and_dependents(console):
    publish("base", "1.0.0", obj(a=TEXT))
    publish("base", "1.1.0", obj(a=TEXT, b=TEXT))
    publish("base", "2.0.0", {**obj(a=TEXT), "required": ["a"]})
    publish("user", "1.0.0", obj(base={"$ref": "contract:base@^1"}))
    set_policy(level="contract", name="base", policy={"minimumNoticeDays": 9}, actor=STEWARD)
    answer = console.get("change", "base")
    rows = {row.entry.version: row for row in answer.context["rows"]}
    assert [row.bump for row in rows.values()] == ["major", "minor", ""]
    assert [row.verdict.verdict for row in rows.values() if row.verdict] == ["breaking", "compatible"]
    shown = text(answer)
    assert "policy.contract.base" in shown
    assert "9 days" in shown
    assert url("version", "user", "1.0.0") in shown


def test_a_slow_verdict_is_fetched_separately(console, monkeypatch):
    monkeypatch.setattr("contracts_app.console.contracts.MAX_WAIT_SECONDS", -1)
    publish("slow", "1.0.0", obj(a=TEXT))
    publish("slow", "1.0.1", obj(a=TEXT, b=TEXT))
    page = text(console.get("change", "slow"))
    where = url("verdict", "slow", "1.0.1")
    assert f'data-fetch="{where}"' in page
    assert "compatible" in text(console.get("verdict", "slow", "1.0.1"))
    assert "data-fetch" not in text(console.get("change", "slow"))  # cached
    assert console.get("verdict", "slow", "1.0.0").status_code == 404


SCHEMA = {
    "type": "object",
    "properties": {
        "sku": {"type": "string", "pattern": "^A", "description": "Of the article"},
        "n": {"type": "integer"},
    },
    "required": ["sku"],
}


def test_every_view_of_a_version_is_shown(console):
    bundle = ContractBundle(
        name="a.b",
        version="1.0.0",
        json_schema=json.dumps(SCHEMA, indent=1),
        wit="package a:b;\n// a comment\n",
        descriptor={"memory": "64MiB"},
    )
    digest = publish_contract(bundle=bundle, actor=STEWARD).digest
    overview = text(console.get("version", "a.b", "1.0.0"))
    assert digest in overview
    assert 'data-copy="#digest"' in overview
    fields = console.get("version", "a.b", "1.0.0", view="fields")
    assert [each.path for each in fields.context["fields"]] == ["(root)", "sku", "n"]
    assert "Of the article" in text(fields)
    found = console.get("version", "a.b", "1.0.0", view="fields", q="ARTICLE")
    assert [each.path for each in found.context["fields"]] == ["sku"]
    assert '<span class="hl-nt">' in text(console.get("version", "a.b", "1.0.0", view="schema"))
    assert '<span class="hl-c1">// a comment</span>' in text(console.get("version", "a.b", "1.0.0", view="wit"))
    assert "64MiB" in text(console.get("version", "a.b", "1.0.0", view="descriptor"))
    tree = text(console.get("version", "a.b", "1.0.0", view="tree", at="/properties/sku"))
    assert "pattern" in tree
    assert ">n</span>" not in tree
    examples = console.get("version", "a.b", "1.0.0", view="examples").context["examples"]
    assert examples["valid"]
    assert examples["invalid"]
    assert console.get("version", "a.b", "1.0.0", view="nonsense").context["view"] == "overview"
    assert console.get("version", "a.b", "1.0.0", view="tree", at="/nowhere").status_code == 404


def test_a_range_returns_the_exact_version(console):
    publish("a", "1.0.0", obj())
    publish("a", "1.2.0", obj(b={}))
    for version in ("latest", "^1"):
        assert console.get("version", "a", version)["Location"] == url("version", "a", "1.2.0")


def test_parts_are_downloaded_byte_for_byte(console):
    written = '{"type":\t"object" ,\r\n "title": "é \\u00e9"}'
    publish_contract(bundle=ContractBundle(name="a", version="1.0.0", json_schema=written), actor=STEWARD)
    answer = console.get("raw", "a", "1.0.0", "schema")
    assert answer.content == written.encode()
    assert answer["Content-Disposition"] == 'attachment; filename="a-1.0.0.schema.json"'
    assert json.loads(console.get("raw", "a", "1.0.0", "record").content)["name"] == "a"
    assert console.get("raw", "a", "1.0.0", "wit").status_code == 404
    assert console.get("raw", "a", "1.0.0", "secret").status_code == 404


def test_two_versions_are_compared(console):
    publish("a", "1.0.0", {**obj(x=TEXT, old=TEXT), "additionalProperties": False})
    publish("a", "2.0.0", {**obj(x={"type": "integer"}, new=TEXT), "additionalProperties": False})
    answer = console.get("compare", "a", **{"from": "1.0.0", "to": "2.0.0"})
    assert answer.context["report"].verdict == "breaking"
    shown = text(answer)
    assert "type-" in shown
    assert "/properties/x/type" in shown
    assert "Was valid and is now rejected:" in shown
    assert "## 2.0.0" in shown
    kinds = {row.kind for _, rows, _ in answer.context["side_by_side"] for row in rows}
    assert {"same", "changed", "added", "removed"} <= kinds
    backwards = console.get("compare", "a", **{"from": "2.0.0", "to": "1.0.0"})
    assert not backwards.context["report"].acceptable
    assert console.get("compare", "a").context["new"].version == "2.0.0"
    assert console.get("compare", "a", **{"from": "1.0.0", "to": "9.9.9"}).status_code == 404


def test_versions_of_two_contracts_are_compared(console):
    publish("a", "1.0.0", obj(x=TEXT))
    publish("b.c", "1.0.0", obj(y=TEXT))
    publish("b.c", "3.0.0", {**obj(x=TEXT), "required": ["x"]})
    answer = console.get("compare", "a", of="b.c", to="1.0.0")
    assert (answer.context["old"].version, answer.context["new"].name) == ("1.0.0", "b.c")
    answer = console.get("compare", "a", of="b.c", **{"from": "1.0.0", "to": "9.9.9"})
    assert answer.context["new"].version == "3.0.0"
    assert answer.context["report"].verdict == "breaking"
    assert f"{url('compare', 'b.c')}?from=3.0.0&amp;to=1.0.0&amp;of=a" in text(answer)
    assert console.get("compare", "a", of="nope").status_code == 404
    assert console.get("compare", "a", of="../etc").status_code == 404


HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


def test_user_content_is_escaped(console):
    schema = {"title": HOSTILE, "description": HOSTILE, "type": "object", "properties": {HOSTILE: {"const": HOSTILE}}}
    publish("a", "1.0.0", schema, description=HOSTILE, labels=(HOSTILE,))
    publish("a", "2.0.0", {"title": HOSTILE, "enum": [HOSTILE]}, description=HOSTILE, labels=(HOSTILE,))
    change_state(name="a", version="1.0.0", action="deprecate", actor=Actor(HOSTILE), reason=HOSTILE)
    pages = [
        *(console.get("version", "a", "1.0.0", view=view) for view in ("", "fields", "schema", "tree", "examples")),
        console.get("changelist", q=HOSTILE, label=HOSTILE, prefix=HOSTILE),
        console.get("changelist"),
        console.get("change", "a"),
        console.get("compare", "a"),
        console.get("lifecycle", "a", "1.0.0", "withdraw"),
        console.get("auditentry_changelist", actor=HOSTILE),
        console.get("auditentry_changelist"),
        console.post("add", name=HOSTILE, version=HOSTILE, description=HOSTILE, schema=HOSTILE, labels=HOSTILE),
        console.post("add", name="a", version="3.0.0", schema=json.dumps(schema)),
        console.client.get("/admin/"),
        console.client.get(f"/admin/contracts_app/contract/{HOSTILE.replace('/', '')}/change/"),
    ]
    for page in pages:
        assert page.status_code in (200, 404)
        assert "<script>alert" not in page.content.decode()
        assert "<img src=x" not in page.content.decode()


def test_no_page_has_inline_script_or_style_and_all_have_the_policy(console):
    publish("a", "1.0.0", SCHEMA)
    pages = [console.client.get("/admin/"), console.get("changelist"), console.get("change", "a"), console.get("add")]
    pages += [console.get("version", "a", "1.0.0", view=view) for view in ("overview", "fields", "schema", "tree")]
    for page in pages:
        policy = page["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        html = page.content.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)", html)
        assert not re.search(r"\s(style|on\w+)=", html)


def test_invalid_names_and_missing_contracts_are_a_404(console):
    for name in ("nope", "..", "a b", "x" * 300, "a.v1.b"):
        answer = console.client.get(f"/admin/contracts_app/contract/{name}/change/")
        assert answer.status_code == 404
    publish("a", "1.0.0", obj())
    assert console.get("version", "a", "not-a-version").status_code == 400
    assert console.get("version", "a", "1.0.9").status_code == 404


def test_a_missing_slash_is_redirected_and_a_missing_page_is_a_404(console):
    answer = console.client.get("/admin/contracts_app/contract")
    assert (answer.status_code, answer["Location"]) == (301, url("changelist"))
    missing = console.client.get("/admin/nowhere/")
    assert missing.status_code == 404
    assert "This page does not exist" in missing.content.decode()


def test_the_start_page_shows_figures_and_changes(console):
    publish("a", "1.0.0", obj())
    publish("b", "1.0.0", obj(), draft=True)
    answer = console.client.get("/admin/")
    assert dict(answer.context["states"])["active"] == 1
    assert answer.context["health"].stream.startswith("KV_test-")
    assert answer.context["chart"].total == 2
    assert [entry["contract"] for entry in answer.context["recent"]] == ["b", "a"]
    assert "unknown (set BACKUP_STAMP)" in text(answer)


def test_the_start_page_shows_the_age_of_the_backup(console, settings, tmp_path):
    stamp = tmp_path / "stamp"
    settings.BACKUP_STAMP = str(stamp)
    assert console.client.get("/admin/").context["backup"] is None
    stamp.touch()
    assert console.client.get("/admin/").context["backup"] == pytest.approx(stamp.stat().st_mtime)


def test_the_audit_log_is_newest_first_and_read_only(console, monkeypatch):
    monkeypatch.setattr("contracts_app.console.audit.PER_PAGE", 3)
    for minor in range(4):
        publish("a", f"1.{minor}.0", obj(**{f"f{n}": {} for n in range(minor)}))
    publish("b", "1.0.0", obj())
    change_state(name="b", version="1.0.0", action="deprecate", actor=STEWARD, reason="old")
    set_policy(level="default", policy={"allowOverride": True}, actor=STEWARD)

    def shown(**query):
        return [
            (each["action"], each.get("version"))
            for each in console.get("auditentry_changelist", **query).context["entries"]
        ]

    first = console.get("auditentry_changelist")
    assert [each["action"] for each in first.context["entries"]] == ["set-policy", "deprecate", "publish"]
    assert "allowOverride: yes" in text(first)
    before = first.context["older"].partition("before=")[2]
    assert shown(before=before) == [("publish", "1.3.0"), ("publish", "1.2.0"), ("publish", "1.1.0")]
    assert shown(contract="b") == [("deprecate", "1.0.0"), ("publish", "1.0.0")]
    assert shown(actor="mara", action="deprecate") == [("deprecate", "1.0.0")]
    assert shown(since="2999-01-01") == []
    assert shown(until="2001-01-01") == []
    assert len(shown(since="2001-01-01", until="2999-01-01")) == 3
    assert "date" in text(console.get("auditentry_changelist", since="yesterday"))
    assert console.get("auditentry_changelist", since="yesterday").status_code == 400
    assert console.post("auditentry_changelist").status_code == 405
    assert contract_store().health().messages == 7


def test_an_empty_registry_says_how_to_begin(console):
    assert "Publish the first contract" in text(console.client.get("/admin/"))
    assert "Publish the first contract" in text(console.get("changelist"))
    assert "No changes have been recorded yet" in text(console.get("auditentry_changelist"))


def test_a_user_without_the_audit_permission_sees_no_actors(console):
    publish("a", "1.0.0", obj())
    assert "ci, " in text(console.client.get("/admin/"))
    viewer: Console = console.member("viewer")
    shown = text(viewer.client.get("/admin/"))
    assert "ci, " not in shown
    assert url("auditentry_changelist") not in shown


def test_versions_show_how_many_clients_use_them(console, monkeypatch):
    for kept in ("usage", "reads"):
        monkeypatch.setattr(f"contracts_app.services.{kept}._kept", None)
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        publish("order", version, {"title": version})
    for number in range(4):
        use = {"contract": "order", "range": "1.1.0" if number else "1.0.0"}
        declare(check_usage(f"client-{number}", {"uses": [use]}, "2026-01-05T10:30:00Z"))
    counts = ReadCounts()
    counts.add("order", "1.2.0")
    ReadReporter(contract_store(), counts).flush()
    page = console.get("contract_change", "order").content.decode()
    assert "1 read, last" in page
    assert page.count(" read, last") == 1
    assert '<span class="label heat-1">1 client</span>' in page
    assert '<span class="label heat-3">3 clients</span>' in page
    assert page.count("heat-") == 2
