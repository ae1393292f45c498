from django.apps import AppConfig


class LinterConfig(AppConfig):
    name = "linter_app"
