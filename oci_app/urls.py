"""The routes of the OCI API. Names of repositories have slashes."""

from __future__ import annotations

from typing import Any

from django.urls import path, re_path

from oci_app.views import OCIViewSet, wasm_packages

_NAME = "^v2/(?P<name>[^?]+)"
_EVERY_METHOD: dict[str, Any] = dict.fromkeys(("get", "head", "post", "put", "patch", "delete"), "nothing")


def _route(rest: str, **actions: Any) -> Any:
    return re_path(f"{_NAME}/{rest}$", OCIViewSet.as_view(actions))


urlpatterns = [
    path(".well-known/wasm-pkg/registry.json", wasm_packages),
    path("v2/", OCIViewSet.as_view({"get": "base"})),
    path("v2/_catalog", OCIViewSet.as_view({"get": "catalog"})),
    _route("tags/list", get="tags"),
    _route("manifests/(?P<reference>[^/]+)", get="manifest", put="put_manifest"),
    _route("blobs/uploads/", post="begin"),
    _route("blobs/uploads/(?P<upload>[^/]+)", get="status", patch="append", put="finish"),
    _route("blobs/(?P<digest>[^/]+)", get="blob"),
    _route("referrers/(?P<digest>[^/]+)", get="referrers"),
    re_path("^v2/.*$", OCIViewSet.as_view(_EVERY_METHOD)),
]
