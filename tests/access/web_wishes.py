"""A budget of a film that others guess at, and what is asked for on it."""

from typing import Any

from ledger.corrections import Change
from overrides.carrying import Asked
from tests.budgets.films import DAY, locked, requested
from tests.factories import Film
from tests.overrides.signing import asks_to_move, founded


def budget_and_wishes(
    film: Film, posted: dict[str, str], camera: str, art: str
) -> dict[str, dict[str, Any]]:
    """A locked budget, an overage and an override that are asked for; and each department asks
    that its cost be moved to the other. The addresses of these wishes."""
    text = "\n".join(["Account\tDescription\tTotal", f"3310\t{camera}\t5", f"2220\t{art}\t6"])
    locked(film, text, "11.00")
    requested(film, "overage", ("3310", "7.00"))
    signing = founded(film.cast, film)
    signing.asks(Asked("over_budget", DAY, (("3310", "5.00"),)))
    made = {}
    for person, vendor, change in (
        ("cho", camera, Change(1, "2220")), ("ada", art, Change(2, "3310")),
    ):  # fmt: skip
        batch, _, number = posted[vendor].partition("-")
        wish = asks_to_move(signing, (int(batch), int(number)), by=person, changes=[change])
        made[person] = {"number": wish.number}
    return {"asked_one": made["cho"], "asked_document": made["cho"], "art_wish": made["ada"]}
