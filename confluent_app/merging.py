"""Metadata and rules from three layers: the settings' defaults, what a request gives, and the settings' overrides."""

from __future__ import annotations

from typing import Any

_RULES = ("migrationRules", "domainRules", "encodingRules")
Layer = dict[str, Any] | None


def merged_metadata(default: Layer, given: Layer, override: Layer) -> Layer:
    """Return the metadata in which a later layer wins. None if it is empty."""
    merged: dict[str, Any] = {"properties": {}, "tags": {}, "sensitive": []}
    for layer in (default, given, override):
        for name in ("properties", "tags"):
            merged[name] |= (layer or {}).get(name) or {}
        merged["sensitive"] += [
            each for each in (layer or {}).get("sensitive") or [] if each not in merged["sensitive"]
        ]
    return {name: value for name, value in merged.items() if value} or None


def merged_rules(default: Layer, given: Layer, override: Layer) -> Layer:
    """Return the rules in which one of a later layer replaces one of the same name. None if there are none."""
    merged: dict[str, Any] = {}
    for kind in _RULES:
        rules: dict[str, Any] = {}
        for layer in (default, given, override):
            for rule in (layer or {}).get(kind) or []:
                rules.pop(rule["name"], None)
                rules[rule["name"]] = rule
        if rules:
            merged[kind] = list(rules.values())
    return merged or None
