from django.apps import AppConfig

from alerts import kinds
from ingestion.alerting.kinds import KINDS


class IngestionConfig(AppConfig):
    name = "ingestion"

    def ready(self) -> None:
        """Say what the accounting team is told of the intake, and who carries out waivers."""
        from ingestion.desk import waiving  # noqa: PLC0415 - has tables, which are known by now

        kinds.add(KINDS)
        waiving.register()
