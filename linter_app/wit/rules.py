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
    "There was a WIT package, and there is none any more.",
    "package demo:shop;\n",
    "",
    kind="removed",
)
PACKAGE_ADDED = rule(
    "wit-package-added",
    "none",
    "There is a WIT package where there was none.",
    "",
    "package demo:shop;\n",
    kind="added",
)
PACKAGE = rule(
    "wit-package-renamed",
    "both",
    "The package has another name, so that whoever refers to it no longer finds it.",
    "package demo:shop;\n",
    "package demo:store;\n",
)
_NO_WORLD, _LOG = _interface("  place: func();\n"), "\ninterface log {\n  write: func(line: string);\n}\n"
WORLD_REMOVED = rule(
    "wit-world-removed",
    "backward",
    "A world is gone: components made for it fit no longer.",
    _world("import types"),
    _NO_WORLD,
    kind="removed",
)
WORLD_ADDED = rule("wit-world-added", "none", "There is a new world.", _NO_WORLD, _world("import types"), kind="added")
INTERFACE_REMOVED = rule(
    "wit-interface-removed",
    "backward",
    "An interface is gone that others may use.",
    _interface("", _LOG),
    _interface(""),
    kind="removed",
)
INTERFACE_ADDED = rule(
    "wit-interface-added", "none", "There is a new interface.", _interface(""), _interface("", _LOG), kind="added"
)
IMPORT_REMOVED, IMPORT_ADDED = mirrored(
    ("wit-import-removed", "wit-import-added"),
    (
        "Hosts no longer give something that components import.",
        "Components may import something that older hosts do not give.",
    ),
    _world("import types", "import clock: func() -> u64"),
    _world("import types"),
)
EXPORT_ADDED, EXPORT_REMOVED = mirrored(
    ("wit-export-added", "wit-export-removed"),
    (
        "Components must export something that older ones do not.",
        "Components need not export any more what older hosts call.",
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
    "A world imports or exports an interface of another package in a version that need not fit the one before.",
    _using("1.0.0"),
    _using("2.0.0"),
)
USED_UPDATED = rule(
    "wit-used-version-updated",
    "none",
    "A world imports or exports an interface of another package in another version that promises to fit.",
    _using("1.0.0"),
    _using("1.1.0"),
)
_WHOM = "Whom that breaks hangs on whether worlds import or export the interface."
FUNCTION_REMOVED = rule(
    "wit-function-removed",
    "both",
    f"A function of an interface is gone. {_WHOM}",
    _NO_WORLD,
    _interface(""),
    kind="removed",
)
FUNCTION_ADDED = rule(
    "wit-function-added",
    "both",
    f"A function of an interface is new. {_WHOM}",
    _interface(""),
    _NO_WORLD,
    kind="added",
)
FUNCTION_CHANGED = rule(
    "wit-function-changed",
    "both",
    "A function has other parameters, another result, or is of another sort (async, static, method).",
    _interface("  place: func(id: string);\n"),
    _interface("  place: func(id: u64);\n"),
)
TYPE_REMOVED = rule(
    "wit-type-removed",
    "both",
    f"A named type of an interface is gone. {_WHOM}",
    _interface("  record order { id: string }\n"),
    _interface(""),
    kind="removed",
)
TYPE_ADDED = rule(
    "wit-type-added",
    "both",
    f"There is a new named type in an interface. {_WHOM}",
    _interface(""),
    _interface("  record order { id: string }\n"),
    kind="added",
)
TYPE_CHANGED = rule(
    "wit-type-changed",
    "both",
    "A named type is of another kind, or stands for another type.",
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
        "added": made("added", f"{of} is new; types must match exactly.", one, full, "added"),
        "removed": made("removed", f"{of} is gone; types must match exactly.", full, one, "removed"),
    }
    first, last = full[full.index("{") + 2 : -2].split(", ")
    turned = full.replace(f"{first}, {last}", f"{last}, {first}")
    plural = f"The {member}s of {article} {kind if kind != 'flags' else 'type of flags'}"
    rules["reordered"] = made("reordered", f"{plural} stand in another order, which is part of the type.", full, turned)
    if changed:
        rules["changed"] = made("changed", f"{of} holds another type.", full, full.replace(last, changed))
    return rules


MEMBER_RULES = {kind: _family(kind) for kind in _MEMBERS}
DESTABILIZED = rule(
    "wit-item-destabilized",
    "both",
    "An item is behind a feature gate (`@unstable`) that was not, so that it is hidden by default.",
    "package demo:shop@1.0.0;\n\ninterface types {\n  place: func();\n}\n",
    "package demo:shop@1.0.0;\n\ninterface types {\n  @unstable(feature = new)\n  place: func();\n}\n",
)
STABILIZED = rule(
    "wit-item-stabilized",
    "none",
    "An item is no longer behind a feature gate, or says otherwise since when it is there.",
    "package demo:shop@1.0.0;\n\ninterface types {\n  @unstable(feature = new)\n  place: func();\n}\n",
    "package demo:shop@1.0.0;\n\ninterface types {\n  @since(version = 1.0.0)\n  place: func();\n}\n",
    kind="added",
)
DEPRECATED = rule(
    "wit-item-deprecated",
    "none",
    "An item is marked as deprecated: it works, and shall no longer be used.",
    "package demo:shop@1.0.0;\n\ninterface types {\n  @since(version = 1.0.0)\n  place: func();\n}\n",
    "package demo:shop@1.0.0;\n\ninterface types {\n  @since(version = 1.0.0)\n"
    "  @deprecated(version = 1.0.0)\n  place: func();\n}\n",
    kind="deprecated",
)
DOCUMENTATION = rule(
    "wit-documentation-changed",
    "none",
    "The comment of an item changed.",
    _interface("  /// Places an order.\n  place: func();\n"),
    _interface("  /// Takes an order.\n  place: func();\n"),
    kind="documentation",
)
