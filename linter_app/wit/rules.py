"""The rules of WIT: what a change means for components (guests) and for their hosts.

A backward break breaks a component made for the old text on a host of the new one; a forward break is the reverse. A
component receives what its world imports, and must provide what it exports. Types must match exactly (Component Model,
`Explainer.md`), so that a changed type breaks both ways.
"""

from __future__ import annotations

from linter_app.rule_catalogue import Kind, Rule, mirrored, rule


def _interface(body: str, more: str = "") -> str:
    return f"package demo:shop;\n\ninterface types {{\n{body}}}\n{more}"


def _world(*items: str) -> str:
    return _interface("  place: func();\n") + "\nworld shop {\n" + "".join(f"  {item};\n" for item in items) + "}\n"


PACKAGE_REMOVED = rule(
    "wit-package-removed",
    "backward",
    "The WIT package was removed from the contract.",
    "package demo:shop;\n",
    "",
    kind="removed",
)
PACKAGE_ADDED = rule(
    "wit-package-added",
    "none",
    "A WIT package was added to the contract.",
    "",
    "package demo:shop;\n",
    kind="added",
)
PACKAGE = rule(
    "wit-package-renamed",
    "both",
    "The package was renamed: references to the old name no longer resolve.",
    "package demo:shop;\n",
    "package demo:store;\n",
)
_NO_WORLD, _LOG = _interface("  place: func();\n"), "\ninterface log {\n  write: func(line: string);\n}\n"
WORLD_REMOVED = rule(
    "wit-world-removed",
    "backward",
    "A world was removed: components built for it have no target.",
    _world("import types"),
    _NO_WORLD,
    kind="removed",
)
WORLD_ADDED = rule("wit-world-added", "none", "A world was added.", _NO_WORLD, _world("import types"), kind="added")
INTERFACE_REMOVED = rule(
    "wit-interface-removed",
    "backward",
    "An interface was removed.",
    _interface("", _LOG),
    _interface(""),
    kind="removed",
)
INTERFACE_ADDED = rule(
    "wit-interface-added", "none", "An interface was added.", _interface(""), _interface("", _LOG), kind="added"
)
IMPORT_REMOVED, IMPORT_ADDED = mirrored(
    ("wit-import-removed", "wit-import-added"),
    (
        "A world no longer has an import that components use.",
        "A world has a new import, which older hosts do not provide.",
    ),
    _world("import types", "import clock: func() -> u64"),
    _world("import types"),
)
EXPORT_ADDED, EXPORT_REMOVED = mirrored(
    ("wit-export-added", "wit-export-removed"),
    (
        "A world has a new export, which older components do not provide.",
        "A world no longer has an export that older hosts call.",
    ),
    _world("export run: func()"),
    _world("export run: func()", "export stop: func()"),
)


def _using(version: str) -> str:
    used = f"package demo:money@{version} {{\n  interface types {{\n    get: func();\n  }}\n}}\n"
    return f"package demo:shop;\n\nworld shop {{\n  import demo:money/types@{version};\n}}\n\n{used}"


