"""Sample data for the browser tests and screenshots, published by the services with a fake clock."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from contracts_app.bindings import check_binding
from contracts_app.bundles import ContractBundle, content_digest
from contracts_app.exceptions import ReviewRequired
from contracts_app.services import change_state, lifecycle, publish_contract, publishing
from contracts_app.services.bindings import set_binding
from contracts_app.services.policies import set_policy
from contracts_app.services.proposals import propose
from contracts_app.services.signatures import add_signature, set_signer
from contracts_app.signatures import Signature, Signer, check_envelope
from contracts_app.storage import Actor, AuditEntry, ContractStore
from contracts_app.storage.nats.store import JetStreamContractStore
from contracts_app.timestamps import utc_now
from tests.signing_keys import Key

UGLY = "<script>document.title='pwned'</script> \u202eright to left\u202c שלום 🦊 مرحبا"


@contextmanager
def days_ago(days: float) -> Iterator[None]:
    """Set the services' clock back."""

    def then() -> str:
        return (datetime.now(timezone.utc) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")

    before = publishing.utc_now, lifecycle.utc_now
    publishing.utc_now = lifecycle.utc_now = then
    try:
        yield
    finally:
        publishing.utc_now, lifecycle.utc_now = before


def object_schema(title: str, properties: dict[str, Any], required: list[str], **more: Any) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "type": "object",
        "properties": properties,
        "required": required,
        **more,
    }


TEXT = {"type": "string", "minLength": 1}
MONEY = {
    "type": "object",
    "properties": {
        "amount": {"type": "integer", "minimum": 0, "description": "In the currency's smallest unit"},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217"},
    },
    "required": ["amount", "currency"],
}
ITEM = object_schema(
    "An item of an order",
    {
        "sku": {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}$", "examples": ["ABC-1234"]},
        "quantity": {"type": "integer", "minimum": 1, "maximum": 999},
        "price": MONEY,
    },
    ["sku", "quantity"],
)
WHEN = {"type": "string", "format": "date-time"}


def order(version: int) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "orderId": {"type": "string", "format": "uuid", "description": "Stays the same over all events of an order"},
        "placedAt": WHEN,
        "customer": {"$ref": "#/$defs/customer"},
        "items": {"type": "array", "items": {"$ref": "contract:order.item@^1"}, "minItems": 1, "maxItems": 100},
        "status": {"enum": ["placed", "paid", "shipped"]},
    }
    if version >= 2:
        properties["note"] = {"type": "string", "maxLength": 500, "description": "What the customer wrote"}
    if version >= 3:
        properties["status"] = {"enum": ["placed", "paid", "shipped", "delivered"]}
        properties["channel"] = {"type": "string", "enum": ["web", "app", "shop"], "default": "web"}
    if version >= 4:
        del properties["note"]
        properties["status"] = {"enum": ["placed", "paid", "shipped", "delivered", "returned"]}
        properties["total"] = MONEY
        properties["items"] = {**properties["items"], "maxItems": 50}
    required = ["orderId", "placedAt", "items"] + (["total"] if version >= 4 else [])
    customer = {
        "type": "object",
        "properties": {"id": TEXT, "email": {"type": "string", "format": "email"}, "since": WHEN},
        "required": ["id"],
    }
    return object_schema("An order was placed", properties, required, **{"$defs": {"customer": customer}})


def wit(version: int) -> str:
    more = "\n    /// Keeps the proportions.\n    fit: func(image: image, width: u32) -> result<image, failure>;"
    extra = more if version > 1 else ""
    return f"""package media:resizer@0.{version}.0;

interface images {{
    record image {{
        width: u32,
        height: u32,
        pixels: list<u8>,
    }}

    enum failure {{ too-large, unreadable }}

    /// Resizes, and never enlarges.
    resize: func(image: image, width: u32, height: u32) -> result<image, failure>;{extra}
}}

world resizer {{
    export images;
}}
"""


