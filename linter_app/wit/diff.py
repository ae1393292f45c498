"""The changes between two WIT packages, item by item."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from linter_app.changes import OPPOSITE, Change, Direction, direction_of
from linter_app.rule_catalogue import Rule
from linter_app.wit import rules
from linter_app.wit.model import Interface, Item, Package, Role, TypeItem, World, package_of, releases_in, track
from linter_app.wit.text import declared_in
from linter_app.wit.tool import resolve

_T = TypeVar("_T", bound=Item)


def diff_wit(
    old: str,
    new: str,
    *,
    old_dependencies: Mapping[str, str] | None = None,
    new_dependencies: Mapping[str, str] | None = None,
) -> tuple[Change, ...]:
    """Return all changes from one WIT text to another, each a package; an empty text is no package.

    Dependencies map a label to the text of a package that is used. Pointers name items, such as `/types/order/id`.
    Raises InvalidWIT or WITToolFailed.
    """
    if not old.strip() or not new.strip():
        which = rules.PACKAGE_ADDED if new.strip() else rules.PACKAGE_REMOVED
        both_empty = not old.strip() and not new.strip()
        return () if both_empty else (_change(which, "the WIT package " + which.id.rpartition("-")[2], "", ""),)
    resolved = resolve(old, old_dependencies), resolve(new, new_dependencies)
    releases = releases_in(*resolved)
    old_package, new_package = (
        package_of(each, declared_in(text), releases) for each, text in zip(resolved, (old, new), strict=True)
    )
    return tuple(_packages(old_package, new_package))


def _change(which: Rule, message: str, old_path: str | None, new_path: str | None, **more: Any) -> Change:
    at = [None if path is None else f"/{path}" for path in (old_path, new_path)]
    return Change(which.id, at[0], at[1], more.pop("direction", which.direction), message, level=which.level, **more)


def _packages(old: Package, new: Package) -> Iterator[Change]:
    if old.name != new.name:
        yield _change(rules.PACKAGE, f"package {old.name} became {new.name}", "", "", old=old.name, new=new.name)
    for one, other in _paired(old.interfaces, new.interfaces):
        if one is None or other is None:
            if all(each is None or each.declared for each in (one, other)):  # else it is reported where it is used
                yield _added_or_removed(rules.INTERFACE_ADDED if one is None else rules.INTERFACE_REMOVED, one, other)
        else:
            yield from _about(one, other)
            yield from _interfaces(one, other)
    for one_world, other_world in _paired(old.worlds, new.worlds):
        if one_world is None or other_world is None:
            yield _added_or_removed(
                rules.WORLD_ADDED if one_world is None else rules.WORLD_REMOVED, one_world, other_world
            )
        else:
            yield from _about(one_world, other_world)
            yield from _worlds(one_world, other_world)


_NOTHING = Item("", "")


def _paired(old: Mapping[str, _T], new: Mapping[str, _T]) -> Iterator[tuple[_T | None, _T | None]]:
    for name in [*old, *(name for name in new if name not in old)]:
        yield old.get(name), new.get(name)


def _added_or_removed(which: Rule, old: Item | None, new: Item | None, direction: Direction | None = None) -> Change:
    item = old or new or _NOTHING
    direction = direction or which.direction
    if item.stability.feature:
        direction = "none"  # an unstable feature: users must not rely on it
    message = f"{item.kind} {item.path!r} was {'added' if old is None else 'removed'}"
    at = old.path if old else None, new.path if new else None
    return _change(which, message, *at, direction=direction)


def _about(old: Item, new: Item) -> Iterator[Change]:
    """Yield the changes of an item's stability and documentation."""
    at = (old.path, new.path)
    before, after = old.stability, new.stability
    if after.feature and not before.feature:
        yield _change(rules.DESTABILIZED, f"{new.kind} {new.path!r} now requires the feature {after.feature!r}", *at)
    elif (before.feature, before.since) != (after.feature, after.since):
        yield _change(rules.STABILIZED, f"the stability of {new.kind} {new.path!r} changed", *at)
    if after.deprecated and after.deprecated != before.deprecated:
        yield _change(rules.DEPRECATED, f"{new.kind} {new.path!r} is deprecated since {after.deprecated}", *at)
    if old.docs != new.docs and ":" not in new.path:  # comments of other packages are not part of this contract
        message = f"the comment of {new.kind} {new.path!r} changed"
        yield _change(rules.DOCUMENTATION, message, *at, old=old.docs, new=new.docs)


