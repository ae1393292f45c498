"""A resolved WIT package as named items with comparable signatures (Component Model, `WIT.md`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

NOMINAL = ("record", "variant", "enum", "flags", "resource")
Role = Literal["import", "export"]


@dataclass(frozen=True)
class Stability:
    """The `@since`, `@unstable` and `@deprecated` of an item."""

    feature: str | None = None
    since: str | None = None
    deprecated: str | None = None


@dataclass(frozen=True)
class Item:
    """A function, type, interface, import or export. `path` names it, such as `types/order`."""

    path: str
    kind: str
    signature: Any = None
    """What must be equal; for an interface that a world imports or exports, the version of its package."""
    docs: str | None = None
    stability: Stability = field(default_factory=Stability)


@dataclass(frozen=True)
class TypeItem(Item):
    """A named type. For records, variants, enums and flags, `members` maps names to types (None where bare)."""

    members: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Interface(Item):
    """Types and functions; `roles` says whether worlds of the package import or export it."""

    types: Mapping[str, TypeItem] = field(default_factory=dict)
    functions: Mapping[str, Item] = field(default_factory=dict)
    roles: frozenset[Role] = frozenset()
    declared: bool = False
    """Whether the text declares it in a package, and not within a world or elsewhere."""
    partial: bool = False
    """Whether it has only the types that the package uses: no world imports or exports the interface."""


@dataclass(frozen=True)
class World(Item):
    """What a component receives (`imports`) and provides (`exports`), by name."""

    imports: Mapping[str, Item] = field(default_factory=dict)
    exports: Mapping[str, Item] = field(default_factory=dict)


@dataclass(frozen=True)
class Package:
    """The package that a text declares, with nested packages, and the interfaces of other packages that it uses."""

    name: str
    version: str | None
    interfaces: Mapping[str, Interface]
    worlds: Mapping[str, World]


Releases = Mapping[str, str]
"""The suffixes that distinguish versions of a package, by the package's full name."""


def package_of(resolved: Any, declared: Sequence[str], releases: Releases = MappingProxyType({})) -> Package:
    """Read the output of `wasm-tools component wit --json`. `declared` names the text's packages, its own first."""
    return _Reader(resolved, declared, releases).package()


def releases_in(*resolved: Any) -> Releases:
    """Return suffixes for packages that are used in several versions.

    The suffix is the part of a version that promises compatibility, so that updates keep it.
    """
    named: dict[str, str] = {}
    used = [[package["name"].partition("@") for package in one["packages"]] for one in resolved]
    for package in {name for one in used for name, _, _ in one}:
        sides = [[version for name, _, version in one if name == package] for one in used]
        if max(map(len, sides)) > 1:
            distinct = all(len(set(map(track, side))) == len(side) for side in sides)
            for version in {version for side in sides for version in side}:
                at = f"@{version}" if version else ""
                named[package + at] = f"@{track(version)}" if version and distinct else at
    return named


def track(version: str) -> str:
    """Return the part of a version that must be equal: up to the first number that is not 0; all of a prerelease.

    Names match in the same way in the component model (`Binary.md`, canonical versions).
    """
    numbers, _, prerelease = version.partition("+")[0].partition("-")
    if prerelease or not numbers:
        return version
    major, minor, patch = numbers.split(".")
    return major if major != "0" else f"0.{minor}" if minor != "0" else f"0.0.{patch}"


