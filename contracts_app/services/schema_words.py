"""The words that an editor completes in a JSON Schema: keywords by dialect, types, formats and the dialects."""

from __future__ import annotations

from functools import cache
from typing import Any

from linter_app.schema.dialects import URIS
from linter_app.schema.formats import FORMATS
from linter_app.schema.json_types import ALL_TYPES
from linter_app.schema.vocabulary import TABLE


@cache
def schema_words() -> dict[str, Any]:
    """Return the words as data: `keywords` by a draft's name as in its URI, `types`, `formats` and `dialects`."""
    return {
        "keywords": {
            _name(uri): sorted(each.name for each in TABLE if each.since <= draft <= each.until)
            for draft, uri in URIS.items()
        },
        "types": sorted(ALL_TYPES),
        "formats": sorted(FORMATS),
        "dialects": sorted(URIS.values(), reverse=True),
    }


def _name(uri: str) -> str:
    """Return the part of a meta-schema's URI that names the draft."""
    return next(part for part in uri.split("/") if part.startswith(("draft-0", "20")))
