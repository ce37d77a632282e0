from django.apps import AppConfig

from access import context
from alerts import kinds
from readlog.told import KINDS


class ReadlogConfig(AppConfig):
    name = "readlog"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Say what administrators are told, and how a refused context is kept."""
        from readlog.refusals import keep_of_worker  # noqa: PLC0415 - models are there only now

        kinds.add(KINDS)
        context.told_of_refusals.append(keep_of_worker)
