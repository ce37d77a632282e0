"""Questions to departments: asking from the desk, and answering in the browser."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from access.errors import Invalid, NotFoundHere, Refused
from access.requests import ScopedRequest
from ingestion import selectors
from ingestion.desk import asking
from ingestion.models import Question
from ingestion.screens import desk
from ingestion.screens.desk import CAUSE_WORDS, label_of
from ingestion.screens.imports import moment

SHOWN = 200
STATES = {"open": "Waits for an answer", "answered": "Answered", "withdrawn": "Withdrawn"}


def question_view(question: Question) -> dict[str, Any]:
    """One question as its templates show it."""
    code = question.cause.partition("|")[0]
    return {
        "id": question.pk,
        "text": question.text,
        "answer": question.answer,
        "state": question.state,
        "state_label": STATES[question.state],
        "about": CAUSE_WORDS.get(code, "A held row"),
        "department": f"{question.cost_center.name} ({question.cost_center.code})",
        "asked_of": str(question.asked_of),
        "asked_by": str(question.asked_by),
        "asked_at": moment(question.asked_at),
        "closed_at": moment(question.closed_at),
        "facts": [{"label": label_of(name), "value": value} for name, value in question.facts],
        "row_id": question.held_row_id,
    }


@require_safe
def questions(request: ScopedRequest, code: str) -> HttpResponse:
    """The questions that are there for whoever asks: those they were asked, or all."""
    found = asking.questions(request.production)[:SHOWN]
    page = {"questions": [question_view(question) for question in found]}
    return render(request, "ingestion/questions.html", page)


@require_http_methods(["GET", "HEAD", "POST"])
def question(request: ScopedRequest, code: str, question_id: int) -> HttpResponse:
    """One question: its words, the row's fields where they are the reader's, and the answer."""
    found = asking.question_by_id(request.production, question_id)
    if found is None:
        raise NotFoundHere
    refusal, status = "", 200
    if request.method == "POST":
        try:
            _close(request, found)
            return redirect("question", code, found.pk)
        except Refused as error:
            refusal, status = error.message, error.status
    page = {
        "question": question_view(found),
        "is_mine": found.asked_of_id == request.user.pk,
        "may_resolve": "resolve_quarantine" in request.actions,
        "answer": request.POST.get("answer", ""),
        "refusal": refusal,
    }
    return render(request, "ingestion/question.html", page, status=status)


def _close(request: ScopedRequest, found: Question) -> None:
    action = request.POST.get("action", "")
    if action == "answer":
        asking.answer_question(
            actor=request.user, question=found, answer=request.POST.get("answer", "")
        )
    elif action == "withdraw":
        asking.withdraw_question(actor=request.user, question=found)
    else:
        raise Invalid("action: expected answer or withdraw")


@require_POST
def quarantine_ask(request: ScopedRequest, code: str) -> HttpResponse:
    """Put a question to a department, about the row or the cause that the form names."""
    asked = request.POST.get("row", "")
    row = None
    if asked:
        is_number = asked.isascii() and asked.isdigit() and len(asked) < 16
        row = selectors.held_row(request.production, int(asked)) if is_number else None
        if row is None:
            raise NotFoundHere
    try:
        made = asking.ask_department(
            actor=request.user, production=request.production,
            about=row or request.POST.get("cause", "").replace("\0", ""),
            head=request.POST.get("head", ""), text=request.POST.get("text", ""),
        )  # fmt: skip
    except Refused as refusal:
        page = desk.quarantine_view(request.production, None)
        return render(
            request, "ingestion/quarantine.html", page | {"refusal": refusal.message},
            status=refusal.status,
        )  # fmt: skip
    return redirect("question", code, made.pk)


def asked_about(row_questions: Any, production: Any) -> dict[str, Any]:
    """What a page of the desk needs to ask and to show what was asked."""
    return {
        "heads": asking.heads(production),
        "questions": [question_view(question) for question in row_questions],
    }