def fill(store: ContractStore) -> None:
    """Publish the sample, from 28 days ago until today."""

    def publish(days: float, name: str, version: str, schema: Any = None, who: str = "ci@shop", **more: Any) -> None:
        text = json.dumps(schema, indent=2, ensure_ascii=False) if schema is not None else None
        draft = more.pop("draft", False)
        with days_ago(days):
            bundle = ContractBundle(name=name, version=version, json_schema=text, **more)
            publish_contract(bundle=bundle, actor=Actor(who, f"req-{name}-{version}"), draft=draft, store=store)

    def change(days: float, name: str, version: str, action: str, who: str = "mara", **more: Any) -> None:
        with days_ago(days):
            actor = Actor(who, f"req-{action}")
            change_state(name=name, version=version, action=action, actor=actor, store=store, **more)

    steward = Actor("mara", "req-policy")
    set_policy(
        level="prefix",
        name="payment",
        policy={
            "compatibility": "full-transitive",
            "allowOverride": True,
            "owner": "payments",
            "contact": "payments@example.com",
        },
        actor=steward,
        store=store,
    )
    commerce, finance = {"labels": ("commerce", "public", "owner:checkout")}, {"labels": ("finance", "pci")}
    publish(28, "order.item", "1.0.0", ITEM, description="One line of an order", **commerce)
    about = {"description": "Sent once for every order that a customer places", **commerce}
    publish(27, "order.created", "1.0.0", order(1), **about)
    publish(21, "order.created", "1.1.0", order(2), **about)
    publish(14, "order.created", "1.2.0", order(3), **about)
    publish(6, "order.created", "2.0.0", order(4), who="mara", **about)
    cancelled = object_schema("An order was cancelled", {"orderId": TEXT, "reason": TEXT, "at": WHEN}, ["orderId"])
    publish(26, "order.cancelled", "1.0.0", cancelled, description="Sent when an order will not be shipped", **commerce)
    authorized = object_schema(
        "A payment was authorized", {"paymentId": TEXT, "orderId": TEXT, "amount": MONEY}, ["paymentId", "amount"]
    )
    publish(25, "payment.authorized", "1.0.0", authorized, description="Money is reserved", **finance)
    publish(25, "payment.refunded", "1.0.0", authorized, description="Money went back", **finance)
    profile = {"customerId": TEXT, "name": {**TEXT, "maxLength": 200}, "birthday": {"type": "string", "format": "date"}}
    about = {"description": "What is known of a customer", "labels": ("personal-data",)}
    publish(24, "customer.profile", "1.0.0", object_schema("A customer", profile, ["customerId"]), **about)
    profile = {**profile, "locale": {"type": "string", "default": "en"}}
    publish(18, "customer.profile", "1.1.0", object_schema("A customer", profile, ["customerId"]), **about)
    stock = object_schema("Stock of an article", {"sku": TEXT, "count": {"type": "integer", "minimum": 0}}, ["sku"])
    publish(22, "inventory.stock-level", "1.0.0", stock, description="Counted each night")
    publish(15, "inventory.stock-level", "1.0.1", {**stock, "description": "Of one warehouse"})
    publish(20, "shipping.label-printed", "v1", object_schema("A label", {"orderId": TEXT}, ["orderId"]))
    publish(9, "shipping.label-printed", "v2", object_schema("A label", {"shipmentId": TEXT}, ["shipmentId"]))
    sensor = {"sensor": TEXT, "celsius": {"type": "number", "minimum": -90, "maximum": 120}, "at": WHEN}
    for minor, days in enumerate((19, 13, 12, 5, 1)):
        fields = {**sensor, **{f"channel{n}": {"type": "number"} for n in range(minor)}}
        schema = object_schema("A reading", fields, ["sensor", "celsius"])
        publish(days, "telemetry.reading", f"1.{minor}.0", schema, description="From the cold stores", who="iot@plant")
    about = {"description": "Resizes pictures at the edge", "labels": ("wasm",)}
    publish(17, "media.resizer", "0.1.0", wit=wit(1), descriptor={"memory": "64MiB", "timeoutMs": 200}, **about)
    publish(4, "media.resizer", "0.2.0", wit=wit(2), descriptor={"memory": "64MiB", "timeoutMs": 200}, **about)
    invoice = object_schema("An invoice", {"number": TEXT, "total": MONEY}, ["number", "total"])
    publish(2, "billing.invoice", "1.0.0", invoice, description="Being agreed on with accounting", draft=True)
    publish(23, "legacy.basket", "1.0.0", object_schema("A basket", {"id": TEXT}, ["id"]))
    odd = object_schema(UGLY, {"<b>bold</b>": {"type": "string", "title": UGLY}, "שם": TEXT, "🦊": TEXT}, ["🦊"])
    publish(3, "odd.names", "1.0.0", odd, description=UGLY, labels=("<i>odd</i>", "עברית"))
    soon = (datetime.now(timezone.utc) + timedelta(days=25)).strftime("%Y-%m-%d")
    change(7, "order.created", "1.0.0", "deprecate", reason="1.2.0 has the channel", sunset_at=soon, successor="1.2.0")
    change(6, "order.created", "1.1.0", "deprecate", reason="1.2.0 has the channel", successor="1.2.0")
    change(5, "customer.profile", "1.0.0", "deprecate", sunset_at=soon, successor="1.1.0")
    change(3, "legacy.basket", "1.0.0", "withdraw", reason="The old shop is closed")
    set_policy(level="default", policy={"minimumNoticeDays": 14}, actor=steward, store=store)
    for name, subject, contract, mode in (
        ("orders-created", "orders.*.created", "order.created", "enforce"),
        ("orders", "orders.>", "order.cancelled", "report"),
    ):
        bound = check_binding(name, {"subject": subject, "contract": contract, "mode": mode, "owner": "checkout"})
        set_binding(name=name, binding=bound, actor=steward, store=store)
    _sign(store, "order.created", "2.0.0", steward)
    narrowed = {**ITEM, "required": [*ITEM["required"], "warehouse"]}
    proposed = ContractBundle(name="order.item", version="9.0.0", json_schema=json.dumps(narrowed, ensure_ascii=False))
    required = ReviewRequired("order.item", "9.0.0", ("breaking",))
    propose(proposed, required, Actor("dora", "req-propose"), store=store)


