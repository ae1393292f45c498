"""Template tags of the console for states, verdicts, times and links."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from django import template
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from contracts_app.console.checking import level_of
from contracts_app.console.sources import highlighted, pretty_folded
from contracts_app.services.references import target_of
from contracts_app.timestamps import in_utc
from linter_app.report.changelog import excerpt

register = template.Library()
_UNITS: tuple[tuple[int, Callable[[int], str]], ...] = (
    (365 * 86400, lambda n: ngettext("%d year ago", "%d years ago", n) % n),
    (30 * 86400, lambda n: ngettext("%d month ago", "%d months ago", n) % n),
    (86400, lambda n: ngettext("%d day ago", "%d days ago", n) % n),
    (3600, lambda n: ngettext("%d hour ago", "%d hours ago", n) % n),
    (60, lambda n: ngettext("%d minute ago", "%d minutes ago", n) % n),
)


@register.simple_tag
def state(name: str) -> SafeString:
    return format_html('<span class="badge state-{}">{}</span>', name, pgettext("state", name))


@register.simple_tag
def verdict(name: str) -> SafeString:
    return format_html('<span class="badge verdict-{}">{}</span>', name, pgettext("verdict", name))


register.filter(level_of)


@register.filter
def severity_of(change: dict[str, Any]) -> str:
    """Return how an editor marks a change: `error`, `warning` or `info`."""
    return {"breaking": "error", "undecided": "warning"}.get(level_of(change), str(change["level"]))


@register.simple_tag
def level(change: dict[str, Any]) -> SafeString:
    """Return the effect of a change as a badge."""
    word = level_of(change)
    return format_html('<span class="badge level-{}">{}</span>', word, pgettext("level", word))


@register.filter
def moment(text: str | float | None) -> SafeString | str:
    """Return an RFC 3339 time, or seconds since 1970, to the minute in UTC, and how long ago it was."""
    if text is None or text == "":
        return ""
    if isinstance(text, (int, float)):
        text = in_utc(int(text))
    return format_html(
        '<time datetime="{}" title="{}">{} {}</time> <span class="quiet ago">{}</span>',
        *(text, f"{text[:19].replace('T', ' ')} UTC", text[:10], text[11:16], ago(text)),
    )


@register.filter
def seconds_ago(seconds: float) -> SafeString:
    """Return the time so many seconds ago, to the second in UTC, and how long ago it was."""
    text = in_utc(int(time.time() - seconds))
    return format_html('<time datetime="{}">{} UTC</time> ({})', text, text[11:19], ago(text))


def ago(text: str) -> str:
    """Return how long ago an RFC 3339 time in UTC was, in its largest unit."""
    try:
        then = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return ""
    seconds = (datetime.now(timezone.utc) - then).total_seconds()
    for size, words in _UNITS:
        if abs(seconds) >= size:
            number = int(abs(seconds) // size)
            return words(number) if seconds > 0 else ""
    return _("just now") if seconds >= 0 else ""


@register.filter
def exact_moment(text: str) -> SafeString:
    """Return an RFC 3339 time to the second in UTC; how long ago it was is in its title."""
    return format_html('<time datetime="{}" title="{}">{} {}</time>', text, ago(text), text[:10], text[11:19])


@register.filter
def day(text: str | None) -> SafeString | str:
    return format_html('<time datetime="{}" title="{}">{}</time>', text, text, text[:10]) if text else ""


@register.simple_tag
def version_url(name: str, version: str) -> str:
    try:
        return reverse("admin:contracts_app_contract_version", args=[name, version])
    except NoReverseMatch:  # a record of another program may name anything
        return reverse("admin:contracts_app_contract_changelist")


@register.simple_tag
def reference_link(reference: str, pins: dict[str, Any]) -> SafeString:
    """Return a link to the version that a reference to another contract is pinned to."""
    target = target_of(reference)
    pin = pins.get(reference) or target
    if pin is None:
        return format_html("<code>{}</code>", reference)
    return format_html('<a href="{}">{} {}</a>', version_url(pin.name, pin.version), pin.name, pin.version)


@register.simple_tag
def contract_url(name: str) -> str:
    return reverse("admin:contracts_app_contract_change", args=[name])


@register.simple_tag
def compare_url(name: str, old: str, new: str) -> str:
    return f"{reverse('admin:contracts_app_contract_compare', args=[name])}?from={old}&to={new}"


@register.filter
def binary_size(size: int) -> str:
    """Return a size in binary units, such as `12.3 MiB`."""
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return ""


@register.filter
def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


@register.filter
def json_line(value: Any) -> str:
    """Return a value as JSON on one line, shortened if it is long."""
    return excerpt(value)


@register.filter
def json_folded(value: Any) -> SafeString:
    """Return a value as highlighted JSON on several lines, with repeated items and long texts shortened."""
    return SafeString(highlighted(pretty_folded(value), "json"))


@register.filter
def json_source(text: str) -> SafeString:
    """Return highlighted JSON."""
    return SafeString(highlighted(text, "json"))


@register.filter
def audit_value(value: Any) -> str:
    """Return a value of the audit log: a state's name, or a policy."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_plain(each)}" for key, each in value.items()) or _("an empty policy")
    return "" if value is None else str(value)


@register.filter
def yes_or_value(value: Any) -> str:
    """Return a member of a policy in words."""
    if value is None or value == []:
        return _("none")
    return ", ".join(map(str, value)) if isinstance(value, list) else _plain(value)


def _plain(value: Any) -> str:
    return (_("yes") if value else _("no")) if isinstance(value, bool) else str(value)


@register.filter
def dots(text: str) -> SafeString:
    """Return a dotted name that may wrap after its dots."""
    parts = str(text).split(".")
    return SafeString(".<wbr>".join(format_html("{}", part) for part in parts))


@register.simple_tag(takes_context=True)
def query(context: dict[str, Any], **changes: Any) -> str:
    """Return the current query string with some parameters changed; an empty value removes one."""
    return _query(context["request"], changes)


@register.simple_tag(takes_context=True)
def facet(context: dict[str, Any], name: str, value: str) -> str:
    """Return the query string with one filter set, or removed if the value is empty, at the first page."""
    return _query(context["request"], {name: value, "page": ""})


@register.inclusion_tag("console/_pages.html", takes_context=True)
def pages(context: dict[str, Any], number: int, count: int, parameter: str = "page") -> dict[str, Any]:
    """Return the context of links to the previous and next page; empty if there is only one page."""
    request = context["request"]
    return {
        "number": number,
        "count": count,
        "previous": _query(request, {parameter: number - 1}) if number > 1 else "",
        "next": _query(request, {parameter: number + 1}) if number < count else "",
    }


def _query(request: HttpRequest, changes: dict[str, Any]) -> str:
    parameters = request.GET.copy()
    for name, value in changes.items():
        if value in (None, ""):
            parameters.pop(name, None)
        else:
            parameters[name] = value
    return f"?{parameters.urlencode()}"
