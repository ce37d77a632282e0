"""Bank accounts, their statements, and the lines these brought."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from access.errors import NotFoundHere, Refused
from access.requests import ScopedRequest
from ledger import selectors as ledger
from ledger import statements
from ledger.statement_tables import BankAccount
from purchasing.forms import Sent
from reports import bank_screen


def _page(request: ScopedRequest, sent: Sent) -> HttpResponse:
    may_change = "post_entries" in request.actions
    view = bank_screen.accounts_view(request.production, sent, may_change=may_change)
    return render(request, "reports/bank.html", view, status=sent.status)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


@require_safe
def bank(request: ScopedRequest, code: str) -> HttpResponse:
    """The bank accounts of the production and the statements that came."""
    return _page(request, Sent({}))


@require_POST
def bank_change(request: ScopedRequest, code: str) -> HttpResponse:
    """Add an account, or a name of one; or expect its statements again, or no longer."""
    sent = Sent(request.POST.dict())
    try:
        said = _named(request, sent) if "of" in sent.values else _added(request, sent)
    except Refused as error:
        sent.refuse(error)
        return _page(request, sent)
    messages.success(request, said)
    return redirect("bank", request.production.code)


def _added(request: ScopedRequest, sent: Sent) -> str:
    fields = ("name", "currency", "account", "identifiers")
    made = statements.add_bank_account(
        actor=request.user,
        production=request.production,
        plan=statements.NewBankAccount(*(sent.text(name) for name in fields)),
    )
    return f"{made.name} is a bank account of this film."


def _asked(request: ScopedRequest, sent: Sent) -> BankAccount:
    accounts = ledger.bank_accounts(request.production)
    found = accounts.filter(pk=_number(sent.text("of"))).first()
    if found is None:
        raise NotFoundHere
    return found


def _named(request: ScopedRequest, sent: Sent) -> str:
    account = _asked(request, sent)
    if "active" in sent.values:
        is_active = sent.text("active") == "yes"
        statements.use_bank_account(actor=request.user, bank_account=account, is_active=is_active)
        return f"Statements of {account.name} are {'' if is_active else 'no longer '}expected."
    written = sent.text("identifier")
    made = statements.add_identifier(actor=request.user, bank_account=account, written=written)
    return f"{made.written} is {account.name}."


@require_safe
def bank_statement(request: ScopedRequest, code: str, statement_id: int) -> HttpResponse:
    """A statement with its balances and the lines it brought."""
    found = ledger.bank_statements(request.production).filter(pk=statement_id).first()
    if found is None:
        raise NotFoundHere
    page = max(1, _number(request.GET.get("page", "")))
    view = bank_screen.statement_view(request.production, found, min(page, 1_000_000))
    return render(request, "reports/bank_statement.html", view)


@require_safe
def bank_line(request: ScopedRequest, code: str, line_id: int) -> HttpResponse:
    """One line, and the row of the file as it was received."""
    found = ledger.statement_line(request.production, line_id)
    if found is None:
        raise NotFoundHere
    view = bank_screen.line_view(request.production, found)
    return render(request, "reports/bank_line.html", view)
