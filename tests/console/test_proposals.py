"""The pages of the proposals: proposed on the publish page, seen, approved by another person, rejected, taken back."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import Group

from contracts_app.services.policies import set_policy
from contracts_app.services.proposals import find_proposal
from contracts_app.storage import Actor, contract_store
from tests.console.conftest import obj, publish, record, text, url

BROKEN = json.dumps({"type": "object", "required": ["id"]})


@pytest.fixture
def proposed(console):
    """A proposal of a publisher, made on the publish page."""
    publish("pay.sent", "1.0.0", obj())
    set_policy(level="prefix", name="pay", policy={"review": ["breaking"]}, actor=Actor("root"))
    author = console.member("publisher", name="dora")
    given = {"name": "pay.sent", "version": "2.0.0", "schema": BROKEN}
    checked = author.post("add", **given)
    assert "Propose pay.sent 2.0.0" in text(checked)
    done = author.post("add", **given, publish="1", checked=checked.context["checked"])
    assert done["Location"] == url("proposal_change", "pay.sent", "2.0.0")
    return author


def decide(member, **data):
    return member.client.post(url("proposal_change", "pay.sent", "2.0.0"), data, follow=True)


def test_a_proposal_is_shown_as_it_is_judged_now_and_approved(console, proposed):
    listed = text(console.get("proposal_changelist"))
    assert "pay.<wbr>sent 2.0.0" in listed
    assert "1 waits." in listed
    page = console.get("proposal_change", "pay.sent", "2.0.0")
    assert "required" in text(page)
    revision = page.context["revision"]
    assert "Another person has to decide" in text(proposed.get("proposal_change", "pay.sent", "2.0.0"))
    assert decide(proposed, approve="1", reason="mine").status_code == 403
    proposed.user.groups.add(Group.objects.get(name="approver"))
    assert "another person has to decide on it" in text(decide(proposed, approve="1", reason="mine"))
    assert "This field is required" in text(decide(console, approve="1", reason=""))
    done = decide(console, approve="1", reason="agreed", revision=revision)
    assert "Approved and published: pay.sent 2.0.0" in text(done)
    assert record("pay.sent", "2.0.0").json_schema == BROKEN
    after = text(console.get("proposal_change", "pay.sent", "2.0.0"))
    assert "agreed" in after
    assert "Approve and publish" not in after
    actions = [each.audit.action for each in contract_store().history()][-4:]
    assert actions == ["propose", "approve", "publish", "close-proposal"]
    assert url("proposal_change", "pay.sent", "2.0.0") in text(console.get("auditentry_changelist"))


def test_an_approval_of_what_was_seen_before_others_published_is_refused(console, proposed):
    revision = console.get("proposal_change", "pay.sent", "2.0.0").context["revision"]
    publish("pay.sent", "1.1.0", obj(a={}))
    assert "has other versions than those" in text(decide(console, approve="1", reason="x", revision=revision))
    assert find_proposal("pay.sent", "2.0.0").state == "pending"


def test_a_proposal_is_rejected_or_taken_back(console, proposed):
    assert "Rejected: pay.sent 2.0.0" in text(decide(console, reject="1", reason="keep it"))
    assert find_proposal("pay.sent", "2.0.0").reason == "keep it"
    given = {"name": "pay.sent", "version": "2.0.0", "schema": BROKEN}
    checked = proposed.post("add", **given)
    proposed.post("add", **given, publish="1", checked=checked.context["checked"])
    assert "Only dora can take this proposal back" in text(decide(console, withdraw="1"))
    assert "was taken back" in text(decide(proposed, withdraw="1"))
    assert console.get("proposal_change", "pay.sent", "3.0.0").status_code == 404


def test_who_sees_and_decides(console, proposed):
    viewer = console.member("viewer")
    assert "Your account cannot decide on it" in text(viewer.get("proposal_change", "pay.sent", "2.0.0"))
    assert decide(viewer, approve="1", reason="x").status_code == 403
    Group.objects.create(name="approver:other.*")
    stranger = console.member("approver:other.*")
    assert "pay.sent" not in text(stranger.get("proposal_changelist"))
    assert stranger.get("proposal_change", "pay.sent", "2.0.0").status_code == 403
    Group.objects.create(name="approver:pay.*")
    approver = console.member("approver:pay.*")
    assert "Approved and published" in text(decide(approver, approve="1", reason="x"))
