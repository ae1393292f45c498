"""Blobs and manifests of the OCI image specification."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from contracts_app.bundles import compact

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
EMPTY, EMPTY_CONFIG = b"{}", "application/vnd.oci.empty.v1+json"
"""The empty configuration, which clients need not upload, and its media type."""


@dataclass(frozen=True)
class Blob:
    data: bytes
    media_type: str

    @property
    def digest(self) -> str:
        return digest_of(self.data)

    def descriptor(self, **more: Any) -> dict[str, Any]:
        """Return the descriptor by which a manifest refers to it."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.data), **more}


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def manifest_text(config: Blob, layers: list[dict[str, Any]], **more: Any) -> str:
    """Return the text of a manifest (https://github.com/opencontainers/image-spec/blob/main/manifest.md)."""
    members = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config.descriptor(), "layers": layers, **more}
    return compact(members).decode()
