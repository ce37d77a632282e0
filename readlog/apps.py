from django.apps import AppConfig

from alerts import kinds
from readlog.told import KINDS


class ReadlogConfig(AppConfig):
    name = "readlog"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Say what administrators are told."""
        kinds.add(KINDS)
