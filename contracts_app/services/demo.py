"""Thirty contracts of a shop, with several versions, references, WIT, deprecations, drafts and policies, for trying."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

JSON = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"


class DemoVersion(NamedTuple):
    """One version to publish."""

    name: str
    version: str
    description: str
    schema: JSON | None = None
    wit: str | None = None
    descriptor: JSON | None = None
    labels: tuple[str, ...] = ()
    draft: bool = False


ID: JSON = {"type": "string", "format": "uuid"}
TEXT: JSON = {"type": "string", "minLength": 1}
TIME: JSON = {"type": "string", "format": "date-time"}
COUNT: JSON = {"type": "integer", "minimum": 0}
_CODE: JSON = {"type": "string"}


def _ref(name: str, version: str = "^1") -> JSON:
    return {"$ref": f"contract:{name}@{version}"}


def _object(title: str, properties: JSON, *required: str, **more: Any) -> JSON:
    schema = {"$schema": DIALECT, "title": title, "type": "object", "properties": properties}
    return schema | ({"required": list(required)} if required else {}) | more


def _event(title: str, properties: JSON, *required: str) -> JSON:
    head = {
        "eventId": {**ID, "description": "Different in each event"},
        "tenantId": {**TEXT, "description": "The shop that the event belongs to"},
        "occurredAt": TIME,
    }
    return _object(title, head | properties, "eventId", "tenantId", "occurredAt", *required)


# Name, description, labels, and the properties that each version adds: the last item of a pair is what is required.
_EVENTS: dict[str, tuple[str, tuple[str, ...], list[tuple[JSON, tuple[str, ...]]]]] = {
    "order.placed": (
        "Sent once for every order that a customer places",
        ("public",),
        [
            (
                {
                    "orderId": ID,
                    "customerId": ID,
                    "items": {"type": "array", "items": _ref("order.item"), "minItems": 1, "maxItems": 100},
                    "total": _ref("common.money"),
                },
                ("orderId", "items"),
            ),
            ({"channel": {"enum": ["web", "app", "shop"]}}, ()),
            ({"coupon": TEXT}, ()),
        ],
    ),
    "order.cancelled": (
        "Sent when an order will not be shipped",
        ("public",),
        [({"orderId": ID, "reason": {"enum": ["customer", "fraud", "stock"]}}, ("orderId",)), ({"note": TEXT}, ())],
    ),
    "order.completed": ("Sent when all items were delivered", ("public",), [({"orderId": ID}, ("orderId",))]),
    "payment.authorized": (
        "Money is reserved",
        ("pci",),
        [
            ({"paymentId": ID, "orderId": ID, "amount": _ref("common.money")}, ("paymentId", "amount")),
            ({"provider": {"enum": ["card", "invoice", "wallet"]}}, ()),
        ],
    ),
    "payment.captured": (
        "Money was taken",
        ("pci",),
        [({"paymentId": ID, "amount": _ref("common.money")}, ("paymentId", "amount"))],
    ),
    "payment.refunded": (
        "Money went back",
        ("pci",),
        [({"paymentId": ID, "amount": _ref("common.money"), "reason": TEXT}, ("paymentId", "amount"))],
    ),
    "payment.failed": (
        "A payment was declined",
        ("pci",),
        [({"paymentId": ID, "code": TEXT}, ("paymentId", "code")), ({"retryable": {"type": "boolean"}}, ())],
    ),
    "shipping.label-printed": (
        "A parcel has a label",
        (),
        [({"shipmentId": ID, "orderId": ID, "carrier": {"enum": ["post", "courier"]}}, ("shipmentId",))],
    ),
    "shipping.dispatched": (
        "A parcel left the warehouse",
        ("public",),
        [
            ({"shipmentId": ID, "to": _ref("common.address"), "weightGrams": COUNT}, ("shipmentId", "to")),
            ({"trackingUrl": {"type": "string", "format": "uri"}}, ()),
        ],
    ),
    "shipping.delivered": ("A parcel was handed over", ("public",), [({"shipmentId": ID}, ("shipmentId",))]),
    "shipping.lost": ("A parcel did not arrive", (), [({"shipmentId": ID, "claim": TEXT}, ("shipmentId",))]),
    "inventory.stock-changed": (
        "The stock of an article changed",
        (),
        [
            ({"sku": TEXT, "count": COUNT, "warehouse": TEXT}, ("sku", "count")),
            ({"cause": {"enum": ["sale", "return", "delivery", "correction"]}}, ()),
        ],
    ),
    "inventory.reserved": (
        "Stock is kept for an order",
        (),
        [({"sku": TEXT, "orderId": ID, "count": COUNT}, ("sku",))],
    ),
    "catalog.article-published": (
        "An article can be bought",
        ("public",),
        [
            ({"sku": TEXT, "title": TEXT, "price": _ref("common.money")}, ("sku", "title")),
            ({"images": {"type": "array", "items": {"type": "string", "format": "uri"}}}, ()),
        ],
    ),
    "catalog.article-withdrawn": ("An article can no longer be bought", ("public",), [({"sku": TEXT}, ("sku",))]),
    "customer.registered": (
        "A customer opened an account",
        ("personal-data",),
        [({"customerId": ID, "email": {"type": "string", "format": "email"}}, ("customerId",)), ({"locale": TEXT}, ())],
    ),
    "customer.address-changed": (
        "A customer moved",
        ("personal-data",),
        [({"customerId": ID, "address": _ref("common.address")}, ("customerId", "address"))],
    ),
    "customer.erased": ("Personal data was deleted", ("personal-data",), [({"customerId": ID}, ("customerId",))]),
    "billing.invoice-issued": (
        "An invoice was sent",
        (),
        [({"invoiceId": ID, "orderId": ID, "total": _ref("common.money")}, ("invoiceId", "total"))],
    ),
    "billing.invoice-paid": ("An invoice is settled", (), [({"invoiceId": ID}, ("invoiceId",))]),
    "telemetry.reading": (
        "From the cold stores",
        (),
        [
            ({"sensor": TEXT, "celsius": {"type": "number", "minimum": -90, "maximum": 120}}, ("sensor", "celsius")),
            ({"humidity": {"type": "number", "minimum": 0, "maximum": 100}}, ()),
            ({"batteryPercent": {"type": "integer", "minimum": 0, "maximum": 100}}, ()),
        ],
    ),
    "telemetry.alarm": (
        "A cold store is too warm",
        (),
        [({"sensor": TEXT, "limit": {"type": "number"}}, ("sensor", "limit"))],
    ),
}
_COMMON: list[tuple[str, str, str, JSON]] = [
    (
        "common.money",
        "1.0.0",
        "An amount in a currency",
        _object(
            "Money", {"amount": COUNT, "currency": {"type": "string", "pattern": "^[A-Z]{3}$"}}, "amount", "currency"
        ),
    ),
    (
        "common.address",
        "1.0.0",
        "A postal address",
        _object(
            "Address", {"street": TEXT, "city": TEXT, "country": {"type": "string", "pattern": "^[A-Z]{2}$"}}, "city"
        ),
    ),
    (
        "order.item",
        "1.0.0",
        "One line of an order",
        _object(
            "Item", {"sku": TEXT, "quantity": {"type": "integer", "minimum": 1, "maximum": 999}}, "sku", "quantity"
        ),
    ),
]
_WIT = """package shop:resizer@{version};

