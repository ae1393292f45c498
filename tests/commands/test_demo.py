"""The demonstration data: thirty contracts, all valid, and nothing is written twice."""

from io import StringIO

from django.core.management import call_command

from contracts_app.policies import policy_of
from contracts_app.storage import contract_store


def run() -> str:
    output = StringIO()
    call_command("fill_demo", stdout=output)
    return output.getvalue()


def test_the_registry_is_filled_once(registry):
    assert run().startswith("30 contracts; 43 versions were published")
    index = contract_store().index()
    assert index.count_names() == 30
    states = {entry.state for entry in index}
    assert states == {"active", "deprecated", "draft"}
    assert any(entry.has_wit for entry in index)
    assert len(index.dependents("common.money")) > 5
    assert policy_of(index.documents, "payment.failed").owner == "payments"
    assert run().startswith("30 contracts; 1 versions were published")  # a draft may be replaced
    assert len(contract_store().index()) == len(index)
