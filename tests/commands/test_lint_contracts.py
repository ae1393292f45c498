"""`manage.py lint_contracts` as used by people and CI."""

import json
import xml.etree.ElementTree as ElementTree
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from linter_app.rules import all_rules

OLD = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 20}}, "required": ["name"]}
NARROW = {**OLD, "properties": {"name": {"type": "string", "maxLength": 10}}}
WIDER = {**OLD, "properties": {"name": {"type": "string", "maxLength": 20}, "note": {"type": "string"}}}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """An own folder, so that no configuration file in a parent folder applies."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)


def run(*arguments):
    out = StringIO()
    call_command("lint_contracts", *map(str, arguments), stdout=out, stderr=StringIO())
    return out.getvalue()


def refused(*arguments):
    out = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("lint_contracts", *map(str, arguments), stdout=out, stderr=StringIO())
    return caught.value.returncode, str(caught.value), out.getvalue()


def compare(current, proposed, *more):
    return "compare", "--current", current, "--proposed", proposed, *more


def versions(current, proposed):
    return "--current-version", current, "--proposed-version", proposed


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2))
    return path


@pytest.fixture
def tree(tmp_path):
    write(tmp_path / "c" / "user" / "1.0.0.json", OLD)
    write(tmp_path / "c" / "user" / "1.1.0.json", WIDER)
    write(tmp_path / "c" / "user" / "1.2.0.json", NARROW)
    write(tmp_path / "c" / "order.placed.v1.json", OLD)
    write(tmp_path / "c" / "order.placed.v2.json", NARROW)
    write(tmp_path / "c" / "shop-v1.0.0.wit", "package demo:shop;\ninterface i { f: func(); }\n")
    write(tmp_path / "c" / "shop-v1.0.1.wit", "package demo:shop;\ninterface i { f: func(); g: func(); }\n")
    write(tmp_path / "c" / "README.json", {})
    return tmp_path / "c"


def test_a_compatible_minor_version_exits_with_0(fixtures):
    out = run(*compare(fixtures / "base-v1.0.0.json", fixtures / "compatible-v1.1.0.json", *versions("1.0.0", "1.1.0")))
    assert "is compatible" in out
    assert "property-added at /properties/coupon" in out


def test_a_breaking_minor_version_exits_with_1_and_shows_an_instance(fixtures):
    pair = compare(fixtures / "base-v1.0.0.json", fixtures / "breaking-v1.1.0.json", *versions("1.0.0", "1.1.0"))
    code, error, out = refused(*pair)
    assert (code, error) == (1, "requires version 2.0.0, but 1.1.0 is proposed")
    assert "was valid and is now rejected" in out


def test_a_breaking_major_version_exits_with_0(fixtures):
    out = run(*compare(fixtures / "base-v1.0.0.json", fixtures / "breaking-v2.0.0.json", *versions("1.0.0", "2.0.0")))
    assert "type-changed" in out


@pytest.mark.parametrize(
    ("text", "more", "says"),
    [
        (None, [], "cannot be read"),
        ("{", [], "not JSON"),
        ('{"type": 1}', [], "not a valid JSON Schema"),
        ("{}", versions("1.0", "2.0.0"), "Invalid version"),
        ("{}", ["--current-version", "1.0.0"], "Give both"),
        ("{}", ["--resource", "x"], "URI=FILE"),
        ("{}", ["--config", "nowhere.toml"], "cannot be read"),
    ],
)
def test_unusable_input_exits_with_2(tmp_path, fixtures, text, more, says):
    path = tmp_path / "schema.json"
    if text is not None:
        path.write_text(text)
    code, error, _ = refused(*compare(fixtures / "base-v1.0.0.json", path, *more))
    assert code == 2
    assert says in error


def test_wit_is_compared_too(tmp_path, tree):
    out = run(*compare(tree / "shop-v1.0.0.wit", tree / "shop-v1.0.1.wit"))
    assert "wit-function-added at /i/g" in out
    assert refused(*compare(tree / "shop-v1.0.0.wit", tree / "order.placed.v1.json"))[0] == 2
    broken = write(tmp_path / "broken.wit", "package demo:shop;\ninterface i { f: fun(); }\n")
    code, error, _ = refused(*compare(tree / "shop-v1.0.0.wit", broken))
    assert code == 2
    assert "line 2 column" in error


def test_references_resolve_to_resource_options(tmp_path):
    old = write(tmp_path / "old.json", {"$ref": "https://example.com/name"})
    new = write(tmp_path / "new.json", {"type": "string"})
    name = write(tmp_path / "name.json", {"type": "string"})
    assert "is compatible" in run(*compare(old, new, "--resource", f"https://example.com/name={name}"))
    assert refused(*compare(old, new))[0] == 1


def test_a_tree_is_checked_version_by_version(tree):
    code, error, out = refused("check", tree)
    assert code == 1
    assert error == "user: requires version 2.0.0, but 1.2.0 is proposed"
    assert "user: the change from 1.0.0 to 1.1.0 is compatible." in out
    assert "order.placed: the change from v1 to v2 is breaking." in out
    assert "shop: the change from 1.0.0 to 1.0.1 is compatible." in out
    assert "compatible additions require at least 1.1.0; proposed is 1.0.1" in out


def test_a_folder_without_contracts_is_an_error(tmp_path, tree):
    assert refused("check")[0] == 2
    assert refused("check", tmp_path / "nowhere")[0] == 2
    write(tmp_path / "d" / "readme.json", {})
    code, error, _ = refused("check", tmp_path / "d")
    assert code == 2
    assert "NAME/VERSION.json" in error
    write(tree / "user.1.0.0.json", OLD)
    assert "the same version of user" in refused("check", tree)[1]


def test_a_single_version_must_be_valid(tmp_path):
    write(tmp_path / "c" / "a.1.0.0.json", {"type": 1})
    assert refused("check", tmp_path / "c")[0] == 2


def test_a_configuration_file_is_found_and_applied(tmp_path, tree):
    config = tmp_path / ".contracts-lint.toml"
    config.write_text('paths = ["c"]\n[levels]\nmax-length-decreased = "warning"\n')
    assert "warning   max-length-decreased" in run("check")
    config.write_text(
        'paths = ["c"]\n[[accepted]]\nrule = "max-length-decreased"\npointer = "/properties/name/maxLength"\n'
        'contract = "user"\nreason = "publishers send less"\nexpires = 2999-01-01\n'
    )
    out = run("check")
    assert "accepted  max-length-decreased" in out
    assert "publishers send less" in out
    config.write_text(config.read_text().replace("2999", "2001"))
    assert refused("check")[0] == 1
    config.write_text("mood = 1")
    code, error, _ = refused("check")
    assert code == 2
    assert "unknown key 'mood'; did you mean 'mode'?" in error


def test_json_has_locations_and_witnesses(tree):
    _, _, out = refused(*compare(tree / "user/1.0.0.json", tree / "user/1.2.0.json", "--format", "json"))
    [step] = json.loads(out)["steps"]
    [change] = step["changes"]
    assert step["verdict"] == "breaking"
    assert change["newPointer"] == "/properties/name/maxLength"
    assert len(change["witness"]["instance"]["name"]) == 11


def test_github_annotations_are_on_the_changed_line(tree):
    _, _, out = refused("check", tree, "--format", "github")
    path = tree / "user/1.2.0.json"
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if "maxLength" in text)
    assert f"::error file={path},line={line},title=max-length-decreased::maxLength 20 became maxLength 10%0A" in out
    assert "title=version::requires version 2.0.0" in out


def test_junit_has_a_case_for_each_step(tree):
    _, _, out = refused("check", tree, "--format", "junit")
    suite = ElementTree.fromstring(out).find("testsuite")
    assert suite.get("tests") == "4"
    assert suite.get("failures") == "1"
    [failure] = suite.iter("failure")
    assert failure.get("message") == "requires version 2.0.0, but 1.2.0 is proposed"


def test_sarif_names_rules_and_regions(tree, tmp_path):
    refused("check", tree, "--format", "sarif", "--output", tmp_path / "report.sarif")
    log = json.loads((tmp_path / "report.sarif").read_text())
    run_ = log["runs"][0]
    assert log["version"] == "2.1.0"
    assert {rule["id"] for rule in run_["tool"]["driver"]["rules"]} == all_rules().keys()
    for result in run_["results"]:
        assert run_["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")


def test_markdown_can_be_posted_as_a_comment(tree):
    _, _, out = refused("check", tree, "--format", "markdown")
    assert (
        "## user 1.1.0 to 1.2.0\n\n**Breaking**, requires version 2.0.0, but 1.2.0 is proposed.\n\n### Breaking" in out
    )


def test_a_changelog_in_both_forms(tree):
    out = run("changelog", tree, "--contract", "user")
    assert out.index("## user 1.2.0") < out.index("## user 1.1.0")
    assert "### Added\n\n- Optional property 'note' was added at `/properties/note`" in out
    assert "this was valid and is now rejected" in out
    chapters = json.loads(run("changelog", tree, "--contract", "user", "--format", "json"))
    assert list(chapters[0]["sections"]) == ["Breaking", "Changed"]
    pair = ["--current", tree / "user/1.0.0.json", "--proposed", tree / "user/1.1.0.json"]
    assert "## 1.1.0" in run("changelog", *pair, *versions("1.0.0", "1.1.0"))
    assert refused("changelog", tree, "--contract", "missing")[0] == 2
    assert refused("changelog", "--current", tree / "user/1.0.0.json")[0] == 2


def test_rules_are_listed_and_explained():
    assert {line.split()[0] for line in run("rules").splitlines()} == all_rules().keys()
    assert len(json.loads(run("rules", "--format", "json"))) == len(all_rules())
    explained = run("explain", "max-length-decreased")
    assert "Before:" in explained
    assert '"maxLength": 2' in explained
    assert "components made for the old version" in run("explain", "wit-import-removed")
    assert refused("explain", "no-such-rule")[0] == 2


def test_a_schema_and_wit_of_one_bundle_are_compared(tmp_path):
    schema = write(tmp_path / "order.json", {"title": "Order", "properties": {"id": {"type": "string"}}})
    wit = write(tmp_path / "order.wit", "package demo:shop;\ninterface i { record order { id: u32 } }\n")
    pair = ["bundle", "--json-schema", schema, "--wit", wit]
    assert "warning   bundle-type-differs" in run(*pair)
    write(tmp_path / ".contracts-lint.toml", '[levels]\nbundle-type-differs = "error"\n')
    assert refused(*pair)[0] == 1


def test_dialects_of_the_configuration_are_read(tmp_path):
    own = "http://example.com/self-desc#"
    former = write(tmp_path / "a.json", {"$schema": own, "minimum": 0, "exclusiveMinimum": False})
    latter = write(tmp_path / "b.json", {"$schema": own, "minimum": 0, "exclusiveMinimum": True})
    assert refused(*compare(former, latter))[0] == 2
    config = write(tmp_path / "lint.toml", f'[dialects]\n"{own}" = "draft-04"\n')
    code, _, out = refused(*compare(former, latter, "--config", config))
    assert (code, "exclusiveMinimum 0" in out) == (1, True)


def test_a_schema_that_repairs_an_invalid_one_passes_where_the_configuration_says_so(tmp_path):
    invalid, valid = write(tmp_path / "a.json", {"type": "strng"}), write(tmp_path / "b.json", {"type": "string"})
    code, message, _ = refused(*compare(invalid, valid))
    assert (code, "strng" in message) == (2, True)
    config = write(tmp_path / "lint.toml", 'invalid-old = "pass"\n')
    out = run(*compare(invalid, valid, "--config", config))
    assert "compatible" in out
    assert 'the old schema is invalid: "strng" is not a type' in out
    for former, latter in ((valid, invalid), (invalid, invalid), (write(tmp_path / "c.json", "{"), valid)):
        assert refused(*compare(former, latter, "--config", config))[0] == 2
