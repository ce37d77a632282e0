"""Two films and everybody, for asking every address of the web as each of them."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from itertools import count
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from access import roles, services
from access.invitation_tables import Invitation
from access.models import User
from ingestion.desk import asking
from ingestion.desk.acts import CauseAsked, act_on_cause
from ingestion.models import HeldRow
from ledger.attachments import attach
from ledger.models import Transaction
from ledger.statement_tables import StatementLine
from purchasing.funds import FundPlan, move_cash, open_fund
from purchasing.invoices import InvoicePlan, enter_invoice
from purchasing.orders import LinePlan
from purchasing.papers import CostLine
from taxonomy.models import CostNode
from tests.access.house import invite_somebody
from tests.access.outside import add_feed
from tests.access.web_methods import ONLY_POSTED_TO, POSTED_TO, SIGNING_IN, UPLOAD_ADDRESSES
from tests.access.web_wishes import budget_and_wishes
from tests.factories import (
    Cast,
    Film,
    acting,
    cost_line,
    cost_lines,
    import_data,
    make_film,
    role,
)
from tests.ingestion.sending import begun
from tests.ledger.banking import banked, taken
from tests.ledger.banking import line as bank_line
from tests.ledger.exhibits import png
from tests.purchasing.office import DAY, Office, office
from tests.signing_in import sign_in

POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
}
SANDBOX = {"default-src 'none'", "sandbox"}
FRAMING = POLICY | {"frame-src 'self'"}  # one page, which shows an attachment's pages
CAMERA, ART, ELSEWHERE = "KANARIENCAM", "KANARIENART", "KANARIENELSE"
CANARIES = (CAMERA, ART, ELSEWHERE)
# Seen by whom: the other production's canary is nobody's here.
SEEN_BY = {
    "amir": {CAMERA, ART},
    "lena": {CAMERA, ART},
    "cho": {CAMERA},
    "ada": {ART},
    "bea": set(),
    "eve": set(),
    "ines": set(),
    "otto": set(),
    "former": set(),
    "anonymous": set(),
    "deactivated": set(),
}
ACTORS = tuple(SEEN_BY)
MEMBERS = ("amir", "lena", "cho", "ada", "bea", "eve", "ines")
SIGNED_OUT = ("anonymous", "deactivated")
_requests = count(1)
NEVER = 987_654_321
NO_ONES = {"mfa_remove_webauthn": {"pk": NEVER}, "join_begin": {"token": "A" * 43},
           "address_begin": {"token": "A" * 43},
           "password_reset_begin": {"person": 1, "token": "x-y"}}  # fmt: skip
OF_A_FILM = ("join", "join_begin")
NO_PRODUCTIONS = (roles.ANYBODY, roles.ENROLLING, roles.PERSON)
# Accounts, budgets and changes have the same numbers in every production.
NUMBERED_ALIKE = (
    "account_lines", "forecast", "forecast_enter", "budget_version", "budget_approve",
    "budget_lock", "budget_change", "budget_decide", "override", "override_decide",
    "override_document", "asked_one", "asked_document",
)  # fmt: skip


@dataclass
class Place:
    """One production with everything an address can name."""

    film: Film
    ids: dict[str, dict[str, Any]] = field(default_factory=dict)
    # The same of the art department, where an address names a paper of one.
    art: dict[str, dict[str, Any]] = field(default_factory=dict)

    def url(self, name: str, **other: Any) -> str:
        takes_no_code = roles.URL_ACTIONS[name] in NO_PRODUCTIONS and name not in OF_A_FILM
        kept = {} if takes_no_code else {"code": self.film.code}
        known = NO_ONES.get(name) or self.ids.get(name, {})
        return reverse(name, kwargs={**kept, **known, **other})


@dataclass
class House:
    """The film of the cast, a film of other people, and the cast's clients."""

    here: Place
    elsewhere: Place
    clients: dict[str, Callable[[], Client]]


