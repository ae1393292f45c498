import json

from linter_app.schema.json_pointers import line_numbers, pointer

TEXT = """{
  "a": {"b": [1,
    {"c~/": "x, {\\"y\\": 1}"}
  ]},
  "d": []
}
"""


def test_every_pointer_leads_to_its_line():
    wanted = {"", "/a", "/a/b", "/a/b/0", "/a/b/1", "/a/b/1/c~0~1", "/d", "/nowhere"}
    assert line_numbers(TEXT, wanted) == {
        "": 1,
        "/a": 2,
        "/a/b": 2,
        "/a/b/0": 2,
        "/a/b/1": 3,
        "/a/b/1/c~0~1": 3,
        "/d": 5,
    }


def test_every_pointer_of_a_document_is_found():
    def places(value, path=()):
        yield pointer(path)
        children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, child in children:
            yield from places(child, (*path, key))

    value = {"x": [[], {}, {"y": [None, True, -1.5e3, "é\n"]}], "": {"/": {"~": []}}}
    for indent in (None, 2):
        assert line_numbers(json.dumps(value, indent=indent), set(places(value))).keys() == set(places(value))
