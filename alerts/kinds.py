"""What can be told: each app says at its start which kinds of alerts it raises, and in what words.

A kind is for one audience, named by the action its people may do. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

ACCOUNTING: Final = "import_files"
SIGNING: Final = "sign_overrides"
ADMINISTERING: Final = "manage_access"
AUDIENCES: Final = (ACCOUNTING, SIGNING, ADMINISTERING)


@dataclass(frozen=True, slots=True)
class Kind:
    """An alert in words: what happened, and where to see to it. `page` is the screen's name, which
    `is_numbered` where the source ends in its number, as in OVR-0042; '' where nothing of it is in
    prodacct. `quiet_seconds` pass between two messages."""

    what: str
    where: str
    page: str
    audience: str = ACCOUNTING
    quiet_seconds: int = 3_600
    is_numbered: bool = False


_KNOWN: dict[str, Kind] = {}


def add(kinds: Mapping[str, Kind]) -> None:
    """Say which kinds an app raises. Done once, as the app is loaded."""
    assert not _KNOWN.keys() & kinds.keys(), "a kind is one app's"
    assert all(kind.audience in AUDIENCES for kind in kinds.values())
    _KNOWN.update(kinds)


def of(kind: str) -> Kind:
    """A kind by its name. KeyError for one that no app raises."""
    return _KNOWN[kind]