/// Resizes pictures at the edge.
interface pictures {{
  record size {{ width: u32, height: u32 }}
  resize: func(picture: list<u8>, to: size) -> result<list<u8>, string>;{more}
}}

world resizer {{ export pictures; }}
"""
POLICIES: list[tuple[str, str, JSON]] = [
    ("default", "", {"compatibility": "backward", "owner": "platform", "contact": "platform@example.com"}),
    ("prefix", "order", {"owner": "checkout", "contact": "#checkout"}),
    (
        "prefix",
        "payment",
        {"compatibility": "full", "owner": "payments", "contact": "#payments", "allowOverride": True},
    ),
    ("prefix", "shipping", {"owner": "logistics"}),
    ("prefix", "telemetry", {"owner": "plant", "contact": "plant@example.com"}),
]
DEPRECATIONS: list[tuple[str, str, str, str]] = [
    ("order.placed", "1.0.0", "1.2.0 has the channel", "1.2.0"),
    ("telemetry.reading", "1.0.0", "1.2.0 has humidity and battery", "1.2.0"),
    ("customer.registered", "1.0.0", "1.1.0 has the locale", "1.1.0"),
]


def versions() -> Iterator[DemoVersion]:
    """Yield the versions in an order in which they can be published."""
    for name, version, description, schema in _COMMON:
        yield DemoVersion(name, version, description, schema, labels=("building-block",))
    for name, (description, labels, steps) in _EVENTS.items():
        properties: JSON = {}
        required: tuple[str, ...] = ()
        for minor, (added, needed) in enumerate(steps):
            properties |= added
            required += needed
            schema = _event(description, dict(properties), *required)
            yield DemoVersion(name, f"1.{minor}.0", description, schema, labels=labels)
    yield DemoVersion("order.summary", "1.0.0", "An order as the shop shows it", _summary(False))
    yield DemoVersion("order.summary", "2.0.0", "An order as the shop shows it", _summary(True))
    for version, more in (("1.0.0", ""), ("2.0.0", "\n  formats: func() -> list<string>;")):
        text = _WIT.format(version=version, more=more)
        yield DemoVersion("media.resizer", version, "Resizes pictures at the edge", wit=text, labels=("wasm",))
    limits = {"memory": "64MiB", "timeoutMs": 200, "runtime": "wasmtime"}
    yield DemoVersion("media.limits", "1.0.0", "What a plugin may use", descriptor=limits, labels=("wasm",))
    returned = _event("Goods came back", {"orderId": ID, "items": {"type": "array", "items": _ref("order.item")}})
    yield DemoVersion("order.returned", "1.0.0", "Being agreed on with logistics", returned, draft=True)
    loyalty = _object("Points of a customer", {"customerId": ID, "points": COUNT}, "customerId", "points")
    yield DemoVersion("customer.loyalty", "0.1.0", "An experiment", loyalty)


def _summary(strict: bool) -> JSON:
    total = {"total": _ref("common.money"), "orderId": ID, "placedAt": TIME}
    return _object("Order summary", total, *(("orderId", "total") if strict else ("orderId",)))


def text_of(schema: JSON | None) -> str | None:
    """Return a schema as text, formatted for reading."""
    return json.dumps(schema, indent=2) + "\n" if schema is not None else None
