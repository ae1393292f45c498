"""Pages of the site that are generated from the code itself: the reference of the HTTP API and of the commands."""

from __future__ import annotations

import json
import os
from typing import Any

import django
from django.core.management import get_commands, load_command_class
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

OWN = ("contracts_app", "linter_app")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")
    django.setup()
    for name, content in (("reference-api.md", api_page()), ("reference-commands.md", commands_page())):
        files.append(File.generated(config, name, content=content))
    return files


def commands_page() -> str:
    lines = ["# Commands", "", "Each is run as `.venv/bin/python manage.py NAME`, or `manage NAME` in the image."]
    for name, app in sorted(get_commands().items()):
        if app in OWN:
            text = load_command_class(app, name).create_parser("manage.py", name).format_help()
            lines += ["", f"## {name}", "", "```text", text.rstrip(), "```"]
    return "\n".join(lines) + "\n"


def api_page() -> str:
    from contracts_app.api.openapi.document import document

    described = document()
    lines = [
        "# HTTP API reference",
        "",
        "Generated from `GET /registry/openapi.json`; [api.md](api.md) explains it.",
        "",
    ]
    for path, item in described["paths"].items():
        for method in ("get", "post", "put", "delete"):
            if method in item:
                lines += _operation(method, path, item[method], item.get("parameters", []))
    lines += ["## Schemas", ""]
    for name, schema in described["components"]["schemas"].items():
        lines += [f"### {name}", "", "```json", json.dumps(schema, indent=2), "```", ""]
    return "\n".join(lines)


def _operation(method: str, path: str, operation: dict[str, Any], shared: list[dict[str, Any]]) -> list[str]:
    lines = [
        f"## {method.upper()} {path}",
        "",
        f"{operation['summary']}. {operation.get('description', '')}".strip(),
        "",
    ]
    if parameters := [*shared, *operation.get("parameters", [])]:
        lines += ["| Parameter | In | Meaning |", "|---|---|---|"]
        for each in parameters:
            required = " (required)" if each.get("required") else ""
            lines.append(f"| `{each['name']}` | {each['in']}{required} | {_cell(each.get('description', ''))} |")
        lines.append("")
    if body := operation.get("requestBody"):
        for kind, content in body["content"].items():
            lines += [f"Body: `{kind}`, {_schema(content.get('schema', {}))}.", ""]
    lines += ["| Status | Response |", "|---|---|"]
    for status, response in operation["responses"].items():
        if "$ref" in response:
            lines.append(f"| {status} | an [error](api.md#errors-in-the-order-of-checking) |")
            continue
        content = ", ".join(
            f"`{kind}` {_schema(each.get('schema', {}))}" for kind, each in response.get("content", {}).items()
        )
        lines.append(f"| {status} | {_cell(response['description'])}{f': {content}' if content else ''} |")
    return [*lines, ""]


def _schema(schema: dict[str, Any]) -> str:
    name = schema.get("$ref", "").rpartition("/")[2]
    return f"[{name}](#{name.lower()})" if name else f"of type {schema['type']}" if "type" in schema else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