def _sign(store: ContractStore, name: str, version: str, actor: Actor) -> None:
    key = Key()
    set_signer(Signer("release-pipeline", key.public, "Signs what is released"), actor, store=store)
    signature = Signature(check_envelope(key.sign(store.get(name, version).digest)))
    add_signature(name=name, version=version, signature=signature, actor=actor, store=store)


def fill_ugly(servers: str, bucket: str) -> None:
    """Write one contract of 300 versions, each of 3,000 fields and more than 1 MB, in many scripts."""
    store = JetStreamContractStore(servers=servers, bucket=bucket)
    groups: dict[str, Any] = {}
    for number in range(3000):
        group = groups.setdefault(f"group {number // 100} 🦊", object_schema(UGLY, {}, []))
        group["properties"][f"حقل-{number}-{'x' * 20}"] = {
            "type": ["string", "null"],
            "description": UGLY * 3,
            "maxLength": number + 1,
            "enum": [f"{number}-{each}" for each in "abc"],
        }
    after = 0
    for minor in range(300):
        schema = object_schema(UGLY, {**groups, f"new{minor}": {"type": "integer"}}, [])
        text = json.dumps(schema, ensure_ascii=False)
        bundle = ContractBundle(name="ugly.giant", version=f"1.{minor}.0", json_schema=text, description=UGLY * 20)
        bundle = replace(bundle, digest=content_digest(bundle), created_at=utc_now())
        after = store.create(bundle, after=after, audit=AuditEntry(Actor("ci@odd")))
    store.close()
