"""Where the value that a contract describes is in a message: body, data of a CloudEvent, or at a JSON Pointer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from linter_app.schema.json_pointers import follow
from linter_app.schema.json_text import InvalidJSON, loads


class NoValue(ValueError):
    """A message does not have the value where its binding says; the message says why."""


def value_of(body: bytes, headers: Mapping[str, str], location: str, pointer: str = "") -> bytes:
    """Return the JSON text of the value in a message. Raises NoValue.

    `cloudevents` is a CloudEvent in structured mode (JSON, CloudEvents 1.0), `cloudevents-binary` one in binary mode,
    whose attributes are headers that begin with `ce-`.
    """
    if location == "cloudevents-binary" and not any(name.lower() == "ce-specversion" for name in headers):
        raise NoValue("it is no CloudEvent in binary mode: it has no header ce-specversion")
    if location in ("body", "cloudevents-binary"):
        return body
    try:
        whole = loads(body)
    except InvalidJSON as error:
        raise NoValue(f"not JSON: {error}") from None
    if location == "cloudevents":
        if not isinstance(whole, dict) or "specversion" not in whole:
            raise NoValue("it is no CloudEvent in structured mode: it has no specversion")
        if "data" not in whole:
            raise NoValue("the CloudEvent has no data in JSON")
        return _text(whole["data"])
    found = follow(whole, pointer)
    if found is None:
        raise NoValue(f"there is nothing at {pointer}")
    return _text(found[0])


def _text(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
