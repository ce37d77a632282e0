"""Asking for leave to depart from a rule, and what the database says when it refuses."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from access.errors import Invalid, Refused
from access.models import Production, User
from access.selectors import actions_on
from ledger.media import plain_name
from ledger.models import Attachment
from ledger.selectors import attachment_by_id
from overrides import branching, carrying, checks, kinds, selectors
from overrides.carrying import Asked
from overrides.models import Override
from overrides.states import KINDS

LONGEST = 2_000
# Of our own triggers and keys; everything else is a fault and stays one.
_RULES = {"23503", "23505", "23514", "42501", "55000"}
_TWICE = {
    "override_decided_once": "You have decided this one already.",
    "override_ratified_once": "You have ratified this one already.",
    "mandate_confirmed_once": "You have confirmed this already.",
    "override_key_once": "This key is enrolled already.",
}


class NotAllowedHere(Refused):
    """The database does not take the step, in its own words."""

    code = "E_OVERRIDE"


@dataclass(frozen=True, slots=True)
class Case:
    """Why leave is asked for: the reason, the document that supports it, the bond's clause, and the
    request this one asks again for."""

    justification: str
    attachment: Attachment
    clause: str = ""
    follows: Override | None = None


@contextmanager
def in_words() -> Iterator[None]:
    """Turn what the database's rules refuse into a refusal that is shown."""
    try:
        with transaction.atomic():
            yield
    except DatabaseError as fault:
        if getattr(fault.__cause__, "sqlstate", "") not in _RULES:
            raise
        said = str(fault)
        known = next((words for name, words in _TWICE.items() if name in said), None)
        raise NotAllowedHere(known or said.split("\n", maxsplit=1)[0]) from fault


def attach_support(*, actor: User, production: Production, name: str, data: bytes) -> Attachment:
    """Keep the document that supports a request. Raises Invalid for one that is empty or too
    large."""
    assert actor.is_active
    if not data:
        raise Invalid("Document: the file is empty; choose it again.")
    if len(data) > settings.MAX_ATTACHMENT_BYTES:
        raise Invalid(
            f"Document: it has {len(data):,} bytes, and {settings.MAX_ATTACHMENT_BYTES:,} is the "
            "most; scan it at a lower resolution."
        )
    with in_words(), connection.cursor() as cursor:
        cursor.execute("SELECT journal.attach_support(%s, %s)", [plain_name(name), data])
        [made] = cursor.fetchone() or [0]
    # A department sees attachments of its own costs, and not this one: its number is enough.
    return attachment_by_id(production, made) or Attachment(pk=made, production=production)


def _may(missing: frozenset[str]) -> str:
    words = {
        "post_entries": "posts entries", "resolve_quarantine": "settles held rows",
        "view_all_costs": "sees every department's costs",
    }  # fmt: skip
    return " and ".join(words[action] for action in sorted(missing))


@transaction.atomic
def request_override(*, actor: User, production: Production, asked: Asked, case: Case) -> Override:
    """Ask for an override; it waits for its signers from now on.

    Raises Invalid and Refused in the words of whatever would stop it: lines that cannot be posted,
    checks that no override passes over.
    """
    if asked.kind not in KINDS:
        raise Invalid(f"Kind: expected one of {', '.join(KINDS)}, found {asked.kind[:20]!r}.")
    for name, text in (("Reason", case.justification), ("Clause", case.clause)):
        if len(text) > LONGEST or (name == "Reason" and not text.strip()):
            raise Invalid(f"{name}: expected 1 to {LONGEST} characters.")
    missing = carrying.missing(asked.kind, actions_on(actor, production))
    if missing:
        raise Refused(f"{KINDS[asked.kind]} is asked for by somebody who {_may(missing)}.")
    if not selectors.has_begun():
        raise Refused("Overrides begin when three people have keys to sign them with.")
    meant = kinds.plan(actor=actor, production=production, asked=asked)
    if asked.node is not None:
        meant = branching.planned(production, asked.node, meant)
    checked = checks.check(production, asked.kind, meant.proposed)
    with in_words():
        made = Override.objects.create(
            production=production, number=0, kind=asked.kind, state="requested", amount=1,
            proposed=meant.proposed, target=meant.target, target_digest=meant.digest,
            rule=meant.rule, justification=case.justification.strip(), clause=case.clause.strip(),
            checked=checked, attachment=case.attachment, follows=case.follows, requested_by=actor,
            # The database fills in the rest, from the signing rules and its own clock.
            requested_at="2000-01-01T00:00Z", signing_rule_id=0, threshold=2, roles=[],
            document_sha256=b"", document_name="", ratify_roles=[],
            expires_at="2000-01-01T00:00Z", leaf=b"", last_leaf=b"",
        )  # fmt: skip
    made.refresh_from_db()
    return made
