"""Permissions, checked by the server whatever the pages show."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.test import Client

from contracts_app.console.groups import GROUPS
from tests.console.conftest import Console, obj, publish, record, url

READ = [("changelist",), ("change", "a.b"), ("version", "a.b", "1.0.0"), ("compare", "a.b"), ("add",)]
LIFECYCLE = [("lifecycle", "a.b", "1.0.0", "deprecate"), ("lifecycle", "a.b", "1.0.0", "withdraw")]
PAGES = {
    "read": [*READ, ("raw", "a.b", "1.0.0", "schema"), ("verdict", "a.b", "1.1.0"), ("policy_changelist",)],
    "lifecycle": LIFECYCLE,
    "policy": [("policy_add",), ("policy_change", "default")],
    "audit": [("auditentry_changelist",)],
}
MAY = {
    "viewer": {"read"},
    "publisher": {"read"},
    "steward": {"read", "lifecycle", "policy"},
    "auditor": {"read", "audit"},
    "": set(),
}


@pytest.fixture
def contracts(console: Console) -> None:
    publish("a.b", "1.0.0", obj())
    publish("a.b", "1.1.0", obj(x={}))


def test_migrate_creates_the_groups(db):
    assert set(Group.objects.values_list("name", flat=True)) == set(GROUPS)
    steward = Group.objects.get(name="steward")
    assert steward.permissions.filter(codename="change_lifecycle").exists()


def test_migrate_keeps_changes_to_a_group(db):
    viewer = Group.objects.get(name="viewer")
    viewer.permissions.set([Permission.objects.get(codename="publish_contract")])
    call_command("migrate", verbosity=0)
    assert list(viewer.permissions.values_list("codename", flat=True)) == ["publish_contract"]


@pytest.mark.parametrize("group", MAY)
def test_each_page_for_each_group(console, contracts, group):
    user = console.member(*filter(None, [group]))
    for kind, pages in PAGES.items():
        for page in pages:
            answer = user.get(*page)
            # A missing policy leads to the form for a new one.
            assert answer.status_code in ((200, 302) if kind in MAY[group] else (403,)), (group, page)


@pytest.mark.parametrize("group", ["viewer", "publisher", "auditor", ""])
def test_no_change_of_state_without_the_permission(console, contracts, group):
    user = console.member(*filter(None, [group]))
    assert user.post("lifecycle", "a.b", "1.0.0", "withdraw", reason="x").status_code == 403
    assert user.post("deprecate", contract=["a.b"]).status_code == 403
    assert user.post("policy_add", level="default", compatibility="none").status_code == 403
    assert record("a.b", "1.0.0").state == "active"


@pytest.mark.parametrize(("group", "written"), [("viewer", False), ("publisher", True), ("steward", True)])
def test_publishing_requires_its_permission(console, registry, group, written):
    user = console.member(group)
    form = {"name": "new.one", "version": "1.0.0", "schema": "{}"}
    checked = user.post("add", **form)
    assert checked.status_code == 200
    answer = user.post("add", **form, publish="1", checked=checked.context["checked"])
    assert answer.status_code == (302 if written else 200)
    assert bool(user.get("change", "new.one").status_code == 200) is written


def test_a_publisher_may_not_override(console, contracts):
    user = console.member("publisher")
    answer = user.post("add", name="a.b", version="1.2.0", schema='{"type": "string"}', override="because")
    assert "cannot override" in answer.content.decode()


def test_anonymous_callers_are_sent_to_the_login(registry, db):
    client = Client()
    for pages in PAGES.values():
        for page in pages:
            answer = client.get(url(*page))
            assert answer.status_code == 302
            assert answer["Location"].startswith("/admin/login/")


def test_staff_without_a_group_see_why_the_start_page_is_empty(console):
    answer = console.member().client.get("/admin/")
    assert answer.status_code == 200
    assert "cannot view contracts" in answer.content.decode()


def test_the_login_is_locked_after_many_failures(console, settings):
    client = Client()
    wrong = {"username": "root", "password": "wrong"}
    answers = [client.post("/admin/login/", wrong).status_code for _ in range(settings.AXES_FAILURE_LIMIT + 1)]
    assert answers[-1] == 429
    right = client.post("/admin/login/", {"username": "root", "password": "correct horse"})
    assert right.status_code == 429
    assert "Too many attempts" in right.content.decode()
    other = console.member("viewer", name="another")
    other.client.logout()
    assert other.client.post("/admin/login/", {"username": "another", "password": "correct horse"}).status_code == 302


@pytest.fixture
def two_teams(console: Console) -> Console:
    for name in ("payments.order", "billing.invoice"):
        publish(name, "1.0.0", obj())
        publish(name, "1.1.0", obj(x={}))
    Group.objects.create(name="steward:payments.*")
    return console.member("steward:payments.*")


NAMED = [
    *(("change",), ("compare",), ("version", "1.0.0"), ("raw", "1.0.0", "schema"), ("verdict", "1.1.0")),
    *(("lifecycle", "1.0.0", "deprecate"), ("lifecycle", "1.0.0", "withdraw")),
]


@pytest.mark.parametrize("page", NAMED)
def test_a_group_for_a_prefix_opens_the_pages_of_its_contracts(two_teams, page):
    view, *more = page
    assert two_teams.get(view, "payments.order", *more).status_code == 200
    assert two_teams.get(view, "billing.invoice", *more).status_code == 403


def test_a_group_for_a_prefix_sees_and_changes_only_its_contracts(two_teams):
    listed = two_teams.get("changelist").content.decode()
    assert ("payments.order" in listed, "billing.invoice" in listed) == (True, False)
    assert two_teams.post("lifecycle", "billing.invoice", "1.0.0", "withdraw", reason="x").status_code == 403
    two_teams.post("deprecate", contract=["billing.invoice"], reason="x", sunset="2999-01-01", confirm="1")
    assert record("billing.invoice", "1.0.0").state == "active"
    assert "billing" not in two_teams.client.get("/admin/").content.decode()
    assert two_teams.get("auditentry_changelist").status_code == 403


@pytest.mark.parametrize(("name", "written"), [("payments.new", True), ("billing.new", False), ("payments", False)])
def test_a_group_for_a_prefix_publishes_only_below_it(two_teams, name, written):
    form = {"name": name, "version": "1.0.0", "schema": "{}"}
    checked = two_teams.post("add", **form).context.get("checked") or ""
    assert two_teams.post("add", **form, publish="1", checked=checked).status_code == (302 if written else 200)


def test_a_reference_to_a_contract_that_the_user_cannot_view_is_refused(two_teams):
    schema = '{"$ref": "contract:billing.invoice@1.0.0"}'
    answer = two_teams.post("add", name="payments.new", version="1.0.0", schema=schema)
    assert "cannot view billing.invoice" in answer.content.decode()


@pytest.mark.parametrize(
    ("level", "name", "allowed"),
    [
        ("contract", "payments.order", True),
        ("prefix", "payments", True),
        ("prefix", "payments.order", True),
        ("contract", "billing.invoice", False),
        ("prefix", "billing", False),
        ("prefix", "pay", False),
        ("default", "", False),
    ],
)
def test_a_group_for_a_prefix_sets_only_the_policies_below_it(two_teams, level, name, allowed):
    answer = two_teams.post("policy_add", level=level, name=name, compatibility="none", confirm="1")
    assert answer.status_code == (302 if allowed else 403)
    page = ("policy_change", level, name) if name else ("policy_change", level)
    assert (two_teams.get(*page).status_code == 403) is not allowed
