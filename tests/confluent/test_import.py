"""`import_confluent`: another registry's schemas with their ids, from its API, a list and its topic."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from tests.confluent.conftest import NAME_ONLY

CLOSED = NAME_ONLY | {"additionalProperties": False}
PRETTY = json.dumps(CLOSED, indent=2)
REFERRING = json.dumps({"properties": {"by": {"$ref": "person.json"}}})


def schema(subject: str, version: int, id_: int, text: str, **more):
    return {"subject": subject, "version": version, "id": id_, "schemaType": "JSON", "schema": text} | more


ITEMS = [
    schema("order", 1, 7, REFERRING, references=[{"name": "person.json", "subject": "person", "version": 2}]),
    schema("person", 2, 5, PRETTY),
    schema("person", 1, 9, '{"type":"string"}', deleted=True),
    schema(":.staging:person", 1, 5, '{"type":"null"}'),
    {"config": "FULL"},
    {"config": {"compatibilityLevel": "NONE", "normalize": True}, "subject": "order"},
    {"mode": "READONLY", "subject": "person"},
]


def run(source, *arguments: str) -> tuple[str, str, int]:
    """Return standard output, standard error and the exit code."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("import_confluent", str(source), *arguments, stdout=out, stderr=err)
    except CommandError as error:
        return out.getvalue(), f"{err.getvalue()}{error}", error.returncode
    return out.getvalue(), err.getvalue(), 0


@pytest.fixture
def file(tmp_path):
    def write(items, *, lines: bool = False):
        path = tmp_path / "export"
        path.write_text("\n".join(map(json.dumps, items)) if lines else json.dumps(items))
        return path

    return write


@pytest.mark.parametrize("lines", [False, True])
def test_a_list_is_imported_with_ids_numbers_levels_and_deletions(confluent, file, lines):
    path = file(ITEMS, lines=lines)
    assert run(path, "--dry-run") == ("Would be: 4 imported, 1 modes, 2 settings\n", "", 0)
    assert confluent.get("/subjects") == (200, [])
    assert run(path) == ("4 imported, 1 modes, 2 settings\n", "", 0)
    assert confluent.get("/subjects") == (200, [":.staging:person", "order", "person"])
    assert confluent.get("/subjects/person/versions") == (200, [2])
    assert confluent.get("/subjects/person/versions?deleted=true") == (200, [1, 2])
    assert confluent.get("/schemas/ids/5")[1]["schema"] == PRETTY, "the text is what it was there"
    assert confluent.get("/schemas/ids/7")[1]["references"] == ITEMS[0]["references"]
    assert confluent.get("/schemas/ids/9")[1]["schema"] == '{"type":"string"}'
    assert confluent.get("/contexts/.staging/schemas/ids/5")[1]["schema"] == '{"type":"null"}'
    assert confluent.get("/config/order")[1] == {"compatibilityLevel": "NONE", "normalize": True}
    assert confluent.get("/mode/person")[1] == {"mode": "READONLY"}
    assert run(path)[0] == "1 modes, 2 settings, 4 unchanged\n", "once more"
    assert confluent.registered("new", {"type": "integer"}) == 10, "ids go on after the greatest"


def test_a_topic_is_what_its_records_amount_to(confluent, tmp_path):
    def key(subject, version):
        return {"keytype": "SCHEMA", "subject": subject, "version": version, "magic": 1}

    records = [
        (key("a", 1), schema("a", 1, 1, PRETTY)),
        (key("a", 2), schema("a", 2, 2, '{"type":"string"}')),
        (key("b", 1), schema("b", 1, 3, "{}")),
        (key("b", 1), None),
        ({"keytype": "DELETE_SUBJECT", "subject": "a", "magic": 0}, {"subject": "a", "version": 1}),
        ({"keytype": "CONFIG", "subject": None, "magic": 0}, {"compatibilityLevel": "FORWARD"}),
        ({"keytype": "NOOP", "magic": 0}, None),
    ]
    path = tmp_path / "topic"
    path.write_text("".join(f"{json.dumps(each)}\t{json.dumps(value)}\n" for each, value in records))
    assert run(path) == ("2 imported, 1 settings\n", "", 0)
    assert confluent.get("/subjects/a/versions") == (200, [2])
    assert confluent.get("/subjects?deleted=true") == (200, ["a"])
    assert confluent.get("/config")[1]["compatibilityLevel"] == "FORWARD"


def test_what_cannot_be_carried_over_is_said(confluent, file):
    confluent.registered("taken", CLOSED)
    items = [
        {"subject": "avro", "version": 1, "id": 20, "schema": '{"type":"string"}'},
        schema("invalid", 1, 21, '{"type":"text"}'),
        schema("taken", 1, 22, '{"type":"string"}'),
        schema("other", 1, 1, '{"type":"string"}'),
        schema("referring", 1, 23, "{}", references=[{"name": "a", "subject": "missing", "version": 1}]),
        schema("good", 1, 24, "{}"),
        {"config": "SOMETIMES"},
    ]
    out, err, code = run(file(items))
    assert (out, code) == ("1 imported\n", 1)
    for part in (
        "avro version 1: Invalid schema type",
        "invalid version 1: jsonSchema is not a valid JSON Schema",
        "taken version 1: Version 1 of taken is another schema already",
        "other version 1: Overwrite new schema with id 1 is not permitted",
        "referring version 1: Invalid schema: No schema reference found for subject missing",
        "the settings of all: Invalid compatibility level",
        "6 could not be carried over",
    ):
        assert part in err, err
    assert confluent.get("/subjects")[1] == ["good", "taken"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[1]", "item 1 is not a JSON object"),
        ("[{}]", "has neither schema, config nor mode"),
        ("[", "is not JSON"),
        ('{"schema"', "line 1 is not JSON"),
        ("1\t2", "neither the key nor the value"),
    ],
)
def test_a_file_that_is_no_export_is_refused(registry, tmp_path, text, reason):
    path = tmp_path / "export"
    path.write_text(text)
    out, err, code = run(path)
    assert (out, code) == ("", 2)
    assert reason in err
    assert run(tmp_path / "missing")[2] == 2
    assert run("http://127.0.0.1:9")[2] == 2


@pytest.mark.django_db
def test_a_running_registry_is_imported(confluent, url, file):
    """From one served registry into another bucket: every id answers the same."""
    import httpx

    with httpx.Client(base_url=url, auth=("kafka", "a secret")) as other:
        for number in range(3):
            body = {"schemaType": "JSON", "schema": json.dumps({"const": number})}
            other.put("/config/source-value", json={"compatibility": "NONE"})
            assert other.post("/subjects/source-value/versions", json=body).status_code == 200
        assert other.delete("/subjects/source-value/versions/2").json() == 2
        out, err, code = run(url, "--user", "kafka:a secret")
        assert (err, code) == ("", 0), out
        for version in (1, 2, 3):
            there = other.get(f"/subjects/source-value/versions/{version}?deleted=true").json()
            here = confluent.get(f"/subjects/source-value/versions/{version}?deleted=true")[1]
            assert {**here, "metadata": None} == {**there, "metadata": None}
            path = f"/schemas/ids/{there['id']}"
            assert confluent.get(path)[1] == other.get(path).json()
        other.delete("/subjects/source-value")
        other.delete("/subjects/source-value?permanent=true")
