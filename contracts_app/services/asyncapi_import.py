"""Reading an AsyncAPI 3 document: the contracts and the bindings that its channels amount to.

https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from contracts_app.bindings import Binding, check_binding
from contracts_app.bundles import valid_name
from contracts_app.exceptions import MalformedContract
from linter_app.schema.json_pointers import tokens_of
from linter_app.schema.json_text import loads

JSON = dict[str, Any]
MAX_NODES = 200_000
"""Objects, arrays and values of one schema with all that it refers to."""
_FORMATS = {
    "draft-04": "http://json-schema.org/draft-04/schema#",
    "draft-06": "http://json-schema.org/draft-06/schema#",
    "draft-07": "http://json-schema.org/draft-07/schema#",
    "2019-09": "https://json-schema.org/draft/2019-09/schema",
    "2020-12": "https://json-schema.org/draft/2020-12/schema",
}
_PARAMETER = re.compile(r"\{[^{}]+\}")
REST = "rest"
"""The parameter that stands for the rest of a subject at its end."""


class InvalidDocument(ValueError):
    """The document, or one of its channels, cannot be imported; the message says why."""


@dataclass(frozen=True)
class ImportedChannel:
    """A channel as a binding, with the schema of its messages."""

    binding: Binding
    schema: JSON | bool | None
    """None if only the registry has it: the value is a part of the message, or an export could not carry it."""
    version: str | None
    """The version of the contract, and its digest, that an export of a registry names."""
    digest: str | None
    description: str | None = None


class _Loader(yaml.SafeLoader):
    """YAML as JSON has it: all keys are strings, there are no dates, and `on` or `no` is a text.

    The core schema of YAML 1.2 is meant, https://yaml.org/spec/1.2.2/#103-core-schema; PyYAML has that of 1.1.
    """

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":bool"))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        given = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(given) < len(node.value) or len(set(given)) < len(given):
            raise yaml.MarkedYAMLError(
                problem="a mapping has a key twice, or one that is no text", problem_mark=node.start_mark
            )
        self.flatten_mapping(node)
        return {key.value: self.construct_object(value, deep=deep) for key, value in node.value}


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), list("tTfF")
)


def parse_document(text: str) -> Any:
    """Return the value of a document in JSON or YAML. Raises InvalidDocument."""
    try:
        return loads(text) if text.lstrip().startswith("{") else yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidDocument(f"This is neither JSON nor YAML: {error}") from None


def read_channels(document: Any) -> Iterator[ImportedChannel | InvalidDocument]:
    """Yield each channel, or why it cannot be imported. Raises InvalidDocument."""
    if not isinstance(document, dict) or not str(document.get("asyncapi", "")).startswith("3."):
        raise InvalidDocument("This is not an AsyncAPI 3 document: asyncapi must be 3.x")
    channels = document.get("channels")
    if not isinstance(channels, dict):
        raise InvalidDocument("The document has no channels")
    for key, given in channels.items():
        try:
            yield _channel(document, str(key), given)
        except (InvalidDocument, MalformedContract) as error:
            yield InvalidDocument(f"channel {key!r:.100}: {getattr(error, 'message', error)}")


def _channel(document: JSON, key: str, given: Any) -> ImportedChannel:
    channel = _resolved(document, given)
    message = _message(document, channel)
    exported = channel.get("x-binding")
    contract = _contract(message)
    if isinstance(exported, dict):
        binding = check_binding(_name(key), exported)
    else:
        subject = _subject(channel.get("address"))
        binding = check_binding(_name(key), {"subject": subject, "contract": contract.get("name")})
    schema = None
    if binding.location == "body" and not (exported and "payload" not in message):
        schema = _schema(document, message)
    summary = message.get("summary") or message.get("title")
    return ImportedChannel(
        binding,
        schema,
        contract.get("version"),
        contract.get("digest"),
        summary if isinstance(summary, str) and summary != binding.contract else None,
    )


def _message(document: JSON, channel: JSON) -> JSON:
    messages = channel.get("messages")
    if not isinstance(messages, dict) or len(messages) != 1:
        count = len(messages) if isinstance(messages, dict) else 0
        raise InvalidDocument(f"it has {count} messages, and a subject is bound to one contract; split the channel")
    ((name, given),) = messages.items()
    message = _resolved(document, given)
    kind = message.get("contentType", document.get("defaultContentType", "application/json"))
    if not isinstance(kind, str) or not re.fullmatch(r"application/(?:[\w.+-]+\+)?json(?:;.*)?", kind):
        raise InvalidDocument(f"its messages are {kind!r:.80}, and not JSON")
    return {"name": name, **message}


def _contract(message: JSON) -> JSON:
    """Return the name of the contract and, if the document is an export of a registry, its version."""
    exported = message.get("x-contract")
    if isinstance(exported, dict) and valid_name(exported.get("name")):
        return {name: value for name, value in exported.items() if isinstance(value, str)}
    return {"name": _name(str(message["name"]))}


def _name(text: str) -> str:
    """Return a text as a name of a contract or a binding."""
    if valid_name(text):
        return text
    parts = (re.sub(r"[^A-Za-z0-9_-]+", "-", part).strip("-") for part in text.strip("/").split("."))
    name = ".".join(f"_{part}" if re.match(r"[0-9]|v[0-9]+\Z", part) else part for part in parts if part)
    if not valid_name(name):
        raise InvalidDocument(f"{text!r:.100} cannot be made a name")
    return name


def _subject(address: Any) -> str:
    """Return the subject pattern of an address; addresses with slashes are those of other protocols."""
    if not isinstance(address, str) or not address:
        raise InvalidDocument("it has no address")
    tokens = address.strip("/").replace("/", ".").split(".")
    shown = [_PARAMETER.sub("*", token) for token in tokens]
    if tokens[-1] == f"{{{REST}}}":
        shown[-1] = ">"
    if any("*" in token and token != "*" for token in shown):
        raise InvalidDocument(f"a parameter is only a part of a token in {address!r:.100}")
    return ".".join(shown)


def _schema(document: JSON, message: JSON) -> JSON | bool:
    """Return the payload's schema with all that it refers to, as a schema of its own."""
    if "payload" not in message:
        raise InvalidDocument("its message has no payload")
    payload = _resolved(document, message["payload"])
    dialect = None
    if isinstance(payload, dict) and "schemaFormat" in payload:
        wanted = str(payload["schemaFormat"])
        dialect = next((uri for name, uri in _FORMATS.items() if wanted.endswith(f"version={name}")), None)
        if dialect is None and not wanted.startswith("application/vnd.aai.asyncapi"):
            raise InvalidDocument(f"the format of its schema is {wanted!r:.80}, and not JSON Schema")
        payload = _resolved(document, payload.get("schema"))
    if not isinstance(payload, (dict, bool)):
        raise InvalidDocument("its payload is no schema")
    definitions: JSON = {}
    own: JSON | bool = _Extract(document, definitions).copied(payload)
    if isinstance(own, bool):
        return own
    keyword = "definitions" if dialect is None or "draft-0" in dialect else "$defs"
    if definitions:
        own = {**own, keyword: {**definitions, **own.get(keyword, {})}}
    # Schemas of AsyncAPI itself are those of draft 7.
    schema = {"$schema": dialect or _FORMATS["draft-07"], **{name: own[name] for name in own if name != "$schema"}}
    whole: JSON = _with_keyword(schema, keyword)
    return whole


