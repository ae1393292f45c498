from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from contracts_app import health
from contracts_app.api.urls import urlpatterns as api

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    *api,
    path("", RedirectView.as_view(url="/admin/")),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("admin/", include((admin.site.urls[0], "admin"), namespace=admin.site.name)),
]
handler400 = "contracts_app.api.errors.bad_request"
handler404 = "contracts_app.api.errors.not_found"
handler500 = "contracts_app.api.errors.server_error"
