from django.apps import AppConfig


class ConfluentConfig(AppConfig):
    name = "confluent_app"
    verbose_name = "Confluent REST API"