def _with_keyword(value: Any, keyword: str) -> Any:
    """Return the schema with its references to the definitions under the keyword of its dialect."""
    if isinstance(value, dict):
        return {
            name: f"#/{keyword}/{member.removeprefix(_DEFINITIONS)}"
            if name == "$ref" and isinstance(member, str) and member.startswith(_DEFINITIONS)
            else _with_keyword(member, keyword)
            for name, member in value.items()
        }
    return [_with_keyword(each, keyword) for each in value] if isinstance(value, list) else value


_DEFINITIONS = "#definition:"


class _Extract:
    """Copies a part of a document, and collects what it refers to as definitions."""

    def __init__(self, document: JSON, definitions: JSON) -> None:
        self._document = document
        self._definitions = definitions
        self._names: dict[str, str] = {}
        self._left = MAX_NODES

    def copied(self, value: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise InvalidDocument(f"its schema has more than {MAX_NODES} parts")
        if isinstance(value, list):
            return [self.copied(each) for each in value]
        if not isinstance(value, dict):
            return value
        reference = value.get("$ref")
        if isinstance(reference, str):
            rest = {name: self.copied(member) for name, member in value.items() if name != "$ref"}
            return {"$ref": _DEFINITIONS + self._defined(reference), **rest}
        return {name: self.copied(member) for name, member in value.items()}

    def _defined(self, reference: str) -> str:
        """Return the name of the definition for what a reference leads to."""
        if reference in self._names:
            return self._names[reference]
        if not reference.startswith("#"):
            raise InvalidDocument(f"{reference!r:.100} leads out of the document; put it under components")
        target = _at(self._document, reference)
        if isinstance(target, dict) and "schemaFormat" in target:
            target = target.get("schema")
        words = [each for each in tokens_of(reference[1:]) if each not in ("components", "schemas", "schema")]
        base = name = re.sub(r"[^A-Za-z0-9_.-]+", "_", "_".join(words[-2:])) or "root"
        number = 2
        while name in self._definitions:
            name, number = f"{base}_{number}", number + 1
        self._names[reference] = name
        self._definitions[name] = True  # being copied
        self._definitions[name] = self.copied(target)
        return name


def _resolved(document: JSON, value: Any) -> Any:
    """Return what a value that may be a reference leads to. Raises InvalidDocument."""
    for _ in range(20):
        if not isinstance(value, dict) or not isinstance(value.get("$ref"), str):
            break
        value = _at(document, value["$ref"])
    if not isinstance(value, (dict, bool)):
        raise InvalidDocument("a part of it is not an object")
    return value


def _at(document: JSON, reference: str) -> Any:
    if not reference.startswith("#"):
        raise InvalidDocument(f"{reference!r:.100} leads out of the document; put it under components")
    value: Any = document
    for token in tokens_of(reference[1:]):
        if isinstance(value, dict) and token in value:
            value = value[token]
        elif isinstance(value, list) and token.isdecimal() and int(token) < len(value):
            value = value[int(token)]
        else:
            raise InvalidDocument(f"{reference!r:.100} leads to nothing")
    return value
