"""Names, rates and numbers of people: one payroll file, and everybody who must not see them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction
from django.db.utils import DatabaseError
from django.test import Client
from django.urls import NoReverseMatch, reverse

from access import roles
from access.errors import Refused
from access.models import User
from ingestion.desk.asking import ask_department, heads, questions_about
from ingestion.layouts.sources import VERSIONS
from ingestion.models import HeldRow, Question
from ledger import payees
from ledger.attachments import attach
from ledger.corrections import Reissued, reissue_document, reverse_document
from ledger.models import Payee, Transaction
from ledger.pay import is_token, payee_of
from ledger.verify import verify_production
from purchasing.orders import add_vendor
from tests.access.house import asking, newcomer, read, readable, rows_of
from tests.access.seen_by import SEEN_BY
from tests.access.web_house import NOT_THERE
from tests.budgets.films import DAY
from tests.factories import Cast, Film, acting, cost_line, cost_lines, import_data, make_film, role
from tests.ledger.tampering import tampering
from tests.signing_in import sign_in

NAME, RATE, NUMBER, TYPO, MEMO = "Qzname", "774.7731", "Qz987654", "Qzwrong", "Qzmemo"
TAX = "Qz12-3456"
PERSONAL = (NAME, RATE, NUMBER, TYPO, MEMO, TAX)
HEADER = (
    "Employee Name,Occupation,Union,Work Date,Pay Type,Account Code,Gross Wages,Invoice Number,"
    "SSN Last 4,Pay Rate"
)


@dataclass
class Payroll:
    """A film with a day's pay in camera and art, one row held, and what hangs on it."""

    film: Film
    people: dict[str, User] = field(default_factory=dict)
    ids: dict[str, dict[str, Any]] = field(default_factory=dict)
    documents: dict[str, tuple[int, int]] = field(default_factory=dict)


def payroll_file() -> bytes:
    rows = [
        f"{NAME} {center},Operator,IATSE,01/14/2026,{NAME} day,{account},{gross},R1,{NUMBER},{RATE}"
        for center, account, gross in (
            ("CAM", "3301", "850.00"), ("ART", "2210", "640.00"), ("CAM2", "3301", TYPO),
        )
    ]  # fmt: skip
    return "\n".join([HEADER, *rows, ""]).encode()


def paid_film(cast: Cast) -> Payroll:
    with role("owner"):
        film = make_film(cast)
    batch = import_data(film, payroll_file(), source="payroll-register-ep", name="pay.csv")
    assert (batch.posted, batch.quarantined) == (2, 1)
    import_data(film, cost_lines([cost_line(1)]), name="costs.csv")
    made = Payroll(film, dict(cast))
    made.people["adam"] = newcomer(film, "adam", "administrator")
    made.people["una"] = newcomer(film, "una", "auditor")
    with role("owner"):
        for t in Transaction.objects.filter(production=film.production):
            made.documents[t.vendor if not is_token(t.vendor) else _center(t)] = (
                t.batch_id,
                t.number,
            )
        held = HeldRow.objects.get(production=film.production)
    production, amir = film.production, cast["amir"]
    with role("web"), acting(film, "amir"):
        vendor = add_vendor(actor=amir, production=production, name="Solo", tax_id=TAX)
        asked = [
            ask_department(
                actor=amir, production=production, about=about, head=heads(production)[1].key,
                text="Whose day is this?",
            ).pk
            for about in (held, held.cause)
        ]  # fmt: skip
        assert [q.pk for q in questions_about(held)] == asked
        memo = {"name": f"{MEMO}.txt", "data": MEMO.encode(), "actor": amir}
        hung = [
            attach(production=production, kind=kind, place=made.documents[place], **memo).pk
            for kind, place in (("receipt", "CAM"), ("deal memo", "Panavision"))
        ]
        back = reverse_document(
            actor=amir, production=production, key=made.documents["ART"], day=DAY, reason="again"
        )
    made.documents["ART back"] = back.pk, 1
    made.ids = {
        "transaction": {"transaction_id": "{}-{}".format(*made.documents["CAM"])},
        "account_lines": {"account_code": "3301"},
        "quarantined_row": {"row_id": held.pk},
        "question": {"question_id": asked[0]},
        "import_detail": {"import_id": batch.pk},
        "import_status": {"import_id": batch.pk},
        "source_file": {"sha256": bytes(batch.document.sha256).hex()},
        "attachment": {"attachment_id": hung[0]},
        "attachment_file": {"attachment_id": hung[1]},
        "history": {"kind": "vendor", "key": vendor.pk},
        "audit_entry": {"unit_code": "MAIN", "seq": 0},
    }
    return made


def _center(found: Transaction) -> str:
    return str(
        read("SELECT code FROM taxonomy_costcenter WHERE id = %s", found.cost_center_id)[0][0]
    )


@pytest.fixture(scope="module")
def paid(cast: Cast) -> Payroll:
    return paid_film(cast)


