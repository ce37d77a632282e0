"""What administrators are told of those who are refused again and again. Pure."""

from typing import Final

from alerts import kinds
from alerts.kinds import Kind

REFUSED: Final = "attempts"
READING: Final = "reading"
KINDS: Final = {
    REFUSED: Kind(
        "Somebody is refused again and again",
        "Open Refused in prodacct to see what was tried.",
        "attempts",
        audience=kinds.ADMINISTERING,
    ),
    READING: Kind(
        "Somebody reads more than a person reads",
        "Open Refused in prodacct to see who, and end their place or ask them.",
        "attempts",
        audience=kinds.ADMINISTERING,
    ),
}
