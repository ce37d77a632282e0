from django.apps import AppConfig

from alerts import kinds
from overrides.told import KINDS


class OverridesConfig(AppConfig):
    name = "overrides"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Say what those who sign are told, and which kinds are carried out here."""
        from overrides import kinds as carried  # noqa: PLC0415 - has tables, which are known by now

        kinds.add(KINDS)
        carried.register()
