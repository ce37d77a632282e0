"""What a line is coded to besides its account: episode, location, set and the like. Pure.

The segments are those production systems share (account - series - location - set, insurance,
1099 and four free fields). A line carries them as one text: `location=NOLA set=CAFE`, each kind at
most once and always in the order of KINDS, so that the same coding is always the same text.
"""

import re
from collections.abc import Mapping

KINDS = {
    "episode": "Episode",
    "location": "Location",
    "set": "Set",
    "insurance": "Insurance",
    "1099": "1099",
    "free1": "Free 1",
    "free2": "Free 2",
    "free3": "Free 3",
    "free4": "Free 4",
}
CODE = re.compile(r"[A-Z0-9][A-Z0-9._/-]{0,15}", re.ASCII)
MOST_CHARACTERS = 240
Known = Mapping[str, Mapping[str, bool]]  # kind -> code -> whether it is still in use


class SegmentError(ValueError):
    """A coding that is not the production's: what was expected and what was found."""


def written(codes: Mapping[str, str]) -> str:
    """The text of these codes by kind."""
    return " ".join(f"{kind}={codes[kind]}" for kind in KINDS if codes.get(kind))


def read(text: str) -> dict[str, str]:
    """kind -> code of a written text."""
    return {kind: code for kind, _, code in (part.partition("=") for part in text.split())}


def typed(text: str, known: Known, kept: str = "") -> str:
    """What a person typed, written: codes with their kind (`set=cafe`), or alone where only one
    kind has them (`cafe`), apart by spaces or commas. `kept` is what the line carries already.

    Raises SegmentError for a kind or code the production has not, a code several kinds have, one
    no longer in use that the line does not carry, and two of one kind.
    """
    codes: dict[str, str] = {}
    carried = read(kept)
    for word in text.replace(",", " ").split():
        name, sign, rest = word.partition("=")
        kind, code = (_kind_named(name, known), rest.upper()) if sign else _kind_of(word, known)
        if code not in known.get(kind, {}):
            raise SegmentError(
                f"expected a code of {KINDS[kind].lower()}, found {code[:20]!r}. Add it to the "
                "production's segments, or correct it."
            )
        if not known[kind][code] and carried.get(kind) != code:
            raise SegmentError(f"{KINDS[kind].lower()} {code} is not in use any more.")
        if codes.get(kind, code) != code:
            raise SegmentError(
                f"expected one {KINDS[kind].lower()}, found {codes[kind]} and {code}."
            )
        codes[kind] = code
    return written(codes)


def _kind_named(name: str, known: Known) -> str:
    kind = name.lower()
    if kind not in known:
        used = ", ".join(known) or "none"
        raise SegmentError(f"expected a segment of this production ({used}), found {name[:20]!r}.")
    return kind


def _kind_of(word: str, known: Known) -> tuple[str, str]:
    code = word.upper()
    every = [kind for kind, codes in known.items() if code in codes]
    having = [kind for kind in every if known[kind][code]] or every
    if len(having) > 1:
        choice = " or ".join(f"{kind}={code}" for kind in having)
        raise SegmentError(f"{code} is a code of several segments. Write {choice}.")
    if not having:
        raise SegmentError(
            f"expected a code of this production's segments, found {word[:20]!r}. Add it to them, "
            "or correct it."
        )
    return having[0], code
