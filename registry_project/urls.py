from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.defaults import server_error as error_page
from django.views.generic import RedirectView

from contracts_app.api.errors import server_error
from contracts_app.api.urls import urlpatterns as api
from contracts_app.serving import health

urlpatterns = [
    *(path(route.lstrip("/"), health.view(content)) for route, content in health.ROUTES.items()),
    *api,
    path("confluent/", include("confluent_app.urls")),
    path("", include("oci_app.urls")),
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", include((admin.site.urls[0], "admin"), namespace=admin.site.name)),
]
handler400 = "contracts_app.api.errors.bad_request"
handler404 = "contracts_app.api.errors.not_found"


def handler500(request: HttpRequest) -> HttpResponse:
    """Respond with a page under /admin/, otherwise in the API's form."""
    if request.path_info.startswith("/admin/"):
        return error_page(request, "console/500.html")
    return server_error(request)
