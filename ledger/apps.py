from django.apps import AppConfig

from alerts import kinds

_ACCESS = kinds.Kind(
    "Who may see what does not agree: a grant, membership or policy was changed past the others",
    "The nightly check wrote down what differs; the administrator gives the membership again, or "
    "asks whoever runs the database.",
    "people",
    audience=kinds.ADMINISTERING,
)


class LedgerConfig(AppConfig):
    name = "ledger"

    def ready(self) -> None:
        """Say what the nightly checks tell of."""
        kinds.add({"access": _ACCESS})
