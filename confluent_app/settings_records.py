"""Levels of compatibility, other settings and modes: of a subject, of its context, and of all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from confluent_app.errors import INVALID_LEVEL, INVALID_MODE, NOT_PERMITTED, ConfluentError
from confluent_app.records import Documents, SubjectRecord, encode, key_of_subject, subject_record
from confluent_app.subjects import DEFAULT_CONTEXT, Subject
from contracts_app.exceptions import StorageUnavailable, VersionSetChanged
from contracts_app.policies import COMPATIBILITIES, TRANSITIVE, levels_for, levels_of
from contracts_app.storage import Actor, AuditEntry, ContractStore

MAX_ATTEMPTS = 20
LEVELS = {each.upper().replace("-", "_"): each for each in COMPATIBILITIES}
"""The compatibility of a policy, by the level of the Confluent API."""
DEFAULT_LEVEL = "BACKWARD"
READWRITE, READONLY, READONLY_OVERRIDE, IMPORT, FORWARD = MODES = (
    *("READWRITE", "READONLY", "READONLY_OVERRIDE", "IMPORT", "FORWARD"),
)
_TEXTS = ("alias", "compatibilityGroup", "compatibilityPolicy")
_FLAGS = ("normalize", "validateFields", "validateRules")
_OBJECTS = ("defaultMetadata", "overrideMetadata", "defaultRuleSet", "overrideRuleSet")
EVERYTHING = Subject(DEFAULT_CONTEXT, "")
"""What holds where neither the subject nor its context says anything."""


def levels_above(subject: Subject) -> tuple[Subject, ...]:
    """Return where a setting of a subject is looked for, the nearest first."""
    chain = (subject, Subject(subject.context, ""), EVERYTHING)
    return tuple(dict.fromkeys(chain))


def check_config(value: Any) -> dict[str, Any]:
    """Return the settings that a request gives. Raises ConfluentError."""
    if not isinstance(value, dict):
        raise ConfluentError(422, 'The request body must be a JSON object such as {"compatibility": "FULL"}')
    known = ("compatibility", "compatibilityLevel", *_TEXTS, *_FLAGS, *_OBJECTS)
    found = {name: given for name, given in value.items() if name in known and given is not None}
    level = found.pop("compatibilityLevel", None)
    level = found.get("compatibility", level)
    if level is not None:
        if not isinstance(level, str) or level.upper() not in LEVELS:
            raise ConfluentError(
                INVALID_LEVEL, f"Invalid compatibility level {level!r:.40}. Valid values are {', '.join(LEVELS)}"
            )
        found["compatibility"] = level.upper()
    for name, given in found.items():
        kind = str if name in _TEXTS else bool if name in _FLAGS else dict if name in _OBJECTS else str
        if not isinstance(given, kind):
            raise ConfluentError(422, f"The member {name} must be {_WORDS[kind]}")
    return found


_WORDS: dict[type, str] = {str: "a string", bool: "true or false", dict: "a JSON object"}


def check_mode(value: Any) -> str:
    """Return the mode that a request gives. Raises ConfluentError."""
    mode = value.get("mode") if isinstance(value, dict) else None
    if not isinstance(mode, str) or mode.upper() not in MODES:
        raise ConfluentError(INVALID_MODE, f"Invalid mode {mode!r:.40}. Valid values are {', '.join(MODES)}")
    return mode.upper()


def own_config(documents: Documents, subject: Subject) -> dict[str, Any]:
    return subject_record(documents, subject)[1].config


def effective_config(documents: Documents, subject: Subject) -> dict[str, Any]:
    """Return the settings that hold for a subject; `compatibility` is always among them.

    Where no level is set in this API, the policies of the contract decide.
    """
    config: dict[str, Any] = {}
    for each in reversed(levels_above(subject)):
        config |= own_config(documents, each)
    if "compatibility" not in config:
        config["compatibility"] = _policy_level(documents, subject.contract if subject.name else "")
    return config


def _policy_level(documents: Documents, contract: str) -> str:
    level = DEFAULT_LEVEL
    for _, policy in levels_for(levels_of(documents), contract):
        level = str(policy.get("compatibility", level))
    return level.upper().replace("-", "_")


def own_mode(documents: Documents, subject: Subject) -> str | None:
    return subject_record(documents, subject)[1].mode


def effective_mode(documents: Documents, subject: Subject) -> str:
    modes = [own_mode(documents, each) for each in levels_above(subject)]
    if READONLY_OVERRIDE in modes[1:]:
        return READONLY_OVERRIDE
    return next((mode for mode in modes if mode), READWRITE)


def check_writable(documents: Documents, subject: Subject) -> None:
    """Raise ConfluentError if the subject is read-only."""
    if effective_mode(documents, subject) in (READONLY, READONLY_OVERRIDE, FORWARD):
        raise ConfluentError(NOT_PERMITTED, f"Subject {subject} is in read-only mode")


def change_settings(
    store: ContractStore, subject: Subject, change: Callable[[SubjectRecord], SubjectRecord], actor: Actor, action: str
) -> SubjectRecord:
    """Replace the record of a subject or a context by what `change` makes of it, and return the record before.

    Raises StorageUnavailable, and what `change` raises.
    """
    for attempt in range(MAX_ATTEMPTS):
        index = store.index(subject.contract if subject.name else "confluent", fresh=attempt > 0)
        sequence, record = subject_record(index.documents, subject)
        changed = change(record)
        if changed == record:
            return record
        audit = AuditEntry(actor, action, before=encode(record).decode())
        try:
            store.put_document(key_of_subject(subject), encode(changed), after=sequence, audit=audit)
            return record
        except VersionSetChanged:
            continue
    raise StorageUnavailable(f"The settings of {subject} are being changed by others without a pause; try again")


def set_config(store: ContractStore, subject: Subject, config: dict[str, Any], actor: Actor) -> None:
    """Add to the settings of a subject or a context. Raises ConfluentError if it is read-only."""
    check_writable(store.index("confluent").documents, subject)
    change_settings(
        store,
        subject,
        lambda record: msgspec.structs.replace(record, config=record.config | config),
        actor,
        "set-confluent-config",
    )


def delete_config(store: ContractStore, subject: Subject, actor: Actor) -> dict[str, Any]:
    """Delete the settings, and return them."""
    check_writable(store.index("confluent").documents, subject)
    before = change_settings(
        store, subject, lambda record: msgspec.structs.replace(record, config={}), actor, "delete-confluent-config"
    )
    return before.config


def set_mode(store: ContractStore, subject: Subject, mode: str | None, actor: Actor) -> str | None:
    """Set the mode of a subject or a context, or delete it, and return the one before."""
    before = change_settings(
        store, subject, lambda record: msgspec.structs.replace(record, mode=mode), actor, "set-confluent-mode"
    )
    return before.mode


def is_transitive(level: str) -> bool:
    return LEVELS[level].endswith(TRANSITIVE)