def everything_read(made: Payroll) -> str:
    """What the current person gets of every table, and of what is called by name."""
    text = [readable(row) for table in sorted(SEEN_BY) for row in rows_of(table)]
    for batch_id, number in made.documents.values():
        with transaction.atomic():
            text.append(readable(read("SELECT journal.source_row(%s, %s)", batch_id, number)))
    return " ".join(text)


SEES_NO_PAY = ("cho", "ada", "bea", "eve", "adam", "una")


@pytest.mark.parametrize("database_role", ["web", "bond"])
@pytest.mark.parametrize("person", SEES_NO_PAY)
def test_no_table_and_no_function_says_who_is_paid_what(
    paid: Payroll, database_role: str, person: str
) -> None:
    with asking(database_role, paid.people[person], paid.film):
        text = everything_read(paid)
        if database_role == "web":
            text += readable(read("SELECT * FROM journal.entries_seen(NULL, NULL, NULL)"))
            text += readable(
                read("SELECT * FROM journal.found_by_hash(%s, %s)", b"\0" * 32, b"\xff" * 32)
            )
        if person == "cho":
            assert "850.00" in text, "what the department cost is its head's to see"
    assert [word for word in PERSONAL if word in text] == []


@pytest.mark.parametrize("person", ["amir", "lena"])
def test_whoever_may_see_pay_does(paid: Payroll, person: str) -> None:
    with asking("web", paid.people[person], paid.film):
        text = everything_read(paid)
    seen = {word for word in PERSONAL if word in text}
    # The held row is the accounting team's alone.
    assert seen == set(PERSONAL) - (set() if person == "amir" else {TYPO})


# --- every address ---
BROWSING = ("cho", "una", "adam")


@pytest.fixture(scope="module")
def pages(paid: Payroll) -> Iterator[dict[str, str]]:
    """person -> what every address answers them, asked for the payroll's documents and words."""
    said = {}
    with role("web"):
        for person in (*BROWSING, "amir"):
            client = Client(raise_request_exception=False, SERVER_NAME="localhost")
            sign_in(client, paid.people[person])
            said[person] = " ".join(_answers(client, paid))
    yield said


ASKED = {
    "audit": ("?q=object:tax-number", "?q=object:vendor", "?q=action:post"),
    "account_lines": ("?period=2", "?upto=12"),
    "bible": ("?account=3301", "?period=2", "?account=2210"),
}


def _address(name: str, known: dict[str, Any]) -> str:
    """Overrides are numbered alike in every production; nothing else is missing."""
    try:
        return reverse(name, kwargs=known)
    except NoReverseMatch:
        return reverse(name, kwargs={**known, "number": 1})


def _answers(client: Client, made: Payroll) -> Iterator[str]:
    code = made.film.code
    for name, action in roles.URL_ACTIONS.items():
        if action in (roles.ANYBODY, roles.ENROLLING, roles.PERSON):
            continue
        known = made.ids.get(name) or NOT_THERE.get(name, {})
        url = _address(name, {"code": code, **known})
        for asked in ("", *ASKED.get(name, ())):
            response = client.get(url + asked)
            assert response.status_code < 500, url
            yield response.content.decode("latin-1") + repr(dict(response.headers))
    for batch_id, number in made.documents.values():
        key = f"{batch_id}-{number}"
        yield client.get(reverse("transaction", args=[code, key])).content.decode("latin-1")
    for seq in range(8):
        page = client.get(reverse("audit_entry", args=[code, "MAIN", seq]))
        yield page.content.decode("latin-1")


@pytest.mark.parametrize("person", BROWSING)
def test_no_address_says_who_is_paid_what(pages: dict[str, str], person: str) -> None:
    assert [word for word in PERSONAL if word in pages[person]] == []


def test_what_is_withheld_is_said_in_words(pages: dict[str, str]) -> None:
    assert "850.00" in pages["cho"]
    for words in ("Name withheld", "Withheld: the row as received names a person"):
        assert words in pages["cho"]
        assert words not in pages["amir"]
    for word in PERSONAL:
        assert word in pages["amir"]


# --- how it is kept ---


def test_the_same_pay_has_other_hashes_on_another_film(paid: Payroll, cast: Cast) -> None:
    with role("owner"):
        other = make_film(cast)
    import_data(other, payroll_file(), source="payroll-register-ep", name="pay.csv")
    again = import_data(other, payroll_file() + b"\n", source="payroll-register-ep", name="2.csv")
    assert (again.posted, again.duplicate) == (0, 2), "and the same on its own"

    def hashes(film: Film) -> set[bytes]:
        with role("owner"):
            rows = Transaction.objects.filter(production=film.production).order_by("pk")
            pay = [t for t in rows if is_token(t.vendor)]
            return {bytes(h) for t in pay for h in (t.document_key, t.facts, t.vendor.encode())}

    assert not hashes(paid.film) & hashes(other)