def _fill(film: Film, camera: str, art: str, unit: str) -> Place:
    """Two posted rows, one of each department, and a held one; every id an address takes."""
    rows = [
        cost_line(1, vendor=camera),
        cost_line(2, account="2220", center="ART", vendor=art),
        cost_line(3, vendor=art, center="ART", account="2220", currency="US$"),
    ]
    batch = import_data(film, cost_lines(rows), name="costs.csv", unit=unit)
    with role("owner"):
        held = HeldRow.objects.get(batch_id=batch.pk)
        posted = {
            t.vendor: f"{t.batch_id}-{t.number}"
            for t in Transaction.objects.filter(production=film.production)
        }
        main_unit = CostNode.objects.get(production=film.production, kind="unit", code="MAIN").pk
    wished = budget_and_wishes(film, posted, camera, art)
    sha256 = bytes(batch.document.sha256).hex()
    made = {
        person: _attached(film, person, posted[vendor], vendor)
        for person, vendor in (("cho", camera), ("ada", art))
    }
    place = Place(film)
    place.ids = {
        **{name: {"import_id": batch.pk} for name in IMPORT_ADDRESSES},
        "source_file": {"sha256": sha256},
        "account_lines": {"account_code": "3310"},
        "transaction": {"transaction_id": posted[camera]},
        "attach": {"transaction_id": posted[camera]},
        "attachment": {"attachment_id": made["cho"]},
        "attachment_file": {"attachment_id": made["cho"]},
        "withdraw_attachment": {"attachment_id": made["cho"]},
        "cost_node": {"node_id": main_unit},
        "append_node": {"node_id": main_unit},
        "audit_entry": {"unit_code": unit, "seq": 0},
        "forecast": {"account_code": "3310"},
        "forecast_enter": {"account_code": "3310"},
        **{key: {"number": 1} for key in ("budget_version", "budget_approve", "budget_lock")},
        **{key: {"number": 1} for key in ("budget_change", "budget_decide")},
        **{key: {"number": 1} for key in ("override", "override_decide", "override_document")},
        "art": {"transaction_id": posted[art]},
        "art_attachment": {"attachment_id": made["ada"]},
    }
    place.ids |= wished | _places(film) | _at_the_desk(film, held) | _asked(film, held, camera, art)
    place.ids |= dict.fromkeys(CORRECTIONS, place.ids["transaction"])
    place.ids["close_period"] = {"number": 2}  # refused: the first is open
    place.art = {name: place.ids[said] for name, said in ART_OF.items()}
    place.ids |= _begun(film, f"{camera}{art}") | _fed(film)
    _orders_and_papers(place, camera, art)
    return place


def _fed(film: Film) -> dict[str, dict[str, Any]]:
    """A feed, and the addresses that name it."""
    feed_id = add_feed(film)
    return {key: {"feed_id": feed_id} for key in ("feed", "feed_step")}


def _places(film: Film) -> dict[str, dict[str, Any]]:
    """The head of camera's place, and an invitation that waits."""
    invite_somebody(film)
    with role("owner"):
        sent = Invitation.objects.get(production=film.production)
    return {
        **{key: {"person_id": film.cast["cho"].pk} for key in ("person", "person_end")},
        "invitation_withdraw": {"invitation_id": sent.pk},
    }


def _begun(film: Film, words: str) -> dict[str, dict[str, Any]]:
    """An upload of which nothing has arrived."""
    with role("web"), acting(film, "amir"):
        sent = begun(film, words.encode(), name=f"{words}.csv")
    return {key: {"upload_id": sent.pk} for key in UPLOAD_ADDRESSES}


def _at_the_desk(film: Film, held: HeldRow) -> dict[str, dict[str, Any]]:
    """A held row, and a decision about all rows of its cause, which no worker takes up."""
    with role("web"), acting(film, "amir"):
        asked = CauseAsked(held.cause, None, "reject", "", "not ours", "1", "")
        act = act_on_cause(actor=film.cast["amir"], production=film.production, asked=asked)
    return {
        "quarantined_row": {"row_id": held.pk},
        **{key: {"act_id": act.pk} for key in ACT_ADDRESSES},
    }


