"""The routes of the Confluent API, below `/confluent` and below `/confluent/contexts/<context>`."""

from __future__ import annotations

from typing import Any

from django.urls import include, path, re_path

from confluent_app.api.schemas import SchemaViewSet
from confluent_app.api.settings import CompatibilityViewSet, ConfigViewSet, ContextViewSet, ModeViewSet
from confluent_app.api.subjects import SubjectViewSet
from confluent_app.api.views import OtherViewSet


def _settings(name: str, viewset: type[ConfigViewSet]) -> list[Any]:
    view = viewset.as_view({"get": "get", "put": "put", "delete": "delete"})
    return [path(name, view), path(f"{name}/<path:subject>", view)]


_subject = "subjects/<path:subject>"
_version = f"{_subject}/versions/<str:version>"
_within_context = [
    path("schemas", SchemaViewSet.as_view({"get": "every"})),
    path("schemas/types", SchemaViewSet.as_view({"get": "types"})),
    path("schemas/ids/<str:id>", SchemaViewSet.as_view({"get": "get"})),
    path("schemas/ids/<str:id>/schema", SchemaViewSet.as_view({"get": "text"})),
    path("schemas/ids/<str:id>/subjects", SchemaViewSet.as_view({"get": "subjects"})),
    path("schemas/ids/<str:id>/versions", SchemaViewSet.as_view({"get": "versions"})),
    path("schemas/guids/<str:guid>", SchemaViewSet.as_view({"get": "guid"})),
    path("schemas/guids/<str:guid>/ids", SchemaViewSet.as_view({"get": "guid_ids"})),
    path("subjects", SubjectViewSet.as_view({"get": "every"})),
    path(f"{_subject}/metadata", SubjectViewSet.as_view({"get": "metadata"})),
    path(f"{_subject}/versions", SubjectViewSet.as_view({"get": "versions", "post": "register"})),
    path(f"{_version}/schema", SubjectViewSet.as_view({"get": "text"})),
    path(f"{_version}/referencedby", SubjectViewSet.as_view({"get": "referenced_by"})),
    path(_version, SubjectViewSet.as_view({"get": "version", "delete": "delete_version"})),
    path(_subject, SubjectViewSet.as_view({"post": "lookup", "delete": "delete"})),
    path(f"compatibility/{_subject}/versions", CompatibilityViewSet.as_view({"post": "check"})),
    path(f"compatibility/{_version}", CompatibilityViewSet.as_view({"post": "check"})),
    *_settings("config", ConfigViewSet),
    *_settings("mode", ModeViewSet),
]
_EXPORTERS: dict[str, Any] = dict.fromkeys(("get", "post", "put", "delete"), "exporters")
_EVERY_METHOD: dict[str, Any] = dict.fromkeys(("get", "post", "put", "delete", "patch"), "nothing")
urlpatterns = [
    path("", OtherViewSet.as_view({"get": "root"})),
    *_within_context,
    path("contexts", ContextViewSet.as_view({"get": "list"})),
    path("contexts/<str:context>/", include(_within_context)),
    re_path("^associations(?P<rest>/.*)?$", OtherViewSet.as_view({"get": "associations"})),
    re_path(
        "^(?:contexts/[^/]+/)?exporters(?P<rest>/.*)?$",
        OtherViewSet.as_view(_EXPORTERS),
    ),
    path("v1/metadata/id", OtherViewSet.as_view({"get": "cluster_id"})),
    path("v1/metadata/version", OtherViewSet.as_view({"get": "version"})),
    re_path("^(?P<rest>.*)$", OtherViewSet.as_view(_EVERY_METHOD)),
]
