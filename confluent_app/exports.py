"""Reading another registry of the Confluent API: over HTTP, from a list of its schemas, or from its topic.

A file is a JSON list, or lines of JSON: schemas as `GET /schemas` has them, and `{"config": LEVEL, "subject": ...}` and
`{"mode": MODE, "subject": ...}`; or a dump of the topic `_schemas`, each line a key and a value with a tab between.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from linter_app.schema.json_text import InvalidJSON, loads

PAGE_ITEMS = 500
MAX_FILE_BYTES = 2 * 1024**3


class InvalidExport(Exception):
    """The source cannot be read as a registry; the message says where and why."""


@dataclass
class Export:
    """What a registry has."""

    schemas: list[dict[str, Any]] = field(default_factory=list)
    """As `GET /schemas` has them, with `deleted` for those that are soft-deleted."""
    configs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Settings by subject; the empty one is for all."""
    modes: dict[str, str] = field(default_factory=dict)


def read_registry(url: str, headers: dict[str, str]) -> Export:
    """Read a registry over HTTP. Raises InvalidExport."""
    export = Export()
    with httpx.Client(base_url=url.rstrip("/"), headers=headers, timeout=60) as client:
        try:
            for schema in _pages(client):
                export.schemas.append(schema)
            for subject in ("", *dict.fromkeys(str(each["subject"]) for each in export.schemas)):
                path = f"/{quote(subject, safe='')}" if subject else ""
                config, mode = client.get(f"/config{path}"), client.get(f"/mode{path}")
                if config.status_code == 200:
                    export.configs[subject] = config.json()
                if mode.status_code == 200:
                    export.modes[subject] = mode.json()["mode"]
        except httpx.HTTPError as error:
            raise InvalidExport(f"{url} cannot be read: {error}") from None
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidExport(f"{url} does not respond like a schema registry: {error!r}") from None
    return export


def _pages(client: httpx.Client) -> Iterator[dict[str, Any]]:
    kept = {(each["subject"], each["version"]) for each in _page_of(client, "false")}
    for each in _page_of(client, "true"):
        yield each if (each["subject"], each["version"]) in kept else each | {"deleted": True}


def _page_of(client: httpx.Client, deleted: str) -> Iterator[dict[str, Any]]:
    offset = 0
    while True:
        parameters = {"deleted": deleted, "subjectPrefix": ":*:", "offset": str(offset), "limit": str(PAGE_ITEMS)}
        answer = client.get("/schemas", params=parameters)
        if answer.status_code != 200:
            raise InvalidExport(f"GET /schemas was answered {answer.status_code}: {answer.text[:200]}")
        found = answer.json()
        yield from found
        if len(found) < PAGE_ITEMS:
            return
        offset += PAGE_ITEMS


def read_file(path: Path) -> Export:
    """Read a file. Raises InvalidExport, OSError."""
    if path.stat().st_size > MAX_FILE_BYTES:
        raise InvalidExport(f"{path} has more than {MAX_FILE_BYTES} bytes; split it")
    text = path.read_text(encoding="utf-8")
    if text.lstrip().startswith("["):
        return _of_items(_parsed(text, str(path)), str(path))
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if all("\t" in line for _, line in lines):
        return _of_topic(lines, path)
    return _of_items([_parsed(line, f"{path}, line {number}") for number, line in lines], str(path))


def _parsed(text: str, where: str) -> Any:
    try:
        return loads(text)
    except InvalidJSON as error:
        raise InvalidExport(f"{where} is not JSON: {error}") from None


def _of_items(items: Any, where: str) -> Export:
    export = Export()
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict):
            raise InvalidExport(f"{where}: item {number} is not a JSON object")
        subject = str(item.get("subject") or "")
        if "schema" in item:
            export.schemas.append(item)
        elif "config" in item:
            level = item["config"]
            export.configs[subject] = level if isinstance(level, dict) else {"compatibilityLevel": level}
        elif "mode" in item:
            export.modes[subject] = item["mode"]
        else:
            raise InvalidExport(f"{where}: item {number} has neither schema, config nor mode")
    return export


def _of_topic(lines: list[tuple[int, str]], path: Path) -> Export:
    """Return what the records of the topic amount to: a later one replaces one with the same key."""
    schemas: dict[tuple[str, int], dict[str, Any]] = {}
    export = Export()
    for number, line in lines:
        key_text, _, value_text = line.partition("\t")
        key = _parsed(key_text, f"{path}, line {number}")
        value = _parsed(value_text, f"{path}, line {number}") if value_text.strip() not in ("", "null") else None
        if not isinstance(key, dict) or not isinstance(value, (dict, type(None))):
            raise InvalidExport(
                f"{path}, line {number}: neither the key nor the value is a record of the topic _schemas"
            )
        subject = str(key.get("subject") or "")
        match key.get("keytype"):
            case "SCHEMA":
                place = subject, int(key.get("version") or 0)
                schemas.pop(place, None)
                if value is not None:
                    schemas[place] = value
            case "DELETE_SUBJECT" if value is not None:
                for name, version in list(schemas):
                    if name == subject and version <= value.get("version", 0):
                        schemas[name, version] = schemas[name, version] | {"deleted": True}
            case "CONFIG":
                export.configs.pop(subject, None)
                if value is not None:
                    export.configs[subject] = value
            case "MODE":
                export.modes.pop(subject, None)
                if value is not None:
                    export.modes[subject] = str(value.get("mode"))
    export.schemas = list(schemas.values())
    return export
