"""Publishing: decide on the existing versions, and write only if they are still the same."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from contracts_app import metrics
from contracts_app.bundles import ContractBundle, content_digest
from contracts_app.exceptions import (
    ContractError,
    PreconditionFailed,
    ReviewRequired,
    StorageUnavailable,
    VersionSetChanged,
)
from contracts_app.lifecycle import ACTIVE, DRAFT, Lifecycle
from contracts_app.policies import check_writable, policy_of
from contracts_app.services.compound_schemas import compound_schema
from contracts_app.services.content_checks import check_content
from contracts_app.services.dependencies import check_dependencies
from contracts_app.services.signature_checks import check_signed, verified_signatures
from contracts_app.services.version_checks import check_against, check_complete
from contracts_app.services.wit_packages import packages_of
from contracts_app.storage import Actor, AuditEntry, ContractIndex, ContractStore, Entry, contract_store
from contracts_app.timestamps import utc_now
from contracts_app.tracing import span
from linter_app.schema.references import SchemaWarning

logger = logging.getLogger(__name__)

MAX_PUBLISH_SECONDS = 60
"""Seconds that a write may be retried while others write the same name."""
PUBLISHED = "published"
"""Message of the log line."""

# Threads of one process take turns at a name instead of racing each other. Other processes are not affected: the
# compare-and-set of the store alone guarantees the result.
_turns = [threading.Lock() for _ in range(256)]


def publish_contract(
    *,
    bundle: ContractBundle,
    actor: Actor,
    draft: bool = False,
    override: str | None = None,
    dry_run: bool = False,
    store: ContractStore | None = None,
) -> ContractBundle:
    """Publish a new version as `publish` does, and return it with its date and digest."""
    return publish(bundle=bundle, actor=actor, draft=draft, override=override, dry_run=dry_run, store=store).bundle


@dataclass(frozen=True)
class Published:
    """A published version, and the warnings about its content."""

    bundle: ContractBundle
    warnings: tuple[SchemaWarning, ...]
    review: tuple[str, ...] = ()
    """After a dry run: why it would have to be reviewed first."""


def publish(
    *,
    bundle: ContractBundle,
    actor: Actor,
    draft: bool = False,
    override: str | None = None,
    replaces: str | None = None,
    expected_revision: int | None = None,
    approval: str | None = None,
    dry_run: bool = False,
    store: ContractStore | None = None,
) -> Published:
    """Publish a new version, or replace a draft.

    The content is checked and compared with its neighbours among the existing versions. The write succeeds only if no
    version was written meanwhile; otherwise everything is decided again. `override` is the reason for publishing a
    breaking change, which the policy must allow. With `replaces`, a draft with this version is replaced only if that is
    its entity tag; the empty string means that there must be none. With `expected_revision`, nothing is written unless
    that is the `ContractIndex.revision` of the name. `approval` says who reviewed it, where the policy asks for that.
    Raises ContractRefused, ReviewRequired, ContractAlreadyExists, ContractTooLarge, PreconditionFailed,
    UnreadableRecord, StorageUnavailable.
    """
    store = store or contract_store()
    try:
        with span("publish", contract=bundle.name, version=bundle.version, dry_run=dry_run):
            publication = _Publication(
                bundle, actor, draft, override, replaces, expected_revision, approval, dry_run, store
            )
            published = write_decision(bundle.name, store, publication.decide, dry_run=dry_run)
    except ContractError as error:
        metrics.publishes.labels(error.code).inc()
        raise
    metrics.publishes.labels("valid" if dry_run else "published").inc()
    if not dry_run:
        logger.info(PUBLISHED, extra={"contract": published.name, "version": published.version})
    return Published(published, publication.warnings, publication.review)


Decide = Callable[[ContractIndex], tuple[ContractBundle, AuditEntry]]


class _Publication:
    """One call of `publish`: the content is checked once, and decided on with each set of existing versions."""

    def __init__(
        self,
        bundle: ContractBundle,
        actor: Actor,
        draft: bool,
        override: str | None,
        replaces: str | None,
        expected_revision: int | None,
        approval: str | None,
        dry_run: bool,
        store: ContractStore,
    ) -> None:
        self._actor, self._draft, self._override, self._replaces = actor, draft, override, replaces
        self._expected_revision, self._approval = expected_revision, approval
        self._dry_run, self._store = dry_run, store
        self._now = utc_now()
        first = Lifecycle(state=DRAFT, changed_at=self._now) if draft else None
        bundle = replace(bundle, digest=content_digest(bundle), created_at=self._now, lifecycle=first)
        self._bundle = bundle = check_dependencies(bundle, store)
        self.warnings = check_content(bundle, compound_schema(bundle, store), packages_of(bundle, store))
        self.review: tuple[str, ...] = ()

    def decide(self, known: ContractIndex) -> tuple[ContractBundle, AuditEntry]:
        bundle, policy = self._bundle, policy_of(known.documents, self._bundle.name)
        wanted, before = replace(bundle, signatures=verified_signatures(bundle, known.documents, self._now)), ""
        if self._expected_revision not in (None, known.revision(bundle.name)):
            raise PreconditionFailed(f"{bundle.name} has other versions meanwhile; look at them again")
        if not self._draft:
            check_complete(bundle, self.warnings, policy)
            check_signed(wanted, policy, known.documents)
        replaced = known.get(bundle.key)
        is_draft = replaced is not None and replaced.state == DRAFT
        if self._replaces is not None and self._replaces != (replaced.etag if replaced and is_draft else ""):
            _check_replaced(bundle, replaced if is_draft else None)
        if replaced is not None and replaced.lifecycle is not None and is_draft:
            before = DRAFT
            wanted = replace(wanted, lifecycle=replaced.lifecycle.next(DRAFT if self._draft else ACTIVE, self._now))
        checked = check_against(wanted, known, self._store, override=self._override)
        self.review = () if self._draft or self._approval is not None else policy.review_for(checked.reasons)
        if self.review and not self._dry_run:
            raise ReviewRequired(bundle.name, bundle.version, self.review)
        reasons = [self._override if checked.overridden else "", self._approval or ""]
        action = "publish-override" if checked.overridden else "publish"
        reason = "; ".join(filter(None, reasons))
        return wanted, AuditEntry(self._actor, action, before=before, reason=reason)


def _check_replaced(bundle: ContractBundle, draft: Entry | None) -> None:
    """Raise PreconditionFailed for a draft that is not the one that a caller wants to replace."""
    if draft is None:
        return  # published or removed meanwhile: the other checks decide
    raise PreconditionFailed(
        f"{bundle.name}/{bundle.version} is a draft that was written at {draft.lifecycle.changed_at}, "  # type: ignore[union-attr]
        "and nothing was replaced; open that draft, or publish another version",
        etag=draft.etag,
        version=draft.version,
    )


def write_decision(name: str, store: ContractStore, decide: Decide, *, dry_run: bool = False) -> ContractBundle:
    """Decide on the versions of `name`, and write the result if they are still the same; otherwise decide again.

    Raises what `decide` raises, StorageUnavailable, ContractTooLarge.
    """
    deadline = time.monotonic() + MAX_PUBLISH_SECONDS
    fresh = False
    while True:
        with _turns[hash(name) % len(_turns)]:
            known = store.index(name, fresh=fresh)
            # Read the revision first: a write while the versions are read makes this write fail.
            after = known.revision(name)
            check_writable(known.documents, name)
            bundle, audit = decide(known)
            if dry_run:
                return bundle
            try:
                store.create(bundle, after=after, audit=audit)
                return bundle
            except VersionSetChanged:
                metrics.publish_conflicts.inc()
        if fresh:
            if time.monotonic() > deadline:
                raise StorageUnavailable(f"{name} is being written by others without a pause; try again")
            time.sleep(random.uniform(0, 0.02))
        fresh = True