def _asked(film: Film, held: HeldRow, camera: str, art: str) -> dict[str, dict[str, Any]]:
    """A question to each department, about a row of art."""
    with role("web"), acting(film, "amir"):
        made = {
            head.code: asking.ask_department(
                actor=film.cast["amir"], production=film.production, about=held, head=head.key,
                text=camera if head.code == "CAM" else art,
            ).pk
            for head in asking.heads(film.production)
        }  # fmt: skip
    return {"question": {"question_id": made["CAM"]}, "art_question": {"question_id": made["ART"]}}


def _banks(film: Film, words: str) -> dict[str, dict[str, Any]]:
    """A bank account with a statement of one line, and their addresses."""
    taken(film, banked(film, name=f"Bank {film.code}"), bank_line(1, "-5.00", words))
    with role("owner"):
        made = StatementLine.objects.get(production=film.production)
    return {
        "bank_statement": {"statement_id": made.statement_id},
        "bank_line": {"line_id": made.pk},
    }


def _orders_and_papers(place: Place, camera: str, art: str) -> None:
    """An order, an invoice and a float of each department, and their addresses."""
    place.ids |= _banks(place.film, f"{camera}{art}")
    for words, center, account, vendor in (
        (place.ids, "CAM", "3310", camera), (place.art, "ART", "2220", art),
    ):  # fmt: skip
        o = office(place.film)
        line = LinePlan(account, "1", "9.00", vendor)
        order = o.opened(line, center=center, vendor=f"{vendor} Ltd", description=vendor)
        words |= {name: {"number": order.number} for name in ORDER_ADDRESSES}
        words["history"] = {"kind": "order", "key": order.pk}
        entry_id, fund_id = _papers(o, center, account, vendor)
        words |= {name: {"entry_id": entry_id} for name in PAPER_ADDRESSES}
        words |= {name: {"fund_id": fund_id} for name in FUND_ADDRESSES}


def _papers(o: Office, center: str, account: str, word: str) -> tuple[int, int]:
    """An invoice and a float of one department: their ids."""
    with o.acts() as amir:
        made, lines = o.film.production, (CostLine(account, "5.00", word),)
        plan = InvoicePlan(o.unit, o.vendor_(f"{word} Ltd"), word, DAY, "USD", lines)
        invoice = enter_invoice(actor=amir, production=made, plan=plan)
        held = FundPlan(o.unit, o.centers[center], "petty_cash", word, "USD", "9.00")
        fund = open_fund(actor=amir, production=made, plan=held)
        move_cash(actor=amir, fund=fund, kind="advance", number=word, day=DAY, amount="9.00")
    return invoice.pk, fund.pk


def _attached(film: Film, person: str, document: str, canary: str) -> int:
    """A picture a department head has attached to a document of theirs; its number."""
    batch_id, _, number = document.partition("-")
    with role("web"), acting(film, person):
        return attach(
            actor=film.cast[person], production=film.production, kind="receipt",
            name=f"{canary}.png", data=png(canary.encode()), place=(int(batch_id), int(number)),
        ).pk  # fmt: skip


