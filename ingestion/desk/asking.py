"""Asking a department about what is held: whom, what they may see of it, and their answer."""

import hashlib
import hmac
from collections.abc import Sequence
from typing import NamedTuple

from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from access.errors import Invalid, Refused
from access.models import Production, User
from ingestion.desk.resolving import UNSTORABLE
from ingestion.layouts.mapping import FIELDS
from ingestion.layouts.sources import REGISTRY
from ingestion.models import HeldRow, Question
from ledger import selectors as ledger
from ledger.payees import pay_key
from taxonomy import selectors as taxonomy

MOST_LETTERS = 2_000
SHOWN = 100


class Head(NamedTuple):
    """A person who has been given a department, and which."""

    user_id: int
    name: str
    center_id: int
    code: str
    department: str

    @property
    def key(self) -> str:
        """How a form names them."""
        return f"{self.user_id}-{self.center_id}"


def heads(production: Production) -> list[Head]:
    """Who can be asked, department by department."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT user_id, cost_center_id FROM sec.department_heads()")
        pairs = cursor.fetchall()
    centers = {c.pk: c for c in taxonomy.cost_centers(production)}
    people = {u.pk: u for u in User.objects.filter(pk__in=[user for user, _ in pairs])}
    found = [
        Head(user, str(people[user]), center, centers[center].code, centers[center].name)
        for user, center in pairs
        if center in centers and user in people
    ]
    return sorted(found, key=lambda h: (h.code, h.name))


def center_of(row: HeldRow) -> str:
    """The code of the department a held row is read as: what it states, else its account's home."""
    cells = row.cells or {}
    stated = str(cells.get("cost_center", "")).strip()
    if stated:
        return stated
    account = ledger.account_by_code(row.production, cells.get("account_code", "").strip())
    centers = {c.pk: c.code for c in taxonomy.cost_centers(row.production)}
    return centers.get(account.cost_center_id or 0, "") if account else ""


@transaction.atomic
def ask_department(
    *, actor: User, production: Production, about: HeldRow | str, head: str, text: str
) -> Question:
    """Put a question about a held row, or the rows of a cause, to the head of a department.

    They see the row's fields where the row is their department's; about anything else, words only.
    """
    said = _words(text, "question: write what you want to know")
    whom = next((h for h in heads(production) if h.key == head), None)
    if whom is None:
        raise Invalid("department: choose whom to ask; expected somebody who has a department")
    row = about if isinstance(about, HeldRow) else None
    cause = row.cause if row else str(about)
    if not cause:
        raise Invalid("question: it is about a held row or a cause; open one and ask there")
    return Question.objects.create(
        production=production, held_row=row, cause=told(production, cause),
        cost_center_id=whom.center_id,
        asked_of_id=whom.user_id, asked_by=actor, text=said,
        facts=facts_for(row, whom) if row else [],
    )  # fmt: skip


def told(production: Production, cause: str) -> str:
    """A cause as whoever is asked may know it: what is wrong with which field, and of what was
    found there a keyed hash, by which the desk finds the question again."""
    code, field, _ = (*cause.split("|", 2), "", "")[:3]
    found = hmac.new(pay_key(production), cause.encode(), hashlib.sha256).hexdigest()
    return f"{code}|{field}|{found}"


def facts_for(row: HeldRow, whom: Head) -> list[list[str]]:
    """The row's fields, for the head of the department it is read as; nothing for others, and of
    a payroll row for nobody: any column of it may hold a person's name or rate."""
    if center_of(row) != whom.code or REGISTRY[row.batch.source].is_payroll:
        return []
    cells = row.cells or {}
    return [[name, cells[name]] for name in FIELDS if cells.get(name)]


def answer_question(*, actor: User, question: Question, answer: str) -> None:
    """Answer, as whom it was put to, once."""
    said = _words(answer, "answer: write it before you send it")
    if question.asked_of_id != actor.pk:
        raise Refused("The question was put to somebody else; only they can answer it.")
    _close(question, state="answered", answer=said)


def withdraw_question(*, actor: User, question: Question) -> None:
    """Take a question back that nobody has answered yet."""
    if question.asked_of_id == actor.pk and question.asked_by_id != actor.pk:
        raise Refused("Whoever asked can withdraw the question; you can answer it.")
    _close(question, state="withdrawn", answer="")


def _close(question: Question, *, state: str, answer: str) -> None:
    try:
        with transaction.atomic():
            moved = Question.objects.filter(pk=question.pk, state="open").update(
                state=state, answer=answer, closed_at=timezone.now()
            )
    except DatabaseError as refused:
        raise Refused("This question is not yours to close.") from refused
    if moved != 1:
        raise Refused("The question is closed already; open it again to see how.")


def _words(text: str, empty: str) -> str:
    said = text.strip()
    if not said:
        raise Invalid(empty)
    if len(said) > MOST_LETTERS:
        raise Invalid(f"expected at most {MOST_LETTERS:,} characters, found {len(said):,}")
    if UNSTORABLE.search(said):
        raise Invalid("delete the invisible character and send it again")
    return said


def questions(production: Production) -> QuerySet[Question]:
    """The questions whoever asks may see, newest first."""
    return (
        Question.objects.filter(production=production)
        .select_related("cost_center", "asked_of", "asked_by")
        .order_by("-pk")
    )


def question_by_id(production: Production, question_id: int) -> Question | None:
    """One question, if it is there for whoever asks."""
    return questions(production).filter(pk=question_id).first()


def questions_about(row: HeldRow) -> Sequence[Question]:
    """What was asked about a row, or about all rows of its cause."""
    mine = questions(row.production)
    return [
        *mine.filter(held_row=row)[:SHOWN],
        *questions_of_cause(row.production, row.cause)[:SHOWN],
    ]


def questions_of_cause(production: Production, cause: str) -> QuerySet[Question]:
    """What was asked about all rows of a cause."""
    return questions(production).filter(held_row=None, cause=told(production, cause))


def open_questions(production: Production, person: User) -> int:
    """How many wait for this person's answer."""
    return questions(production).filter(state="open", asked_of=person).count()