USED_REPLACED = rule(
    "wit-used-version-replaced",
    "both",
    "A world uses an interface of another package in a version that is not compatible with the old one by SemVer.",
    _using("1.0.0"),
    _using("2.0.0"),
)
USED_UPDATED = rule(
    "wit-used-version-updated",
    "none",
    "A world uses an interface of another package in another version that is compatible by SemVer.",
    _using("1.0.0"),
    _using("1.1.0"),
)
_DEPENDS_ON_ROLE = "Which direction breaks depends on whether worlds import or export the interface."
FUNCTION_REMOVED = rule(
    "wit-function-removed",
    "both",
    f"A function of an interface was removed. {_DEPENDS_ON_ROLE}",
    _NO_WORLD,
    _interface(""),
    kind="removed",
)
FUNCTION_ADDED = rule(
    "wit-function-added",
    "both",
    f"A function of an interface was added. {_DEPENDS_ON_ROLE}",
    _interface(""),
    _NO_WORLD,
    kind="added",
)
FUNCTION_CHANGED = rule(
    "wit-function-changed",
    "both",
    "A function's parameters, result or kind (async, static, method) changed.",
    _interface("  place: func(id: string);\n"),
    _interface("  place: func(id: u64);\n"),
)
TYPE_REMOVED = rule(
    "wit-type-removed",
    "both",
    f"A named type of an interface was removed. {_DEPENDS_ON_ROLE}",
    _interface("  record order { id: string }\n"),
    _interface(""),
    kind="removed",
)
TYPE_ADDED = rule(
    "wit-type-added",
    "both",
    f"A named type of an interface was added. {_DEPENDS_ON_ROLE}",
    _interface(""),
    _interface("  record order { id: string }\n"),
    kind="added",
)
TYPE_CHANGED = rule(
    "wit-type-changed",
    "both",
    "A named type changed its kind or its definition.",
    _interface("  type id = string;\n"),
    _interface("  type id = u64;\n"),
)
_MEMBERS: dict[str, tuple[str, str, str]] = {
    # The kind of type: the name of its members, an example with two members, and a member's other form.
    "record": ("field", "record order { id: string, note: string }", "note: option<string>"),
    "variant": ("case", "variant order { id, note(string) }", "note(u32)"),
    "enum": ("case", "enum order { id, note }", ""),
    "flags": ("flag", "flags order { id, note }", ""),
}


def _family(kind: str) -> dict[str, Rule]:
    member, full, changed = _MEMBERS[kind]
    one = full.split(",")[0] + " }"
    subject = f"wit-{kind}-{member}" if kind != "flags" else "wit-flag"
    article = "an" if kind == "enum" else "a"

    def made(verb: str, text: str, before: str, after: str, sort: Kind = "changed") -> Rule:
        texts = [_interface(f"  {each}\n") for each in (before, after)]
        return rule(f"{subject}-{verb}", "both", text, *texts, kind=sort)  # type: ignore[arg-type]

    of = f"A {member} of {article} {kind if kind != 'flags' else 'type of flags'}"
    rules = {
        "added": made("added", f"{of} was added; types must match exactly.", one, full, "added"),
        "removed": made("removed", f"{of} was removed; types must match exactly.", full, one, "removed"),
    }
    first, last = full[full.index("{") + 2 : -2].split(", ")
    turned = full.replace(f"{first}, {last}", f"{last}, {first}")
    plural = f"The {member}s of {article} {kind if kind != 'flags' else 'type of flags'}"
    rules["reordered"] = made("reordered", f"{plural} were reordered; the order is part of the type.", full, turned)
    if changed:
        rules["changed"] = made("changed", f"{of} changed its type.", full, full.replace(last, changed))
    return rules


MEMBER_RULES = {kind: _family(kind) for kind in _MEMBERS}
DESTABILIZED = rule(
    "wit-item-destabilized",
    "both",
    "An item became `@unstable`: it is hidden unless its feature is enabled.",
    "package demo:shop@1.0.0;\n\ninterface types {\n  place: func();\n}\n",
    "package demo:shop@1.0.0;\n\ninterface types {\n  @unstable(feature = new)\n  place: func();\n}\n",
)
STABILIZED = rule(
    "wit-item-stabilized",
    "none",
    "An item is no longer `@unstable`, or its `@since` version changed.",
    "package demo:shop@1.0.0;\n\ninterface types {\n  @unstable(feature = new)\n  place: func();\n}\n",
    "package demo:shop@1.0.0;\n\ninterface types {\n  @since(version = 1.0.0)\n  place: func();\n}\n",
    kind="added",
)
DEPRECATED = rule(
    "wit-item-deprecated",
    "none",
    "An item was marked as deprecated: it still works, but should no longer be used.",
    "package demo:shop@1.0.0;\n\ninterface types {\n  @since(version = 1.0.0)\n  place: func();\n}\n",
    "package demo:shop@1.0.0;\n\ninterface types {\n  @since(version = 1.0.0)\n"
    "  @deprecated(version = 1.0.0)\n  place: func();\n}\n",
    kind="deprecated",
)
DOCUMENTATION = rule(
    "wit-documentation-changed",
    "none",
    "The documentation comment of an item changed.",
    _interface("  /// Places an order.\n  place: func();\n"),
    _interface("  /// Takes an order.\n  place: func();\n"),
    kind="documentation",
)
