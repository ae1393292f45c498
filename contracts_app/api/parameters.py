"""Query parameters and conditional headers, read strictly: a misspelt one is told, not passed over."""

from __future__ import annotations

from django.http import HttpRequest

from contracts_app.exceptions import MalformedContract


def known(request: HttpRequest, *names: str) -> None:
    """Raise MalformedContract for a query parameter that this route does not have, or one that is empty or repeated."""
    repeatable = {"label", "state"}
    for name, values in request.GET.lists():
        if name not in names:
            listed = ", ".join(names) if names else "none"
            raise MalformedContract(f"Unknown query parameter {name!r:.80}; known are {listed}", field=name[:80])
        if len(values) > 1 and name not in repeatable:
            raise MalformedContract(f"The query parameter {name} is given twice", field=name)


def flag(request: HttpRequest, name: str) -> bool:
    value = request.GET.get(name, "false")
    if value not in ("true", "false"):
        raise MalformedContract(f"The query parameter {name} must be true or false", field=name)
    return value == "true"


def number(request: HttpRequest, name: str, default: int, least: int, most: int) -> int:
    text = request.GET.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 19 and least <= int(text) <= most):
        raise MalformedContract(f"The query parameter {name} must be a whole number from {least} to {most}", field=name)
    return int(text)


def required(request: HttpRequest, name: str) -> str:
    value = request.GET.get(name)
    if not value:
        raise MalformedContract(f"The query parameter {name} is missing", field=name)
    return value


def if_match(request: HttpRequest) -> str | None:
    """The one entity tag of If-Match; None where there is none, or it is `*`."""
    value = request.headers.get("If-Match", "").strip()
    return value if value not in ("", "*") else None
