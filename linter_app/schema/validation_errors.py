"""Messages of validation errors, in a readable length."""

from __future__ import annotations

import json
from typing import Any

from linter_app.schema.json_types import type_of

MAX_REASON_CHARACTERS = 300


def short_reason(error: Any, max_characters: int = MAX_REASON_CHARACTERS) -> str:
    """Return the message of an error, with a large value replaced by its type, and cut at `max_characters`."""
    text = str(error.message)
    if len(text) > max_characters:
        value = json.dumps(error.instance, ensure_ascii=False, separators=(",", ":"))
        text = text.replace(value, f"this {type_of(error.instance)}", 1)
    return text if len(text) <= max_characters else text[: max_characters - 3] + "..."