def _worlds(old: World, new: World) -> Iterator[Change]:
    for side, added_rule, removed_rule in (
        ("imports", rules.IMPORT_ADDED, rules.IMPORT_REMOVED),
        ("exports", rules.EXPORT_ADDED, rules.EXPORT_REMOVED),
    ):
        for one, other in _paired(getattr(old, side), getattr(new, side)):
            if one is None or other is None:
                yield _added_or_removed(added_rule if one is None else removed_rule, one, other)
            elif isinstance(one, TypeItem) and isinstance(other, TypeItem):
                yield from _types(one, other)
            elif one.kind == other.kind == "interface":
                yield from _about(one, other)
                if one.signature != other.signature:
                    yield _released(one, other)
            else:
                yield from _functions(one, other)


def _released(old: Item, new: Item) -> Change:
    """Return the change of an interface of another package to another version of that package."""
    versions = [item.signature or "none" for item in (old, new)]
    message = f"interface {new.path!r} was of version {versions[0]} of its package and is of {versions[1]}"
    fits = old.signature and new.signature and track(old.signature) == track(new.signature)
    which = rules.USED_UPDATED if fits else rules.USED_REPLACED
    return _change(which, message, old.path, new.path, old=old.signature, new=new.signature)


def _interfaces(old: Interface, new: Interface) -> Iterator[Change]:
    roles = old.roles & new.roles or old.roles | new.roles
    members: tuple[tuple[Any, Any, Rule, Rule, Callable[[Any, Any], Iterator[Change]]], ...] = (
        (old.types, new.types, rules.TYPE_ADDED, rules.TYPE_REMOVED, _types),
        (old.functions, new.functions, rules.FUNCTION_ADDED, rules.FUNCTION_REMOVED, _functions),
    )
    for olds, news, added_rule, removed_rule, compare in members:
        for one, other in _paired(olds, news):
            if one is None or other is None:
                if not (old.partial or new.partial):  # else only its use began or ended
                    yield _added_or_removed(
                        added_rule if one is None else removed_rule,
                        one,
                        other,
                        _affected_direction(roles, added=one is None),
                    )
            else:
                yield from compare(one, other)


def _affected_direction(roles: frozenset[Role], *, added: bool) -> Direction:
    """Return what an addition or a removal in an interface breaks: components use imports and provide exports."""
    user = "forward" if added else "backward"
    if not roles:
        return "none" if added else "backward"  # users of the interface in other packages break
    return direction_of(frozenset(user if role == "import" else OPPOSITE[user] for role in roles))


def _functions(old: Item, new: Item) -> Iterator[Change]:
    yield from _about(old, new)
    if old.signature != new.signature:
        before, after = (_shown(item) for item in (old, new))
        message = f"{old.kind} {old.path!r} was {before} and is {after}"
        direction: Direction = "none" if old.stability.feature else rules.FUNCTION_CHANGED.direction
        at = (old.path, new.path)
        yield _change(rules.FUNCTION_CHANGED, message, *at, old=before, new=after, direction=direction)


def _shown(item: Item) -> str:
    if item.signature is None:
        return item.kind
    kind, parameters, result = item.signature
    listed = ", ".join(f"{name}: {type_}" for name, type_ in parameters)
    sort = "" if kind == "freestanding" else f"{kind} "
    return f"{sort}func({listed})" + (f" -> {result}" if result else "")


def _types(old: TypeItem, new: TypeItem) -> Iterator[Change]:
    yield from _about(old, new)
    gated: dict[str, Direction] = {"direction": "none"} if old.stability.feature else {}
    at = (old.path, new.path)
    if old.kind != new.kind or old.signature != new.signature:
        before, after = (item.signature or item.kind for item in (old, new))
        message = f"type {old.path!r} was {before} and is {after}"
        yield _change(rules.TYPE_CHANGED, message, *at, old=before, new=after, **gated)
        return
    family = rules.MEMBER_RULES.get(old.kind)
    if family is None:
        return
    for name in old.members.keys() - new.members.keys():
        message = f"{name!r} of {old.kind} {old.path!r} was removed"
        yield _change(family["removed"], message, f"{old.path}/{name}", None, old=name, **gated)
    for name in new.members.keys() - old.members.keys():
        message = f"{name!r} of {old.kind} {old.path!r} was added"
        yield _change(family["added"], message, None, f"{new.path}/{name}", new=name, **gated)
    shared = [[name for name in one.members if name in other.members] for one, other in ((old, new), (new, old))]
    if shared[0] != shared[1]:
        message = f"the order within {old.kind} {old.path!r} changed"
        yield _change(family["reordered"], message, *at, old=shared[0], new=shared[1], **gated)
    for name in shared[0]:
        before_type, after_type = old.members[name], new.members[name]
        if before_type != after_type:
            message = f"{name!r} of {old.kind} {old.path!r} was {before_type or 'bare'} and is {after_type or 'bare'}"
            where = (f"{old.path}/{name}", f"{new.path}/{name}")
            yield _change(family["changed"], message, *where, old=before_type, new=after_type, **gated)
