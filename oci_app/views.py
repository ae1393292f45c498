"""`/v2/` of the OCI distribution specification, and what `wkg` reads to find it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet

from contracts_app.api.auth.scopes import READ, WRITE, require, scopes_of
from contracts_app.api.errors import safe_methods_only
from contracts_app.api.requests import actor_of, read_body
from contracts_app.bundles import compact
from contracts_app.exceptions import MalformedContract
from contracts_app.lifecycle import DRAFT, WITHDRAWN
from contracts_app.read_counts import read_counts
from contracts_app.services.search import LATEST, latest
from contracts_app.storage import Entry, contract_store
from linter_app.schema.json_text import loads
from oci_app.artifacts import Artifact, artifact_of
from oci_app.errors import OCIError, exception_handler
from oci_app.manifests import INDEX, Blob
from oci_app.pushes import append, begin_upload, finish, keep_blob, push_manifest, push_signature, uploaded
from oci_app.repositories import contract_of, repository_of

MAX_PAGE_ITEMS = 1000


class OCIViewSet(ViewSet):
    permission_classes: tuple[Any, ...] = ()

    def get_exception_handler(self) -> Callable[..., HttpResponse | None]:
        return exception_handler

    def base(self, request: Request) -> HttpResponse:
        return _json({}, headers={"Docker-Distribution-API-Version": "registry/2.0"})

    def catalog(self, request: Request) -> HttpResponse:
        index = contract_store().index()
        names = [
            each
            for each in index.names_from("")
            if scopes_of(request).allows(READ, each) and _published(index.versions(each))
        ]
        return _page(request, "repositories", sorted(map(repository_of, names)))

    def tags(self, request: Request, name: str) -> HttpResponse:
        contract = _contract(request, name, READ)
        tags = [each.version for each in _published(contract_store().index(contract).versions(contract))]
        if not tags:
            raise OCIError("NAME_UNKNOWN", f"There is no repository {name[:200]}")
        return _page(request, "tags", sorted(tags), name=name)

    def manifest(self, request: Request, name: str, reference: str) -> HttpResponse:
        contract = _contract(request, name, READ)
        if ":" in reference:
            return _respond(request, _manifest_with(contract, reference))
        return _respond(request, _tagged(contract, name, reference).manifest)

    def blob(self, request: Request, name: str, digest: str) -> HttpResponse:
        contract = _contract(request, name, READ)
        found = next(
            (each for artifact in _artifacts(contract) for each in artifact.blobs() if each.digest == digest), None
        )
        if found is None:
            data = uploaded(contract_store(), digest) if scopes_of(request).allows(WRITE, contract) else None
            if data is None:
                raise OCIError("BLOB_UNKNOWN", f"{name[:200]} has no blob {digest[:100]}")
            found = Blob(data, "application/octet-stream")
        return _respond(request, found, media_type="application/octet-stream")

    def referrers(self, request: Request, name: str, digest: str) -> HttpResponse:
        contract = _contract(request, name, READ)
        wanted = request.GET.get("artifactType")
        found = []
        for artifact in _artifacts(contract):
            _, *others = artifact.manifests()
            found += [_referrer(each) for each in others if loads(each.data)["subject"]["digest"] == digest]
        chosen = [each for each in found if wanted in (None, each["artifactType"])]
        response = _json({"schemaVersion": 2, "mediaType": INDEX, "manifests": chosen}, INDEX)
        if wanted is not None:
            response["OCI-Filters-Applied"] = "artifactType"
        return response

    # Pushing

    def begin(self, request: Request, name: str) -> HttpResponse:
        contract = _contract(request, name, WRITE)
        if digest := request.GET.get("digest"):
            keep_blob(contract_store(), read_body(request, "a blob"), digest)
            return _created(name, f"blobs/{digest}", digest)
        if digest := request.GET.get("mount"):
            # From wherever it is: a blob that this repository has, or that was uploaded, need not come again.
            known = any(each.digest == digest for artifact in _artifacts(contract) for each in artifact.blobs())
            if known:
                return _created(name, f"blobs/{digest}", digest)
        return _upload(name, begin_upload(), 0)

    def append(self, request: Request, name: str, upload: str) -> HttpResponse:
        _contract(request, name, WRITE)
        upload, size = append(contract_store(), upload, _optional_body(request), settings.CONTRACT_MAX_BYTES)
        return _upload(name, upload, size)

    def finish(self, request: Request, name: str, upload: str) -> HttpResponse:
        _contract(request, name, WRITE)
        digest = request.GET.get("digest")
        if not digest:
            raise OCIError("DIGEST_INVALID", "The query parameter digest is missing")
        store = contract_store()
        upload, _ = append(store, upload, _optional_body(request), settings.CONTRACT_MAX_BYTES)
        finish(store, upload, digest)
        return _created(name, f"blobs/{digest}", digest)

    def status(self, request: Request, name: str, upload: str) -> HttpResponse:
        _contract(request, name, WRITE)
        response = _upload(name, upload, int(upload.rpartition("-")[2] if upload.rpartition("-")[2].isdigit() else 0))
        response.status_code = 204
        return response

    def put_manifest(self, request: Request, name: str, reference: str) -> HttpResponse:
        contract = _contract(request, name, WRITE)
        body, actor = read_body(request, "a manifest"), actor_of(request)
        if ":" in reference:
            digest, subject = push_signature(contract_store(), _artifacts(contract), reference, body, actor)
            response = _created(name, f"manifests/{digest}", digest)
            response["OCI-Subject"] = subject
            return response
        artifact = push_manifest(contract_store(), contract, reference, body, actor)
        return _created(name, f"manifests/{reference}", artifact.manifest.digest)

    def nothing(self, request: Request, **path: str) -> HttpResponse:
        raise OCIError("NAME_UNKNOWN", "There is no such path below /v2/")


@safe_methods_only
def wasm_packages(request: HttpRequest) -> HttpResponse:
    """Say to `wkg` that WIT packages are at this host, without any prefix."""
    members = {"preferredProtocol": "oci", "oci": {"registry": request.get_host(), "namespacePrefix": ""}}
    return _json(members)


def _contract(request: Request, name: str, scope: str) -> str:
    """Return the contract of a repository. Raises OCIError, and PermissionDenied without the scope for it."""
    contract = contract_of(name)
    if contract is None:
        require(request, scope)
        raise OCIError("NAME_UNKNOWN", f"There is no repository {name[:200]}")
    require(request, scope, contract)
    return contract


def _published(entries: tuple[Entry, ...]) -> list[Entry]:
    return [each for each in entries if each.state not in (DRAFT, WITHDRAWN)]


def _artifacts(contract: str) -> Iterator[Artifact]:
    """Yield the artifacts of all versions, the newest first; also of withdrawn ones, which lockfiles name by digest."""
    store = contract_store()
    index = store.index(contract)
    for entry in reversed(index.versions(contract)):
        if entry.state != DRAFT:
            yield artifact_of(store, store.content(entry, index))


def _tagged(contract: str, name: str, tag: str) -> Artifact:
    store = contract_store()
    index = store.index(contract)
    entries = index.versions(contract)
    found = latest(entries) if tag == LATEST else None
    if found is None:
        found = next((each for each in _published(entries) if each.version == tag), None)
    if found is None:
        state = next((each.state for each in entries if each.version == tag), "unknown")
        raise OCIError("MANIFEST_UNKNOWN", f"{name[:200]} has no version {tag[:100]} to pull: it is {state}")
    read_counts.add(found.name, found.version)
    return artifact_of(store, store.content(found, index))


def _manifest_with(contract: str, digest: str) -> Blob:
    for artifact in _artifacts(contract):
        for each in artifact.manifests():
            if each.digest == digest:
                return each
    raise OCIError("MANIFEST_UNKNOWN", f"There is no manifest {digest[:100]}")


def _referrer(manifest: Blob) -> dict[str, Any]:
    members = loads(manifest.data)
    return manifest.descriptor(artifactType=members["artifactType"], annotations=members.get("annotations", {}))


def _respond(request: Request, blob: Blob, media_type: str = "") -> HttpResponse:
    response = HttpResponse(blob.data, content_type=media_type or blob.media_type)
    response["Docker-Content-Digest"] = blob.digest
    response["ETag"] = f'"{blob.digest}"'
    response["Cache-Control"] = "private, no-cache"
    return response


def _json(value: Any, media_type: str = "application/json", headers: dict[str, str] | None = None) -> HttpResponse:
    return HttpResponse(compact(value), content_type=media_type, headers=headers)


def _page(request: Request, member: str, items: list[str], **more: Any) -> HttpResponse:
    """Return a part of a list, by the parameters `n` and `last`."""
    limit, last = request.GET.get("n", ""), request.GET.get("last", "")
    if limit and not (limit.isascii() and limit.isdigit()):
        raise MalformedContract("The query parameter n must be a whole number")
    count = min(int(limit), MAX_PAGE_ITEMS) if limit else len(items)
    rest = [each for each in items if each > last]
    response = _json({**more, member: rest[:count]})
    if count and len(rest) > count:
        response["Link"] = f'<{request.path}?n={count}&last={quote(rest[count - 1], safe="")}>; rel="next"'
    return response


def _path(name: str, rest: str) -> str:
    return f"{settings.URL_PREFIX}/v2/{name}/{rest}"


def _upload(name: str, upload: str, size: int) -> HttpResponse:
    response = HttpResponse(status=202)
    response["Location"] = _path(name, f"blobs/uploads/{upload}")
    response["Range"] = f"0-{max(size - 1, 0)}"
    response["Docker-Upload-UUID"] = upload
    return response


def _created(name: str, rest: str, digest: str) -> HttpResponse:
    response = HttpResponse(status=201)
    response["Location"] = _path(name, rest)
    response["Docker-Content-Digest"] = digest
    return response


def _optional_body(request: Request) -> bytes:
    if request.META.get("CONTENT_LENGTH") in ("", "0", None) and not request.META.get("HTTP_TRANSFER_ENCODING"):
        return b""
    return read_body(request, "a part of a blob")
