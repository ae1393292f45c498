"""`POST /registry/streams/{stream}/check`: the messages of a stream, by a contract and by a proposed schema."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from contracts_app.api.auth.scopes import ADMIN
from contracts_app.api.requests import check_parameters, read_members
from contracts_app.bindings import LOCATIONS, check_pattern
from contracts_app.bundles import check_name, compact
from contracts_app.exceptions import ContractRefused, MalformedContract
from contracts_app.services.stream_checks import DEFAULT_MESSAGES, MAX_MESSAGES, check_messages, schemas_of
from contracts_app.storage import contract_store
from contracts_app.timestamps import moment_of

_STREAM = re.compile(r"[A-Za-z0-9_-]{1,100}")
_MEMBERS = ("subject", "contract", "version", "proposed", "last", "since", "sample", "location", "pointer")
_TEXTS = ("subject", "contract", "version", "since", "location", "pointer")


class StreamViewSet(ViewSet):
    # For all contracts: the report has examples of messages, and a stream may have those of any contract.
    scopes = {"check": ADMIN}

    def check(self, request: Request, stream: str) -> Response:
        check_parameters(request)
        if not _STREAM.fullmatch(stream):
            raise MalformedContract("A stream's name has 1 to 100 of A-Z a-z 0-9 _ -", field="stream")
        data = _read(read_members(request, "a JSON object with contract"))
        proposed = data.get("proposed")
        if isinstance(proposed, (dict, bool)):
            proposed = compact(proposed).decode()
        store = contract_store()
        current, proposed = schemas_of(store, data["contract"], data.get("version", ""), proposed)
        try:
            _, batches = store.stream_messages(
                stream,
                data.get("subject", ">"),
                since=_time(data.get("since")),
                last=data.get("last", DEFAULT_MESSAGES),
            )
        except NotImplementedError as error:
            raise ContractRefused(str(error)) from None
        report = check_messages(
            batches,
            current=current,
            proposed=proposed,
            location=data.get("location", "body"),
            pointer=data.get("pointer", ""),
            sample=data.get("sample", 100),
        )
        return Response(report.to_json())


def _read(data: Any) -> dict[str, Any]:
    """Return the members of a request. Raises MalformedContract, which names the member."""
    if not isinstance(data, dict) or not {"contract"} <= data.keys() <= set(_MEMBERS):
        raise MalformedContract(
            f"The request body must be a JSON object with contract; known are {', '.join(_MEMBERS)}"
        )
    for member in _TEXTS:
        if not isinstance(data.get(member, ""), str):
            raise MalformedContract(f"{member} must be a string", field=member)
    check_name(data["contract"])
    check_pattern(data.get("subject", ">"), "subject")
    for member, least, most in (("last", 1, MAX_MESSAGES), ("sample", 1, 100)):
        given = data.get(member, least)
        if isinstance(given, bool) or not isinstance(given, int) or not least <= given <= most:
            raise MalformedContract(f"{member} must be a whole number from {least} to {most}", field=member)
    if not isinstance(data.get("proposed"), (dict, bool, str, type(None))):
        raise MalformedContract("proposed must be a JSON Schema: an object, a boolean or a text", field="proposed")
    location = data.get("location", "body")
    if location not in LOCATIONS or bool(data.get("pointer")) != (location == "pointer"):
        raise MalformedContract(
            f"location must be one of {', '.join(LOCATIONS)}, with pointer for the location pointer alone",
            field="location",
        )
    return data


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return moment_of(text)
    except ValueError:
        raise MalformedContract("since must be an RFC 3339 date or date and time", field="since") from None
