"""Publish requests: exact fields and types, no others. Used by the API and the console."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contracts_app.bundles import ContractBundle, check_identity, compact, excerpt
from contracts_app.exceptions import MalformedContract
from contracts_app.lifecycle import ACTIVE, DRAFT
from contracts_app.services.batches import MAX_BATCH_MEMBERS
from contracts_app.signatures import check_envelopes

_TEXTS = ("name", "version", "description", "witPath", "descriptorPath", "wit")
FIELDS = (*_TEXTS, "jsonSchema", "descriptor", "labels", "state", "override", "signatures")


MAX_LABELS, MAX_LABEL_CHARACTERS, MAX_REASON_CHARACTERS = 50, 100, 2000
MAX_CHARACTERS = {"description": 4000, "witPath": 1000, "descriptorPath": 1000}
"""Characters of texts that lists show."""


@dataclass(frozen=True)
class PublishRequest:
    """The content of a publish request."""

    bundle: ContractBundle
    draft: bool
    override: str | None
    """The reason for publishing a breaking change."""


def read_publish(data: Any) -> PublishRequest:
    """Return the version that a request asks to publish. Raises MalformedContract, which names the field."""
    if not isinstance(data, dict):
        raise MalformedContract("The request body must be a JSON object")
    unknown = sorted(data.keys() - set(FIELDS))
    if unknown:
        shown = ", ".join(excerpt(field) for field in unknown[:20])
        raise MalformedContract(f"Unknown fields: {shown}; known are {', '.join(FIELDS)}", fields=unknown[:20])
    for field in ("name", "version"):
        if data.get(field) is None:
            raise MalformedContract(f"The field {field} is missing", field=field)
    for field in _TEXTS:
        if not isinstance(data.get(field), (str, type(None))):
            raise MalformedContract(f"The field {field} must be a string", field=field)
    check_identity(data["name"], data["version"])
    for field, maximum in MAX_CHARACTERS.items():
        if len(data.get(field) or "") > maximum:
            raise MalformedContract(f"The field {field} must have at most {maximum} characters", field=field)
    schema = data.get("jsonSchema")
    if isinstance(schema, (dict, bool)):
        schema = compact(schema).decode()
    elif not isinstance(schema, (str, type(None))):
        raise MalformedContract("The field jsonSchema must be a string or a JSON object", field="jsonSchema")
    state = data.get("state", ACTIVE)
    if state not in (ACTIVE, DRAFT):
        raise MalformedContract(f"The field state must be {ACTIVE} or {DRAFT}", field="state")
    bundle = ContractBundle(
        name=data["name"],
        version=data["version"],
        description=data.get("description"),
        json_schema=schema,
        wit_path=data.get("witPath"),
        descriptor_path=data.get("descriptorPath"),
        wit=data.get("wit"),
        descriptor=data.get("descriptor"),
        labels=_labels(data.get("labels")),
        signatures=check_envelopes(data.get("signatures")),
    )
    return PublishRequest(bundle, state == DRAFT, read_reason(data.get("override")))


def read_batch(data: Any) -> list[PublishRequest]:
    """Return the publish requests of `{"contracts": [...]}`. Raises MalformedContract, which names the location."""
    contracts = data.get("contracts") if isinstance(data, dict) and data.keys() == {"contracts"} else None
    if not isinstance(contracts, list) or not 1 <= len(contracts) <= MAX_BATCH_MEMBERS:
        raise MalformedContract(
            f'The request body must be {{"contracts": [...]}} with 1 to {MAX_BATCH_MEMBERS} contracts'
        )
    orders: list[PublishRequest] = []
    seen: set[str] = set()
    for number, member in enumerate(contracts):
        try:
            order = read_publish(member)
        except MalformedContract as error:
            raise MalformedContract(f"contracts[{number}]: {error.message}", index=number, **error.extras) from None
        if order.override is not None:
            raise MalformedContract(f"contracts[{number}]: a break is overridden one by one", index=number)
        if order.bundle.key in seen:
            raise MalformedContract(
                f"contracts[{number}]: {order.bundle.name}/{order.bundle.version} is given twice", index=number
            )
        seen.add(order.bundle.key)
        orders.append(order)
    return orders


def read_reason(value: Any) -> str | None:
    """Return the reason of an override, `{"reason": TEXT}`. Raises MalformedContract."""
    if value is None:
        return None
    if not isinstance(value, dict) or value.keys() != {"reason"} or not isinstance(value["reason"], str):
        raise MalformedContract('The field override must be {"reason": TEXT}', field="override")
    return check_text_field(value["reason"], "override.reason")


def check_text_field(value: str, field: str) -> str:
    """Return a text that is neither blank nor too long. Raises MalformedContract."""
    if not value.strip() or len(value) > MAX_REASON_CHARACTERS:
        raise MalformedContract(f"The field {field} must have 1 to {MAX_REASON_CHARACTERS} characters", field=field)
    return value.strip()


def _labels(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if (
        not isinstance(value, list)
        or len(value) > MAX_LABELS
        or not all(isinstance(label, str) and label.strip() and len(label) <= MAX_LABEL_CHARACTERS for label in value)
    ):
        raise MalformedContract(
            f"The field labels must be at most {MAX_LABELS} strings of 1 to {MAX_LABEL_CHARACTERS} characters",
            field="labels",
        )
    return tuple(dict.fromkeys(value))
