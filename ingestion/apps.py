from django.apps import AppConfig

from alerts import kinds
from ingestion.alerting.kinds import KINDS


class IngestionConfig(AppConfig):
    name = "ingestion"

    def ready(self) -> None:
        """Say what the accounting team is told of the intake."""
        kinds.add(KINDS)
