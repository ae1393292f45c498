"""Changes of a version's state. Its content is not touched, so its digest stays."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

from contracts_app.bundles import ContractBundle, key_of
from contracts_app.exceptions import (
    ContractConflict,
    ContractNotFound,
    ContractRefused,
    MalformedContract,
    PreconditionFailed,
    ReviewRequired,
)
from contracts_app.lifecycle import ACTIVE, DEPRECATED, DRAFT, TRANSITIONS, WITHDRAWN, Lifecycle
from contracts_app.policies import Policy, policy_of
from contracts_app.services.compound_schemas import compound_schema
from contracts_app.services.content_checks import check_content
from contracts_app.services.publishing import write_decision
from contracts_app.services.signature_checks import check_signed
from contracts_app.services.usage import users_of_version
from contracts_app.services.version_checks import check_against, check_complete
from contracts_app.services.wit_packages import packages_of
from contracts_app.storage import Actor, AuditEntry, ContractIndex, ContractStore, Entry, contract_store
from contracts_app.timestamps import in_utc, normal_date_or_timestamp, utc_now

logger = logging.getLogger(__name__)


def change_state(
    *,
    name: str,
    version: str,
    action: str,
    actor: Actor,
    reason: str | None = None,
    sunset_at: str | None = None,
    successor: str | None = None,
    override: str | None = None,
    expected_etag: str | None = None,
    dry_run: bool = False,
    store: ContractStore | None = None,
) -> ContractBundle:
    """Activate, deprecate or withdraw a version, and return it.

    `sunset_at` is the RFC 3339 time or date at which the version becomes unavailable; the policy may require notice.
    `override` is the reason for withdrawing a version that others depend on, or before its notice is over. With
    `expected_etag`, nothing changes unless that is the version's entity tag. Raises ContractNotFound, ContractConflict
    (the state does not allow it, others depend on it, or its notice is not over), ContractRefused, PreconditionFailed,
    MalformedContract.
    """
    store = store or contract_store()
    now = utc_now()
    sunset = _sunset(sunset_at) if sunset_at is not None else None

    def decide(known: ContractIndex) -> tuple[ContractBundle, AuditEntry]:
        entry = known.get(key_of(name, version))
        if entry is None:
            raise ContractNotFound(f"Contract {name}/{version} not found", name=name, version=version)
        if expected_etag is not None and expected_etag != entry.etag:
            raise PreconditionFailed(
                f"{name}/{version} has changed meanwhile: its entity tag is {entry.etag}, not {expected_etag}; "
                "look at it again",
                etag=entry.etag,
            )
        if entry.state not in TRANSITIONS[action]:
            raise ContractConflict(
                f"{name}/{version} is {entry.state}; it cannot be {_PAST[action]}", state=entry.state
            )
        bundle = store.content(entry, known)
        life = bundle.lifecycle or Lifecycle(changed_at=bundle.created_at)
        policy = policy_of(known.documents, name)
        stated_reason, audit_action = reason or "", action
        if action == "activate":
            if entry.state == DRAFT:
                warnings = check_content(bundle, compound_schema(bundle, store), packages_of(bundle, store))
                check_complete(bundle, warnings, policy)
                check_signed(bundle, policy, known.documents)
                checked = check_against(bundle, known, store)
                if review := policy.review_for(checked.reasons):
                    raise ReviewRequired(name, version, review)
            life = life.next(ACTIVE, now, deprecated_at=None, sunset_at=None, reason=reason, successor=None)
        elif action == "deprecate":
            _check_notice(sunset, now, policy)
            _check_successor(successor, version, name, known)
            since = life.deprecated_at or now
            life = life.next(DEPRECATED, now, deprecated_at=since, sunset_at=sunset, reason=reason, successor=successor)
        else:
            early = entry.state != DRAFT and _check_withdrawal_notice(life, now, policy, override)
            early = (entry.state != DRAFT and _check_consumers(entry, known, store, policy, override)) or early
            if _check_dependents(name, version, store, policy, override) or early:
                stated_reason, audit_action = override or "", "withdraw-override"
            _check_successor(successor, version, name, known)
            life = life.next(WITHDRAWN, now, reason=reason, successor=successor or life.successor)
        return replace(bundle, lifecycle=life), AuditEntry(
            actor, audit_action, before=entry.state, reason=stated_reason
        )

    changed = write_decision(name, store, decide, dry_run=dry_run)
    if not dry_run:
        logger.info(_PAST[action], extra={"contract": name, "version": version})
    return changed


_PAST = {"activate": "activated", "deprecate": "deprecated", "withdraw": "withdrawn"}


def _sunset(text: str) -> str:
    try:
        return normal_date_or_timestamp(text)
    except ValueError:
        raise MalformedContract(
            f"sunset {text!r:.60} is neither an RFC 3339 date nor a date and time", field="sunset"
        ) from None


def _check_notice(sunset: str | None, now: str, policy: Policy) -> None:
    if sunset is None:
        return
    earliest = in_utc(int(time.time()) + policy.minimum_notice_days * 24 * 3600)
    if sunset < now:
        raise ContractRefused(f"The sunset {sunset} is in the past", field="sunset")
    if sunset[:19] + "Z" < earliest:
        raise ContractRefused(
            f"The policy asks for {policy.minimum_notice_days} days of notice: the sunset cannot be before {earliest}",
            field="sunset",
            earliest=earliest,
        )


def _check_withdrawal_notice(life: Lifecycle, now: str, policy: Policy, override: str | None) -> bool:
    """Return whether a version is withdrawn before its notice is over, by the override. Raises ContractConflict."""
    days = policy.minimum_notice_days
    since = life.deprecated_at if life.state == DEPRECATED else None
    if not days or (since is not None and since <= in_utc(int(time.time()) - days * 24 * 3600)):
        return False
    if override is None or not policy.allow_override:
        begun = f"it is deprecated since {since[:10]}" if since else "deprecate it first"
        note = "" if override is None else "; the policy allows no override (allowOverride)"
        raise ContractConflict(
            f"The policy asks for {days} days of notice between a deprecation and the withdrawal: {begun}{note}",
            minimumNoticeDays=days,
        )
    return True


def _check_consumers(
    entry: Entry, known: ContractIndex, store: ContractStore, policy: Policy, override: str | None
) -> bool:
    """Return whether clients use the version and the override allows its withdrawal. Raises ContractConflict."""
    if not policy.protect_consumers:
        return False
    users = users_of_version(entry.name, entry.version, known, store)
    if not users:
        return False
    if override is None or not policy.allow_override:
        shown = ", ".join(usage.client for usage, _ in users[:10])
        note = "" if override is None else "; the policy allows no override (allowOverride)"
        raise ContractConflict(
            f"{entry.name}/{entry.version} cannot be withdrawn: {len(users)} clients use it ({shown}){note}",
            clients=[usage.client for usage, _ in users[:100]],
        )
    return True


def _check_successor(successor: str | None, version: str, name: str, known: ContractIndex) -> None:
    if successor is None:
        return
    entry = known.get(key_of(name, successor))
    if successor == version or entry is None or entry.state in (DRAFT, WITHDRAWN):
        raise ContractRefused(
            f"The successor {successor!r:.60} is not another published version of {name}", field="successor"
        )


def _check_dependents(name: str, version: str, store: ContractStore, policy: Policy, override: str | None) -> bool:
    """Return whether others depend on the version and the override allows its withdrawal."""
    dependents = store.index().dependents(name, version)
    if not dependents:
        return False
    if override is None or not policy.allow_override:
        shown = ", ".join(f"{entry.name}/{entry.version}" for entry in dependents[:10])
        note = "" if override is None else "; the policy of this contract allows no override (allowOverride)"
        raise ContractConflict(
            f"{name}/{version} cannot be withdrawn: {len(dependents)} versions depend on it ({shown}){note}",
            dependents=[{"name": entry.name, "version": entry.version} for entry in dependents[:100]],
        )
    return True
