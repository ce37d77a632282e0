"""Asking a department about a held row: who sees what of it, and their answer."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from access.errors import Invalid, Refused
from ingestion.desk import asking
from ingestion.models import HeldRow, Question
from ledger.verify import verify_production
from taxonomy.models import CostCenter
from tests.factories import Film, acting, cost_line, cost_lines, import_data, role
from tests.ingestion.books import held

Browse = Callable[[str], Client]


def held_rows(film: Film) -> list[HeldRow]:
    """A row of camera and one of art, held for one cause."""
    import_data(film, cost_lines([
        cost_line(1, currency="US$", vendor="Lenses"),
        cost_line(2, currency="US$", vendor="Paint", center="ART", account="2220"),
        cost_line(3, currency="US$", vendor="Tape", center=""),
    ]))  # fmt: skip
    with role("owner"):
        return held(film)


def key(film: Film, name: str) -> str:
    found = {head.name: head.key for head in asking.heads(film.production)}
    return found[name.capitalize()]


def ask(
    film: Film, about: HeldRow | str, of: str = "cho", text: str = "Is this yours?"
) -> Question:
    with role("web"), acting(film, "amir"):
        return asking.ask_department(
            actor=film.cast["amir"], production=film.production, about=about, head=key(film, of),
            text=text,
        )  # fmt: skip


def seen(film: Film, person: str) -> list[int]:
    with role("web"), acting(film, person):
        return [question.pk for question in asking.questions(film.production)]


def test_heads_are_those_who_have_a_department_and_only_accounting_learns_who(film: Film) -> None:
    for person, names in (("amir", ["Ada", "Cho"]), ("lena", []), ("cho", []), ("otto", [])):
        with role("web"), acting(film, person):
            assert [head.name for head in asking.heads(film.production)] == names


def test_a_head_sees_the_fields_of_an_own_row_and_of_others_the_words_alone(film: Film) -> None:
    camera, art, blank = held_rows(film)
    own, other = ask(film, camera), ask(film, art)
    facts = dict(own.facts)
    assert (facts["vendor"], facts["currency"]) == ("Lenses", "US$")
    assert other.facts == []
    # A row that names no department is read as its account's.
    assert dict(ask(film, blank).facts)["vendor"] == "Tape"
    assert ask(film, camera.cause).facts == []
    assert len(seen(film, "cho")) == 4 == len(seen(film, "amir"))
    for person in ("ada", "lena", "bea", "otto"):
        assert seen(film, person) == []


def test_the_database_shows_no_row_to_a_department_that_is_not_its_own(film: Film) -> None:
    camera, art, _ = held_rows(film)
    cam = CostCenter.objects.get(production=film.production, code="CAM")
    given: dict[str, Any] = {
        "production": film.production, "held_row": camera, "cost_center": cam, "text": "?",
        "asked_of": film.cast["cho"], "asked_by": film.cast["amir"],
    }  # fmt: skip
    wrong: list[dict[str, Any]] = [
        {"held_row": art, "facts": [["vendor", "Paint"]]},
        {"held_row": None, "facts": [["vendor", "Paint"]]},
        {"asked_of": film.cast["ada"]},
        {"asked_by": film.cast["lena"]},
        {"state": "answered", "answer": "yes"},
    ]
    with role("web"), acting(film, "amir"):
        for forged in wrong:
            with pytest.raises(DatabaseError), transaction.atomic():
                Question.objects.create(**{**given, **forged})
        assert Question.objects.create(**given).state == "open"


def test_only_whom_it_was_put_to_answers_and_once(film: Film) -> None:
    question = ask(film, held_rows(film)[0])
    with role("web"):
        with acting(film, "amir"), pytest.raises(Refused):
            asking.answer_question(actor=film.cast["amir"], question=question, answer="mine")
        with acting(film, "ada"), pytest.raises(DatabaseError), transaction.atomic():
            assert Question.objects.filter(pk=question.pk).update(state="answered") == 0
            raise DatabaseError("nothing was there to change")
        with acting(film, "cho"):
            with pytest.raises(Invalid):
                asking.answer_question(actor=film.cast["cho"], question=question, answer=" ")
            with pytest.raises(DatabaseError), transaction.atomic():
                Question.objects.filter(pk=question.pk).update(state="withdrawn")
            asking.answer_question(actor=film.cast["cho"], question=question, answer="Yes, week 2")
        with acting(film, "amir"):
            with pytest.raises(Refused):
                asking.withdraw_question(actor=film.cast["amir"], question=question)
            question.refresh_from_db()
    assert (question.state, question.answer) == ("answered", "Yes, week 2")
    with role("owner"):
        for change in ({"answer": "no"}, {"text": "?"}):
            with pytest.raises(DatabaseError), transaction.atomic():
                Question.objects.filter(pk=question.pk).update(**change)
        assert verify_production(film.production).findings == []


def test_a_head_answers_in_the_browser_and_accounting_sees_it_beside_the_row(
    film: Film, browse: Browse
) -> None:
    row = held_rows(film)[0]
    accountant, head = browse("amir"), browse("cho")
    page = accountant.get(reverse("quarantined_row", args=[film.code, row.pk]))
    camera = next(h for h in page.context["heads"] if h.code == "CAM")
    assert "Camera: Cho (sees the row)" in page.content.decode()
    sent = {"row": row.pk, "head": camera.key, "text": "Which <b>currency</b>?"}
    where = accountant.post(reverse("quarantine_ask", args=[film.code]), sent).headers["Location"]
    listed = head.get(reverse("questions", args=[film.code])).content.decode()
    assert "Which &lt;b&gt;currency&lt;/b&gt;?" in listed
    shown = head.get(where).content.decode()
    assert "Lenses" in shown and "To the held row" not in shown
    assert browse("ada").get(where).status_code == 404
    assert head.post(where, {"action": "answer", "answer": ""}).status_code == 422
    assert head.post(where, {"action": "answer", "answer": "US dollars"}).status_code == 302
    beside = accountant.get(reverse("quarantined_row", args=[film.code, row.pk])).content.decode()
    assert "US dollars" in beside
    refused = accountant.post(reverse("quarantine_ask", args=[film.code]), sent | {"head": "1-1"})
    assert refused.status_code == 422


def test_a_question_is_withdrawn_while_it_is_open(film: Film, browse: Browse) -> None:
    question = ask(film, held_rows(film)[0])
    url = reverse("question", args=[film.code, question.pk])
    assert browse("amir").post(url, {"action": "withdraw"}).status_code == 302
    answer = browse("cho").post(url, {"action": "answer", "answer": "late"})
    assert answer.status_code == 409
    assert "closed already" in answer.content.decode()