class _Reader:
    def __init__(self, resolved: Any, declared: Sequence[str], releases: Releases) -> None:
        self.worlds, self.interfaces = resolved["worlds"], resolved["interfaces"]
        self.types, self.packages = resolved["types"], resolved["packages"]
        self.releases = releases
        names = [package["name"] for package in self.packages]
        self.declared = [names.index(name) for name in declared if name in names] or [len(names) - 1]
        self.own = self.declared[0]
        self.roles: dict[int, set[Role]] = {}
        # Types of other packages that were found, each with its interface.
        self.used: dict[int, int] = {}

    def package(self) -> Package:
        name, _, version = self.packages[self.own]["name"].partition("@")
        worlds: dict[str, World] = {}
        for at in self.declared:  # before the interfaces, whose roles they define
            for index in self.packages[at].get("worlds", {}).values():
                world = self.world(index)
                worlds[world.path] = world
        found: dict[str, Interface] = {}
        for at in self.declared:
            for index in self.packages[at].get("interfaces", {}).values():
                path = str(self.interface_name(index))
                found[path] = replace(self.interface(path, index), declared=True)
            for index in self.packages[at].get("worlds", {}).values():
                found |= self.within(index)
        return Package(name, version or None, found | self.others(), worlds)

    def within(self, index: int) -> dict[str, Interface]:
        """Return the interfaces that are written within a world."""
        world, found = self.worlds[index], {}
        for role in ("imports", "exports"):
            for key, item in world.get(role, {}).items():
                at = item.get("interface", {}).get("id")
                if at is not None and self.interfaces[at]["name"] is None:
                    path = f"{self.named(world)}/{key}"
                    found[path] = self.interface(path, at)
        return found

    def others(self) -> dict[str, Interface]:
        """Return the interfaces of other packages that worlds import or export, and those whose types are used."""
        names = {index: str(self.interface_name(index)) for index in self.roles if self.undeclared(index)}
        found = {name: self.interface(name, index) for index, name in names.items()}
        types: dict[str, dict[str, TypeItem]] = {}
        read: set[int] = set()
        while waiting := [(at, index) for at, index in self.used.items() if at not in read and index not in self.roles]:
            for at, index in waiting:  # reading one may find others
                name, each = str(self.interface_name(index)), self.types[at]["name"]
                types.setdefault(name, {})[each] = self.type(f"{name}/{each}", at)
                read.add(at)
        return found | {name: Interface(name, "interface", types=each, partial=True) for name, each in types.items()}

    def foreign(self, index: int) -> bool:
        """Return whether an interface belongs to another package."""
        found = self.interfaces[index]
        return found["name"] is not None and found["package"] != self.own

    def undeclared(self, index: int) -> bool:
        """Return whether an interface belongs to a package that the text does not declare."""
        return self.foreign(index) and self.interfaces[index]["package"] not in self.declared

    def world(self, index: int) -> World:
        found = self.worlds[index]
        path = self.named(found)
        sides: dict[str, dict[str, Item]] = {"imports": {}, "exports": {}}
        for side, items in sides.items():
            for key, item in found.get(side, {}).items():
                if "function" in item:
                    items[key] = self.function(f"{path}/{key}", item["function"])
                elif "interface" in item:
                    at = item["interface"]["id"]
                    self.roles.setdefault(at, set()).add("import" if side == "imports" else "export")
                    name = self.interface_name(at) or key
                    package = self.packages[self.interfaces[at]["package"]]["name"] if self.foreign(at) else ""
                    release = package.partition("@")[2] or None
                    items[name] = Item(f"{path}/{name}", "interface", release, stability=_stability(item["interface"]))
                elif "type" in item and self.types[item["type"]]["kind"] != {"type": item["type"]}:
                    items[key] = self.type(f"{path}/{key}", item["type"])
        docs = _docs(found)
        return World(path, "world", None, docs, _stability(found), sides["imports"], sides["exports"])

    def interface_name(self, index: int) -> str | None:
        """Return the name of an interface, with its package unless that is the text's own; None without a name."""
        found = self.interfaces[index]
        return None if found["name"] is None else self.named(found)

    def named(self, found: Any) -> str:
        """Return the name of an interface or world, prefixed with its package unless that is the text's own."""
        if found["package"] == self.own:
            return str(found["name"])
        package = self.packages[found["package"]]["name"]
        return f"{package.partition('@')[0]}{self.releases.get(package, '')}/{found['name']}"

    def interface(self, path: str, index: int) -> Interface:
        found = self.interfaces[index]
        return Interface(
            path,
            "interface",
            None,
            _docs(found),
            _stability(found),
            {name: self.type(f"{path}/{name}", at) for name, at in found["types"].items()},
            {
                name: self.function(f"{path}/{name}", each)
                for name, each in ((_plain_name(written), each) for written, each in found["functions"].items())
            },
            frozenset(self.roles.get(index, ())),
        )

    def function(self, path: str, found: Any) -> Item:
        kind = found["kind"] if isinstance(found["kind"], str) else next(iter(found["kind"]))
        parameters = [(each["name"], self.written(each["type"])) for each in found["params"]]
        signature = (kind, tuple(parameters), self.written(found.get("result")))
        return Item(path, "function", signature, _docs(found), _stability(found))

    def type(self, path: str, index: int) -> TypeItem:
        found = self.types[index]
        kind = found["kind"] if isinstance(found["kind"], str) else next(iter(found["kind"]))
        members: dict[str, str | None] = {}
        if kind == "record":
            members = {each["name"]: self.written(each["type"]) for each in found["kind"]["record"]["fields"]}
        elif kind == "variant":
            cases = found["kind"]["variant"]["cases"]
            members = {each["name"]: self.written(each["type"]) for each in cases}
        elif kind in ("enum", "flags"):
            members = {each["name"]: None for each in found["kind"][kind]["cases" if kind == "enum" else "flags"]}
        signature = None if kind in NOMINAL else self.written(found["kind"].get("type", index), aliased=index)
        kind = kind if kind in NOMINAL else "type"
        return TypeItem(path, kind, signature, _docs(found), _stability(found), members)

    def written(self, type_: Any, aliased: int | None = None) -> str | None:
        """Return a type in WIT syntax. Aliases are followed; other named types are named. None for no type."""
        if type_ is None or isinstance(type_, str):
            return type_
        found = self.types[type_]
        kind = found["kind"]
        word = kind if isinstance(kind, str) else next(iter(kind))
        if word == "type":
            return self.written(kind["type"])
        if word in NOMINAL and type_ != aliased:
            owner = (found.get("owner") or {}).get("interface")
            if owner is not None and self.undeclared(owner):
                self.used[type_] = owner
            name = self.interface_name(owner) if owner is not None else None
            return f"{name}/{found['name']}" if name else str(found["name"])
        return self.structure(word, kind)

    def structure(self, word: str, kind: Any) -> str:
        inner: Any = kind[word] if isinstance(kind, dict) else None
        match word:
            case "handle":
                sort = next(iter(inner))
                return f"{sort}<{self.written(inner[sort])}>"
            case "result":
                ok, err = (self.written(inner[each]) for each in ("ok", "err"))
                return f"result<{ok or '_'}, {err or '_'}>"
            case "tuple":
                return f"tuple<{', '.join(str(self.written(each)) for each in inner['types'])}>"
            case "fixed-length-list":
                return f"list<{self.written(inner[0])}, {inner[1]}>"
            case "map":
                return f"map<{self.written(inner[0])}, {self.written(inner[1])}>"
            case "option" | "list" | "future" | "stream":
                return word if inner is None else f"{word}<{self.written(inner)}>"
        return word


def _plain_name(written: str) -> str:
    """Return `cart.add` for `[method]cart.add`, and `cart.constructor` for `[constructor]cart`."""
    sort, _, name = written.rpartition("]")
    return f"{name}.constructor" if sort == "[constructor" else name


def _docs(found: Any) -> str | None:
    return (found.get("docs") or {}).get("contents")


def _stability(found: Any) -> Stability:
    said = found.get("stability")
    if not isinstance(said, dict):
        return Stability()
    (kind, what), *_ = said.items()
    if kind == "unstable":
        return Stability(feature=what.get("feature"), deprecated=what.get("deprecated"))
    return Stability(since=what.get("since"), deprecated=what.get("deprecated"))
