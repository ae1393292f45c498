"""`manage.py publish_contract`: publish one version to a registry over HTTP."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import httpx
from django.core.management.base import BaseCommand, CommandError, CommandParser

from linter_app.json_text import InvalidJSON, loads

# Exit codes beside 0: the registry refused, the input is unusable, the registry could not be asked.
REFUSED, UNUSABLE, UNREACHABLE = 1, 2, 3


class Command(BaseCommand):
    help = "Publish a contract to a registry. Exit codes: 0 published, 1 refused, 2 unusable input, 3 unreachable."
    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # Django's own --version would stand in the way of the contract's.
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True, help="the contract's name, such as ritual.started")
        parser.add_argument("--version", required=True, help="the new version, such as 1.2.0 or v1")
        parser.add_argument("--description", help="one line for people")
        parser.add_argument("--json-schema", metavar="FILE", help="a JSON Schema file")
        parser.add_argument("--wit-path", metavar="FILE", help="a WIT file; its path and its text are sent")
        parser.add_argument("--descriptor-path", metavar="FILE", help="a JSON file; its path and its content are sent")
        parser.add_argument(
            "--registry-endpoint",
            default=os.environ.get("REGISTRY_ENDPOINT", "http://localhost:8090"),
            help="default: http://localhost:8090, or REGISTRY_ENDPOINT",
        )
        parser.add_argument("--jwt", help="bearer token (default: the JWT_TOKEN environment variable)")
        parser.add_argument("--dry-run", action="store_true", help="ask for the verdict only; nothing is written")
        parser.add_argument("--timeout", type=float, default=30, help="seconds to wait for an answer (default: 30)")

    def handle(self, *args: Any, **options: Any) -> None:
        token = options["jwt"] or os.environ.get("JWT_TOKEN", "")
        if not token:
            raise CommandError("No token: give --jwt, or set JWT_TOKEN", returncode=UNUSABLE)
        request = self._request(options)
        answer = self._post(request, token.strip(), options)
        if options["dry_run"]:
            self.stdout.write(f"{answer['name']} {answer['version']} may be published (digest {answer['digest']})")
            return
        self.stdout.write(self.style.SUCCESS("Contract published successfully!"))
        self.stdout.write(
            f"\nName:      {answer['name']}\nVersion:   {answer['version']}\n"
            f"Digest:    {answer['digest']}\nCreatedAt: {answer['createdAt']}"
        )

    def _request(self, options: dict[str, Any]) -> dict[str, Any]:
        request = {"name": options["name"], "version": options["version"], "description": options["description"]}
        if options["json_schema"]:
            request["jsonSchema"] = _read(options["json_schema"])
        if options["wit_path"]:
            request |= {"witPath": options["wit_path"], "wit": _read(options["wit_path"])}
        if options["descriptor_path"]:
            text = _read(options["descriptor_path"])
            try:
                request |= {"descriptorPath": options["descriptor_path"], "descriptor": loads(text)}
            except InvalidJSON as error:
                raise CommandError(f"{options['descriptor_path']} is not JSON: {error}", returncode=UNUSABLE) from None
        return {key: value for key, value in request.items() if value is not None}

    def _post(self, request: dict[str, Any], token: str, options: dict[str, Any]) -> dict[str, Any]:
        endpoint = options["registry_endpoint"].rstrip("/")
        try:
            response = httpx.post(
                f"{endpoint}/registry/contracts",
                params={"dryRun": "true"} if options["dry_run"] else None,
                json=request,
                headers={"Authorization": f"Bearer {token}", "Accept": "application/problem+json, application/json"},
                timeout=options["timeout"],
                follow_redirects=False,
            )
        except httpx.TimeoutException:
            raise CommandError(
                f"{endpoint} did not answer within {options['timeout']:g} seconds. The contract may have been "
                "published: run the command again; 'already exists' with the same digest means that it was.",
                returncode=UNREACHABLE,
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise CommandError(f"{endpoint} cannot be reached: {error}", returncode=UNREACHABLE) from None
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if response.status_code in (200, 201) and isinstance(answer, dict) and {"name", "digest"} <= answer.keys():
            return answer
        detail = answer.get("detail") if isinstance(answer, dict) else None
        if detail is None:
            detail = f"this does not look like a contract registry: {response.text[:200]!r}"
        if isinstance(answer, dict) and response.status_code == 409 and "digest" in answer:
            detail += f" (stored digest: {answer['digest']})"
        raise CommandError(
            f"Publishing failed ({response.status_code}): {detail}",
            returncode=UNREACHABLE if response.status_code >= 500 else REFUSED,
        )


def _read(path: str) -> str:
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}", returncode=UNUSABLE) from None
