from django.urls import path

from contracts_app.api.views import ContractViewSet

urlpatterns = [
    path("registry/contracts", ContractViewSet.as_view({"get": "list", "post": "create"})),
    path("registry/contracts/<str:name>/<str:version>", ContractViewSet.as_view({"get": "retrieve"})),
]