def test_nobody_puts_another_name_under_a_token(paid: Payroll) -> None:
    words = payee_of(b"s" * 16, "Somebody", "else")
    row = (words.token, words.salt, "Another", words.description)
    insert = (
        "INSERT INTO ledger_payee (production_id, cost_center_id, token, salt, name, description)"
        " VALUES (%s, 1, %s, %s, %s, %s)"
    )
    for database_role in ("web", "worker", "bond"):
        with asking(database_role, paid.people["amir"], paid.film):
            for statement in (
                "UPDATE ledger_payee SET name = 'x'", "DELETE FROM ledger_payee",
                "DELETE FROM ledger_paykey", "UPDATE ledger_paykey SET key = ''",
            ):  # fmt: skip
                with pytest.raises(DatabaseError), transaction.atomic():
                    read(statement)
            with pytest.raises(DatabaseError), transaction.atomic():
                read(insert, paid.film.production.pk, *row)
    with asking("worker", paid.people["amir"], paid.film):
        with pytest.raises(DatabaseError, match="not that of its words"), transaction.atomic():
            read("SET LOCAL ROLE prodacct_poster")
            read(insert, paid.film.production.pk, *row)
        with pytest.raises(DatabaseError, match="another production"), transaction.atomic():
            read("SET LOCAL ROLE prodacct_poster")
            read(insert, paid.film.production.pk + 1, *row)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE ledger_payee SET name = 'x'", "its words are not those that were sealed"),
        ("UPDATE ledger_payee SET description = 'x'", "its words are not those"),
        ("UPDATE ledger_payee SET salt = sha256(salt)", "its words are not those"),
        ("UPDATE ledger_payee SET cost_center_id = 0", "no document of its cost centre"),
        ("DELETE FROM ledger_payee", "the name it was posted with is gone"),
    ],
)
def test_a_name_that_is_altered_is_found(paid: Payroll, change: str, said: str) -> None:
    with role("worker"):
        assert not verify_production(paid.film.production).findings
    with tampering():
        read(f"{change} WHERE production_id = %s", paid.film.production.pk)
        found = verify_production(paid.film.production).findings
    assert any(said in str(finding) for finding in found)


def test_a_correction_keeps_the_token_and_a_reissue_gives_no_other_name(paid: Payroll) -> None:
    film = paid.film
    asked = {"actor": paid.people["amir"], "production": film.production, "day": DAY}
    with role("web"), acting(film, "amir"):
        back = Transaction.objects.get(batch_id=paid.documents["ART back"][0])
        known = payees.known_payees(film.production, [back.vendor])
        assert payees.shown(known, back.vendor, back.description) == (f"{NAME} ART", "again")
        for now in (Reissued(vendor="Somebody"), Reissued(description="day")):
            with pytest.raises(Refused, match="keeps the name it was imported with"):
                reissue_document(key=paid.documents["CAM"], reason="x", now=now, **asked)


def test_a_payroll_row_is_shown_to_no_department(paid: Payroll) -> None:
    with role("owner"):
        held = HeldRow.objects.get(production=paid.film.production)
        stood = list(Question.objects.filter(production=paid.film.production))
        assert [(q.facts, TYPO in q.cause) for q in stood] == [([], False)] * 2
        payroll = {m.source for m in VERSIONS if m.is_payroll}
        every = {m.source for m in VERSIONS}
        found = {s for s in every if read("SELECT sec.is_payroll(%s)", s) == [(True,)]}
    assert found == payroll
    with (
        asking("web", paid.people["amir"], paid.film),
        pytest.raises(DatabaseError, match="shown to no department"),
        transaction.atomic(),
    ):
        Question.objects.create(
            production=paid.film.production, held_row=held, cause="x", text="x",
            cost_center_id=stood[0].cost_center_id, asked_of_id=stood[0].asked_of_id,
            asked_by=paid.people["amir"], facts=[["vendor", NAME]],
        )  # fmt: skip


def test_a_name_is_seen_where_its_cost_is(paid: Payroll) -> None:
    """Whoever sees pay and not all departments reads the names of their own."""
    person = newcomer(paid.film, "pat", "department_head", ("CAM",))
    with role("owner"):
        read(
            "INSERT INTO access_productionuserobjectpermission"
            " (permission_id, user_id, content_object_id)"
            " SELECT id, %s, %s FROM auth_permission WHERE codename = 'view_pay'",
            person.pk,
            paid.film.production.pk,
        )
    with asking("web", person, paid.film):
        assert [p.name for p in Payee.objects.all()] == [f"{NAME} CAM"]


def test_whoever_gets_rows_as_they_came_may_see_pay() -> None:
    """Held rows, files and alerts are not taken apart: those roles see pay."""
    raw = {"import_files", "resolve_quarantine", "post_entries"}
    for held in roles.ROLES:
        if roles.actions_of(held) & raw:
            assert "view_pay" in roles.actions_of(held), held
