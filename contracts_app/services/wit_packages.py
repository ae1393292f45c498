"""WIT packages that a WIT text uses: `use shop:money/types@1.0.0` is the contract `shop.money` in its version 1.0.0.

Without a version the latest is meant. The exact versions are pinned, as references of schemas are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contracts_app.bundles import ContractBundle, Dependency, valid_name
from contracts_app.exceptions import ContractNotFound, ContractRefused, MalformedContract
from contracts_app.lifecycle import ACTIVE, DEPRECATED
from contracts_app.services.checking import Packages
from contracts_app.services.finding import LATEST, resolve
from contracts_app.storage import ContractStorage

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_ID = r"%?[a-z][a-z0-9-]*"
_DECLARED = re.compile(rf"\bpackage\s+({_ID}:{_ID})(?:@[0-9][0-9A-Za-z.+-]*)?")
_USED = re.compile(rf"\b(?:use|import|export|include)\s+({_ID}:{_ID})/{_ID}(?:@([0-9][0-9A-Za-z.+-]*[0-9A-Za-z]))?")
MOST_PACKAGES = 100


def is_package(reference: str) -> bool:
    """Whether a pinned reference is one of a WIT package."""
    return re.fullmatch(rf"{_ID}:{_ID}(@.*)?", reference) is not None and not reference.startswith("contract:")


def _without_comments(text: str) -> str:
    """The text with spaces for comments, so that places stay."""
    return _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def used(text: str) -> Iterator[tuple[str, str, str | None, int]]:
    """Each package that a WIT text uses: its reference, name, version if one is given, and line."""
    bare = _without_comments(text)
    own = _DECLARED.search(bare)
    seen = set()
    for match in _USED.finditer(bare):
        package, version = match[1].replace("%", ""), match[2]
        reference = f"{package}@{version}" if version else package
        if reference not in seen and (own is None or package != own[1].replace("%", "")):
            seen.add(reference)
            yield reference, package, version, bare.count("\n", 0, match.start()) + 1


def check_packages(bundle: ContractBundle, storage: ContractStorage) -> tuple[Dependency, ...]:
    """The versions of the contracts whose packages the bundle's WIT uses. Raises ContractRefused, naming the line."""
    if bundle.wit is None:
        return ()
    pinned: list[Dependency] = []
    for reference, package, version, line in used(bundle.wit):
        name = package.replace(":", ".")

        def refused(reason: str, reference: str = reference, line: int = line) -> ContractRefused:
            return ContractRefused(
                f"wit uses {reference} at line {line}: {reason}", field="wit", line=line, reference=reference
            )

        if not valid_name(name) or name == bundle.name:
            raise refused(f"{name} is not another contract's name")
        try:
            found = resolve(storage.index(name), name, version or LATEST)
        except ContractNotFound:
            raise refused(f"contract {name}/{version or LATEST} not found; publish it first") from None
        except MalformedContract as error:
            raise refused(error.message) from None
        if found.state not in (ACTIVE, DEPRECATED):
            raise refused(f"{name}/{found.version} is {found.state}")
        if not found.has_wit:
            raise refused(f"{name}/{found.version} has no WIT")
        pinned.append(Dependency(found.name, found.version, found.digest, reference))
    return tuple(pinned)


def with_version(text: str, version: str) -> str:
    """A WIT text whose package has this version, or none where it is empty; comments and all else stay."""
    found = _DECLARED.search(_without_comments(text))
    at = f"@{version}" if version else ""
    return text if found is None else f"{text[: found.end(1)]}{at}{text[found.end() :]}"


def packages_of(bundle: ContractBundle, storage: ContractStorage) -> Packages:
    """The texts of all packages that the bundle's WIT uses, and of those that they use."""
    found: dict[str, str] = {}
    waiting = [bundle]
    while waiting:
        for each in waiting.pop().dependencies:
            label = f"{each.name}-{each.version}"
            if not is_package(each.reference) or label in found:
                continue
            if len(found) == MOST_PACKAGES:
                raise ContractRefused(f"wit uses more than {MOST_PACKAGES} packages", field="wit")
            target = storage.get(each.name, each.version)
            found[label] = target.wit or ""
            waiting.append(target)
    return tuple(found.items())
