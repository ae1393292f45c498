"""Generated code, by well-known generators in pinned versions, from the files of the lockfile alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from contract_registry_client.lockfile import LockError, Manifest
from contract_registry_client.plain_schemas import module_name, plain_schema
from contract_registry_client.projects import SCHEMA, WIT, folder_of, verify

MAX_SECONDS = 600
DATAMODEL_CODEGEN, JSON_SCHEMA_TO_TYPESCRIPT = "0.89.0", "16.0.0"
GO_JSONSCHEMA, TYPIFY, WIT_BINDGEN = "v0.24.1", "0.8.0", "0.63.0"


@dataclass(frozen=True)
class Language:
    """How to generate code in one language."""

    source: str
    """The file of a contract that it is made from."""
    suffix: str
    command: Callable[[Path, Path], list[str]]
    """Returns the command for a source and a target."""
    source_suffix: str = ".json"
    own_folder: bool = False
    """Whether each contract is a package of its own, so that names cannot collide."""


def _python(source: Path, target: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "datamodel_code_generator", "--input", str(source), "--output", str(target)),
        *("--input-file-type", "jsonschema", "--output-model-type", "pydantic_v2.BaseModel", "--disable-timestamp"),
        *("--target-python-version", "3.11", "--use-annotated", "--formatters", "builtin"),
        *("--class-name", _class_name(target.stem)),
    ]


def _typescript(source: Path, target: Path) -> list[str]:
    package = f"json-schema-to-typescript@{JSON_SCHEMA_TO_TYPESCRIPT}"
    return ["npx", "--yes", "--package", package, "json2ts", "--input", str(source), "--output", str(target)]


def _go(source: Path, target: Path) -> list[str]:
    package = f"github.com/atombender/go-jsonschema@{GO_JSONSCHEMA}"
    return ["go", "run", package, "--package", target.stem, "--output", str(target), str(source)]


def _rust(source: Path, target: Path) -> list[str]:
    return ["cargo", "typify", "--output", str(target), str(source)]


def _wit(source: Path, target: Path) -> list[str]:
    return ["wit-bindgen", "rust", "--out-dir", str(target.parent), str(source)]


LANGUAGES = {
    "python": Language(SCHEMA, ".py", _python),
    "typescript": Language(SCHEMA, ".ts", _typescript),
    "go": Language(SCHEMA, ".go", _go, source_suffix="", own_folder=True),
    "rust": Language(SCHEMA, ".rs", _rust),
    "wit": Language(WIT, ".rs", _wit, source_suffix=".wit", own_folder=True),
}
REMEDIES = {
    "python": f"pip install datamodel-code-generator=={DATAMODEL_CODEGEN}",
    "typescript": "install Node.js with npx",
    "go": "install Go",
    "rust": f"cargo install cargo-typify --version {TYPIFY} --locked",
    "wit": f"cargo install wit-bindgen-cli --version {WIT_BINDGEN} --locked",
}


def generate(manifest: Manifest, language: str, output: Path) -> list[tuple[str, str]]:
    """Write code for each locked contract of contracts.toml; return the contracts with the error of each, or "".

    The files are verified first; no registry is needed. Raises LockError.
    """
    how = LANGUAGES[language]
    results: list[tuple[str, str]] = []
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for locked in verify(manifest):
            if not locked.range or how.source not in locked.files:
                continue
            # Generators name types after files.
            module = module_name(locked.name)
            source = Path(folder) / f"{module}{how.source_suffix}"
            text = (folder_of(manifest, locked) / how.source).read_text(encoding="utf-8")
            if how.source == SCHEMA:
                text = json.dumps(plain_schema(json.loads(text)), ensure_ascii=False)
            source.write_text(text, encoding="utf-8")
            target = (output / module if how.own_folder else output) / f"{module}{how.suffix}"
            target.parent.mkdir(exist_ok=True)
            results.append((locked.name, _run(how.command(source, target), language)))
    if language == "python":
        (output / "__init__.py").touch()
    return results


def _run(command: list[str], language: str) -> str:
    """Return the error of a generator, empty if there is none. Raises LockError if it is not installed."""
    if shutil.which(command[0]) is None:
        raise LockError(f"{command[0]} is not installed: {REMEDIES[language]}")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=MAX_SECONDS, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return f"the generator did not finish within {MAX_SECONDS} seconds"
    if done.returncode == 0:
        return ""
    message = (done.stderr or done.stdout).strip()
    if "No module named datamodel_code_generator" in message or "no such command" in message:
        raise LockError(f"The generator for {language} is not installed: {REMEDIES[language]}")
    return message[-2000:] or f"status {done.returncode}"


def _class_name(module: str) -> str:
    return "".join(part.capitalize() for part in module.split("_"))