# Where the head of art is sent instead, since what the address names is camera's.
WISHES = ("asked_one", "asked_document")
ART_OF = {
    "transaction": "art",
    "question": "art_question",
    "attach": "art",
    "attachment": "art_attachment",
    "attachment_file": "art_attachment",
    "withdraw_attachment": "art_attachment",
    "asked_one": "art_wish",
    "asked_document": "art_wish",
}
CORRECTIONS = ("reverse_document", "reissue_document", "redistribute")
PAPER_ADDRESSES = ("paper", "paper_void")
ACT_ADDRESSES = ("quarantine_act", "quarantine_act_status")
FUND_ADDRESSES = ("fund", "fund_move", "envelope_new", "fund_close")
IMPORT_ADDRESSES = ("import_detail", "import_status", "import_cancel", "import_mapping")
ORDER_ADDRESSES = ("order", "order_amend", "order_approve", "order_send_back", "order_step")
NOT_THERE: dict[str, dict[str, Any]] = {
    **{name: {"person_id": NEVER} for name in ("person", "person_end")},
    "invitation_withdraw": {"invitation_id": NEVER},
    **{name: {"feed_id": NEVER} for name in ("feed", "feed_step")},
    **{name: {"upload_id": NEVER} for name in UPLOAD_ADDRESSES},
    **{name: {"number": "PO-9999"} for name in ORDER_ADDRESSES},
    **{name: {"entry_id": NEVER} for name in PAPER_ADDRESSES},
    **{name: {"fund_id": NEVER} for name in FUND_ADDRESSES},
    **{name: {"transaction_id": f"{NEVER}-1"} for name in CORRECTIONS},
    "close_period": {"number": 99},
    "history": {"kind": "order", "key": NEVER},
    **{name: {"import_id": NEVER} for name in IMPORT_ADDRESSES},
    "bank_statement": {"statement_id": NEVER},
    "bank_line": {"line_id": NEVER},
    "source_file": {"sha256": "ab" * 32},
    "quarantined_row": {"row_id": NEVER},
    "question": {"question_id": NEVER},
    **{key: {"act_id": NEVER} for key in ACT_ADDRESSES},
    "account_lines": {"account_code": "9999"},
    "transaction": {"transaction_id": f"{NEVER}-1"},
    "attach": {"transaction_id": f"{NEVER}-1"},
    "attachment": {"attachment_id": NEVER},
    "attachment_file": {"attachment_id": NEVER},
    "withdraw_attachment": {"attachment_id": NEVER},
    "cost_node": {"node_id": NEVER},
    "append_node": {"node_id": NEVER},
    "audit_entry": {"unit_code": "MAIN", "seq": NEVER},
    "forecast": {"account_code": "9999"},
    "forecast_enter": {"account_code": "9999"},
    **{key: {"number": NEVER} for key in ("budget_version", "budget_approve", "budget_lock")},
    **{key: {"number": NEVER} for key in ("budget_change", "budget_decide")},
    **{key: {"number": NEVER} for key in ("asked_one", "asked_document")},
}


@contextmanager
def without_keys(cast: Cast) -> Iterator[None]:
    """Nobody of the cast has a second factor meanwhile, whoever was given one elsewhere."""
    theirs = {"user__in": list(cast.values())}
    with role("owner"):
        keys = list(Authenticator.objects.filter(**theirs))
        Authenticator.objects.filter(**theirs).delete()
    yield
    with role("owner"):
        Authenticator.objects.filter(**theirs).delete()
        Authenticator.objects.bulk_create(keys)


@pytest.fixture(scope="module")
def house(cast: Cast) -> Iterator[House]:
    console = services.console_person()
    with role("owner"):
        film = make_film(cast)
        others = {
            name: services.add_person(
                actor=console, email=f"{name}@elsewhere.example", name=ELSEWHERE, password=None
            )
            for name in cast
        }
        other_film = make_film(others)
        today = timezone.now().date()
        former = services.add_person(
            actor=console, email=f"former-{film.code}@example.org", name="Former", password=None
        )
        services.give_membership(
            actor=console, production=film.production, user=former, role="production_accountant",
            starts_on=today - timedelta(days=30), ends_on=today - timedelta(days=1),
        )  # fmt: skip
        gone = services.add_person(
            actor=console, email=f"gone-{film.code}@example.org", name="Gone", password=None
        )
        services.give_membership(
            actor=console, production=film.production, user=gone, role="production_accountant"
        )
    here = _fill(film, CAMERA, ART, "MAIN")
    elsewhere = _fill(other_film, ELSEWHERE + "1", ELSEWHERE + "2", "SECOND")
    with role("owner"):
        sent = Invitation.objects.select_related("invited_by").get(production=film.production)
    people = {**cast, "former": former, "deactivated": gone, "ines": sent.invited_by}

    def client_of(name: str) -> Callable[[], Client]:
        @cache
        def make() -> Client:
            client = Client(raise_request_exception=False, SERVER_NAME="localhost")
            if name in people:
                sign_in(client, people[name])
            return client

        return make

    clients = {name: client_of(name) for name in ACTORS}
    with role("web"):
        live = clients["deactivated"]()
    with role("owner"):
        User.objects.filter(pk=gone.pk).update(is_active=False)
    clients["deactivated"] = lambda: live
    with without_keys(cast):
        yield House(here, elsewhere, clients)


