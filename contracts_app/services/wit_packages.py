"""WIT packages used by a WIT text: `use shop:money/types@1.0.0` refers to version 1.0.0 of the contract `shop.money`.

Without a version the latest is used. Exact versions are pinned, like references of schemas.
"""

from __future__ import annotations

import re

from contracts_app.bundles import ContractBundle, Dependency, valid_name
from contracts_app.exceptions import ContractNotFound, ContractRefused, MalformedContract
from contracts_app.lifecycle import ACTIVE, DEPRECATED
from contracts_app.services.content_checks import Packages
from contracts_app.services.search import LATEST, resolve
from contracts_app.storage import ContractStore
from linter_app.wit import Used, used_in

_PACKAGE = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*:[a-zA-Z][a-zA-Z0-9-]*(@.*)?")
MAX_PACKAGES = 100


def is_package(reference: str) -> bool:
    """Return whether a pinned reference is that of a WIT package."""
    return _PACKAGE.fullmatch(reference) is not None and not reference.startswith("contract:")


def contract_of(used: Used) -> str:
    """Return the name of the contract that holds a package."""
    return used.name.replace(":", ".")


def check_packages(bundle: ContractBundle, store: ContractStore) -> tuple[Dependency, ...]:
    """Return the versions of the contracts whose packages the WIT text uses. Raises ContractRefused with the line."""
    if bundle.wit is None:
        return ()
    pinned: list[Dependency] = []
    for used in used_in(bundle.wit):
        name, version = contract_of(used), used.version

        def refused(reason: str, used: Used = used) -> ContractRefused:
            return ContractRefused(
                f"wit uses {used.reference} at line {used.line}: {reason}",
                field="wit",
                line=used.line,
                reference=used.reference,
            )

        if not valid_name(name) or name == bundle.name:
            raise refused(f"{name} is not another contract's name")
        try:
            found = resolve(store.index(name), name, version or LATEST)
        except ContractNotFound:
            raise refused(f"contract {name}/{version or LATEST} not found; publish it first") from None
        except MalformedContract as error:
            raise refused(error.message) from None
        if found.state not in (ACTIVE, DEPRECATED):
            raise refused(f"{name}/{found.version} is {found.state}")
        if not found.has_wit:
            raise refused(f"{name}/{found.version} has no WIT")
        pinned.append(Dependency(found.name, found.version, found.digest, used.reference))
    return tuple(pinned)


def packages_of(bundle: ContractBundle, store: ContractStore) -> Packages:
    """Return the texts of all packages that the bundle's WIT uses, directly or not."""
    found: dict[str, str] = {}
    waiting = [bundle]
    while waiting:
        for each in waiting.pop().dependencies:
            label = f"{each.name}-{each.version}"
            if not is_package(each.reference) or label in found:
                continue
            if len(found) == MAX_PACKAGES:
                raise ContractRefused(f"wit uses more than {MAX_PACKAGES} packages", field="wit")
            target = store.get(each.name, each.version)
            found[label] = target.wit or ""
            waiting.append(target)
    return tuple(found.items())
