"""Why a request was refused, told from what is known of it once it is answered. Pure."""

from dataclasses import dataclass
from typing import Final

# What administrators are shown.
WORDS: Final = {
    "sign_in": "Sign-in refused",
    "signing": "Code or pass phrase of a signature refused",
    "throttled": "Too many attempts",
    "reading": "Read more than a person reads",
    "session": "Session unknown or over",
    "csrf": "Form without its token",
    "forbidden": "Not allowed",
    "not_found": "Not there, or not theirs",
    "override": "Override step refused",
    "too_large": "Too large to be read",
    "database": "Refused by the database",
    "context_form": "Database context malformed",
    "context_seal": "Database context forged",
    "context_expired": "Database context expired",
    "context_backend": "Database context of another session",
    "context_replayed": "Database context of another request",
    "context_viewer": "Database context of a view, to write",
    "overflow": "More than is kept apart",
}
_OF_STATUS: Final = {403: "forbidden", 404: "not_found", 413: "too_large", 429: "throttled"}
_OF_DOOR: Final = {
    "wrong_password": "sign_in", "wrong_factor": "sign_in", "wrong_signing": "signing",
    "held": "throttled",
}  # fmt: skip
_OVERRIDE_STEPS: Final = frozenset({"override_decide", "override_new", "signer_change"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answered request. `door` is what the door wrote down of it; `is_form_checked` that its
    one-time token was right; `has_dead_session` that it named a session there is not."""

    status: int
    method: str
    route: str
    door: str = ""
    is_form_checked: bool = True
    has_dead_session: bool = False
    is_refused_by_database: bool = False
    is_read_too_much: bool = False


def reason_of(outcome: Outcome) -> str:
    """The word for a refusal; '' for what was answered as it should be."""
    if outcome.is_refused_by_database or outcome.is_read_too_much:
        return "database" if outcome.is_refused_by_database else "reading"
    if outcome.door in _OF_DOOR:
        return _OF_DOOR[outcome.door]
    if outcome.status == 403 and not outcome.is_form_checked:
        return "csrf"
    if outcome.route in _OVERRIDE_STEPS and outcome.method == "POST" and outcome.status >= 400:
        return "not_found" if outcome.status == 404 else "override"
    if outcome.has_dead_session and outcome.status == 302:
        return "session"
    return _OF_STATUS.get(outcome.status, "")