@pytest.fixture
def web(house: House) -> Iterator[House]:
    with role("web"):
        yield house


def names_of_all_addresses() -> set[str]:
    found: set[str] = set()

    def walk(patterns: list[Any]) -> None:
        for entry in patterns:
            if isinstance(entry, URLResolver):
                walk(entry.url_patterns)
            else:
                assert isinstance(entry, URLPattern)
                assert entry.name, f"{entry.pattern} has no name, so nobody could be let in"
                found.add(entry.name)

    walk(get_resolver().url_patterns)
    return found


def may(actor: str, name: str) -> bool:
    """What the role table says, written down once more by hand of the table alone."""
    action = roles.URL_ACTIONS[name]
    if action == roles.ANYBODY:
        return True
    if actor in SIGNED_OUT:
        return False
    if action in (roles.ENROLLING, roles.PERSON):
        return True
    if actor not in MEMBERS:
        return False
    held = {
        "amir": "production_accountant", "lena": "line_producer", "bea": "bond_representative",
        "eve": "studio_executive", "ines": "administrator",
    }  # fmt: skip
    granted = roles.actions_of(held.get(actor, "department_head"))
    return action == roles.MEMBER or action in granted


def body_of(response: HttpResponse) -> bytes:
    """The body without its one-time token, which differs on every page ever served."""
    return re.sub(
        rb'(csrf[a-z-]*token" (?:value|content)=")[A-Za-z0-9]{64}', rb"\1", response.content
    )


def assert_guarded(response: HttpResponse, actor: str) -> None:
    """What holds for every answer to everybody."""
    assert response.status_code < 500
    policy = response.headers["Content-Security-Policy"]
    assert set(policy.split("; ")) in (POLICY, SANDBOX, FRAMING)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Referrer-Policy"] == "same-origin"
    if actor not in SIGNED_OUT:
        assert "no-store" in response.headers["Cache-Control"]
    said = response.content + repr(dict(response.headers)).encode()
    for canary in CANARIES:
        if canary not in SEEN_BY[actor]:
            assert canary.encode() not in said, f"{actor} was shown {canary}"


def ask(client: Client, method: str, url: str) -> HttpResponse:
    """One request, from an address of its own: thousands from one are too many in a minute."""
    made = next(_requests)
    address = f"10.{made >> 16}.{made >> 8 & 255}.{made & 255}"
    if method == "GET":
        return client.get(url, REMOTE_ADDR=address)
    return client.post(url, {}, REMOTE_ADDR=address)


def expected_status(actor: str, name: str, method: str) -> set[int]:
    if not may(actor, name):
        return {302} if actor in SIGNED_OUT else {404}
    if (actor, name, method) == ("lena", "withdraw_attachment", "POST"):
        return {404}  # she sees it, and neither attached it nor imports
    if (actor, name) == ("lena", "question") or (method == "GET" and name in WISHES
            and actor not in ("cho", "ada")):  # fmt: skip
        return {404}  # she was not asked; nobody else asked for it
    if method == "GET" and name in ONLY_POSTED_TO:
        return {405}
    if name in SIGNING_IN and (method == "GET" or name in POSTED_TO):
        return SIGNING_IN[name]
    return _expected_inside(name, method)


def _expected_inside(name: str, method: str) -> set[int]:
    if method == "GET":
        return {"landing": {200, 302}, "productions": {200, 302}}.get(name, {200})
    said = {"logout": {302}, "account_logout": {302}, "login_again": {302},
            "session_end": {404}, "order_approve": {409}, "order_send_back": {409},
            "fund_close": {409}, "close_period": {409}, "budget_approve": {409},
            "budget_lock": {409}, "view_as_stop": {302}, "invitation_withdraw": {302}}  # fmt: skip
    return said.get(name, {422} if name in POSTED_TO else {405})
