"""Two films with something in every table, what each person may see of it, and how to look.

Canary words stand in vendors and descriptions: one that turns up in front of somebody it is not
meant for, in a result, an error or a notice, is a leak.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from django.db import connection

from access import context, services
from access.models import User
from access.sessions import hash_of
from alerts import selectors as told
from alerts import services as alerts
from ingestion import letters, mappings, selectors, waiting, work
from ingestion.desk import resolving
from ingestion.desk.acts import CauseAsked, act_on_cause, receive_fixed
from ingestion.desk.asking import ask_department, heads
from ingestion.tables.mappings import DryRun
from ingestion.uploads import add_piece
from ledger.attachments import attach, withdraw
from ledger.checkpoints import checkpoint_production
from ledger.findings import Finding, Verified
from ledger.holes import convert_holes
from ledger.rates import RateFile, load_rates
from ledger.verify import record_result, verify_production
from overrides.carrying import Asked
from prodacct import server
from purchasing import orders
from reports import correcting
from taxonomy import agreement
from taxonomy import selectors as taxonomy
from taxonomy import services as taxonomy_services
from tests.access.outside import do_ones_own, listen_outside
from tests.access.seen_by import CENTER_COLUMN, OPEN_TABLES, SEEN_BY, branch_of
from tests.budgets.films import DAY, changed, estimated, locked
from tests.factories import HEADER, Cast, Film, acting, cost_line, import_data, make_film, role
from tests.ingestion.sending import begun
from tests.ledger.banking import banked, line, taken
from tests.overrides.signing import founded, seals
from tests.purchasing.office import office, paperwork

_number = itertools.count(1)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
# The word every canary begins with; then film, department and number.
CANARY = "qzcanary"
_ACCOUNTS = {"CAM": "3310", "ART": "2220"}


@dataclass(frozen=True)
class House:
    """Two films with the same people, Nina, who is only on the second, and Ines, who gives places
    on the first."""

    film: Film
    other: Film
    nina: User
    ines: User


def canary(film: int, center: str, number: int) -> str:
    """The word in the vendor or description of one cost."""
    return f"{CANARY}{film}{center.lower()}{number}"


def film_rows(film: int) -> list[str]:
    """Costs of camera and art; one of each is held; the last camera row repeats the first."""
    rows = []
    for center, account in _ACCOUNTS.items():
        for n in range(1, 4):
            line = cost_line(
                f"{center}{n}",
                account=account,
                center=center,
                amount="wrong" if n == 3 else f"{film}{n}.50",
                vendor=canary(film, center, n),
            )
            rows.append(f"{line},{canary(film, center, n)}text")
    return [*rows, rows[0]]


def build(cast: Cast) -> House:
    """Make both films and fill every table of theirs."""
    with role("owner"):
        film, other = make_film(cast), make_film(cast)
        console = services.console_person()
        nina = services.add_person(
            actor=console, email="nina@example.org", name="Nina", password=None
        )
        services.give_membership(
            actor=console, production=other.production, user=nina, role="production_accountant"
        )
        for person in (cast["amir"], cast["cho"], cast["bea"]):
            services.give_authenticator_app(actor=console, user=person, secret=SECRET)
            read("SELECT sec.door_noted('came_in', %s, '192.0.2.1', 'Firefox')", person.email)
            read(
                "SELECT sec.session_kept(%s, 'signed text', %s, '192.0.2.1', 'Firefox', 900, true)",
                hash_of(f"key of {person.email}"),
                person.pk,
            )
    ines, _ = invite_somebody(film), invite_somebody(other)
    for number, each in enumerate((film, other), 1):
        text = "\n".join([HEADER + ",description", *film_rows(number), ""])
        batch = import_data(each, text.encode())
        assert (batch.posted, batch.duplicate, batch.quarantined) == (4, 1, 2)
        pay_somebody(each, number)
        reject_one(each)
        hold_one_back(each)
        act_on_the_rest(each)
        ask_about_a_row(each)
        decide_a_mapping(each, canary(0, "CAM", 6))
        send_a_part(each, canary(0, "CAM", 6))
        attach_something(each, number)
        for center, account in _ACCOUNTS.items():
            paperwork(office(each), center, account, canary(0, center, 9))
        mark_an_invoice(each)
        deal_abroad(each)
        budget_something(each)
        bank_something(each)
        override_something(cast, each)
        read_something(each, number)
        do_ones_own(each)
        with role("owner"):
            refuse_something(each)
        check_something(each, canary(number, "CAM", 1))
    return House(film, other, nina, ines)


def check_something(film: Film, word: str) -> None:
    """What the nightly checks leave: a checkpoint, and findings of both kinds."""
    with role("worker"):
        checkpoint_production(production=film.production)
    with role("owner"):
        agreement.record(film.production, [agreement.Disagreement(None, "differs")])
        record_result(film.production, verify_production(film.production))
        record_result(film.production, Verified(findings=[Finding(word, "gone")]))


def invite_somebody(film: Film) -> User:
    """An administrator, and an invitation of theirs; no letter goes out."""
    ines = newcomer(film, "ines", "administrator")
    with asking("web", ines, film):
        read(
            "SELECT sec.invited(%s, 'guest@example.org', 'payroll', '{}', now()::date, NULL, NULL)",
            hash_of(f"invitation to {film.code}"),
        )
    return ines


def pay_somebody(film: Film, films_number: int) -> None:
    """A day's pay of one person in camera and one in art, and a tax number."""
    rows = [
        f"{canary(films_number, center, 4)},Operator,IATSE,01/14/2026,Regular,{account},100.00,R1"
        for center, account in (("CAM", "3301"), ("ART", "2210"))
    ]
    header = "Employee Name,Occupation,Union,Work Date,Pay Type,Account Code,Gross Wages,"
    data = "\n".join([f"{header}Invoice Number", *rows, ""]).encode()
    batch = import_data(film, data, source="payroll-register-ep", name="pay.csv")
    assert (batch.posted, batch.quarantined) == (2, 0)
    with office(film).acts() as amir:
        asked = {"name": "Somebody", "tax_id": canary(films_number, "CAM", 4)}
        orders.add_vendor(actor=amir, production=film.production, **asked)


def attach_something(film: Film, films_number: int) -> None:
    """Two files for camera, one of them withdrawn, and one for art, in their heads' names."""
    place = {center: (batch, number) for center, batch, number in _documents(film)}
    for person, center, number in (("cho", "CAM", 1), ("cho", "CAM", 2), ("ada", "ART", 1)):
        with role("web"), acting(film, person):
            made = attach(
                actor=film.cast[person], production=film.production, kind="receipt",
                name=canary(films_number, center, number),
                data=canary(films_number, center, number).encode(), place=place[center],
            )  # fmt: skip
            if number == 2:
                withdraw(actor=film.cast[person], attachment=made, reason="not ours")


def _documents(film: Film) -> list[tuple[Any, ...]]:
    with role("owner"):
        return read(
            "SELECT c.code, t.batch_id, t.number FROM ledger_transaction t"
            " JOIN taxonomy_costcenter c ON c.id = t.cost_center_id WHERE t.production_id = %s",
            film.production.pk,
        )


def mark_an_invoice(film: Film) -> None:
    """As the worker does when it posts a vendor's invoice."""
    with role("worker"), acting(film, "amir"), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ingestion_invoicemark"
            " (production_id, batch_id, number, number_key, currency, amount)"
            " SELECT production_id, batch_id, number, '7', 'USD', 1 FROM ledger_transaction LIMIT 1"
        )


def deal_abroad(film: Film) -> None:
    """Costs of camera and art in Canadian dollars, and their rate only after they were posted."""
    rows = [
        cost_line(f"{center}9", account=account, center=center, amount="3.00", currency="CAD",
                  vendor=canary(0, center, 8))
        for center, account in _ACCOUNTS.items()
    ]  # fmt: skip
    import_data(film, "\n".join([HEADER, *rows, ""]).encode(), name="abroad.txt")
    rates = b"Date,USD,CAD,\n2026-01-14,1.25,1.60,\n"
    with role("worker"), acting(film, "amir"):
        asked = {"actor": film.cast["amir"], "production": film.production}
        load_rates(**asked, file=RateFile("rates of the day", rates))
        assert convert_holes(**asked).documents == 2


def override_something(cast: Cast, film: Film) -> None:
    """Signing rules, three keys, sealed ones, and an override that one of two has signed."""
    made = founded(cast, film)
    seals(film, ("amir", "bea"), canary(0, "CAM", 6))
    made.place = next((b, n) for center, b, n in _documents(film) if center == "CAM")
    made.decides("lena", made.asks(Asked("over_budget", DAY, (("3310", "5.00"),))))
    assert made.tells() == 2


def read_something(film: Film, number: int) -> None:
    """A page that Bea was shown."""
    with role("web"), acting(film, "bea"):
        read(
            "SELECT sec.read_noted('password', 'GET', 'landing', %s, '{}', 0, 200::smallint,"
            " sha256(''), 0, false, 1)", canary(number, "ART", 5),
        )  # fmt: skip


def refuse_something(film: Film) -> None:
    """An address of the film that was not there for somebody unknown. Written by the owner: among
    what other tests are refused in the same minute it might be one of too many, and nobody's."""
    read(
        "INSERT INTO readlog_attempt (production_id, minute, fold, first_at, last_at, count,"
        " reason, status, method, route, ip, agent, payload_mac) VALUES (%s, now(),"
        " sha256(%s::bytea), now(), now(), 1, 'not_found', 404, 'GET', 'periods', '192.0.2.9',"
        " 'Firefox', sha256('')) RETURNING id", film.production.pk, film.code,
    )  # fmt: skip


def bank_something(film: Film) -> None:
    """A bank account with a statement of two lines."""
    bank = banked(film, identifiers="111000025/7788")
    taken(film, bank, line(1, "-5.00", canary(0, "CAM", 6)), line(2, "5.00", canary(0, "ART", 6)))


def budget_something(film: Film) -> None:
    """A locked budget for camera and art, an overage, an estimate each, and a refused crossing."""
    rows = [f"{a}\t{canary(0, c, 8)}\t900.00" for c, a in _ACCOUNTS.items()]
    locked(film, "\n".join(["Account\tDescription\tTotal", *rows]), "1,800.00")
    changed(film, "overage", *((account, "50.00") for account in _ACCOUNTS.values()))
    for account in _ACCOUNTS.values():
        estimated(film, account, "efc", "960.00")
    with role("worker"), acting(film, "amir"):
        (batch, number, line) = read(
            "SELECT batch_id, transaction_number, line_no FROM ledger_posting"
            " WHERE account_id IN (SELECT id FROM ledger_account WHERE code = '3310') AND book = 1"
        )[0]
        correcting.redistribute_it(
            actor=film.cast["amir"], production=film.production, key=(batch, number),
            sent={
                "day": "2026-01-14", "reason": canary(0, "CAM", 7), f"account-{line}": "1401",
            },
        )  # fmt: skip


def reject_one(film: Film) -> None:
    """Take one held row off the desk, so that there is a revision with its outcome."""
    with role("worker"):
        with acting(film, "amir"):
            held = read("SELECT min(id) FROM ingestion_heldrow")[0][0]
            row = selectors.held_row(film.production, held)
            assert row is not None
            revision = resolving.revise_row(
                actor=film.cast["amir"], row=row, action="reject", values={}, reason="not ours"
            )
            item = selectors.work_of("revision", [revision.pk]).get()
        work.drain(only=item.pk)


def hold_one_back(film: Film) -> None:
    """A feed of the vendor's, a file over its limit, an alert of it, and what Amir decides."""
    amir, made = film.cast["amir"], film.production
    listen_outside(film)
    with role("worker"), acting(film, "amir"):
        limit = {"source": "pslplus", "most": (9, 9), "reason": "small"}
        letters.set_threshold(actor=amir, production=made, **limit)
    import_data(film, cost_line("held back").encode(), source="pslplus", name="back.txt")
    with role("worker"), acting(film, "amir"):
        found = waiting.letters_to_decide(film.production)
        letters.decide(actor=amir, letters=found, action="drop", reason="not ours")
    with role("web"), acting(film, "amir"):
        alerts.mark_read(actor=amir, alert=told.alerts(film.production)[0])
    with role("worker"), acting(film, "amir"):  # and one that he has not read
        alerts.raise_alert(production=made, kind="file", source="iif-journals", outside=False)


def act_on_the_rest(film: Film) -> None:
    """A decision about all rows of a cause, not taken up yet, and a list that was sent back."""
    with role("web"), acting(film, "amir"):
        cause = CauseAsked("E_AMOUNT|amount|wrong", None, "reject", "", "not ours", "1", "")
        act_on_cause(actor=film.cast["amir"], production=film.production, asked=cause)
        sent = receive_fixed(
            actor=film.cast["amir"], production=film.production, name="fixed.csv",
            read=lambda: [f"Row id,Check,vendor\n{canary(0, 'CAM', 6)},x,\n".encode()], reason="",
        )  # fmt: skip
        item = selectors.work_of("act", [sent.pk]).get()
    with role("worker"):
        work.drain(only=item.pk)


def ask_about_a_row(film: Film) -> None:
    """A held row of art: the head of art is shown it, the head of camera is asked in words."""
    with role("web"), acting(film, "amir"):
        row = selectors.held_rows(film.production)[0]
        for head in heads(film.production):
            made = ask_department(
                actor=film.cast["amir"], production=film.production, about=row, head=head.key,
                text=canary(0, head.code, 5),
            )  # fmt: skip
            assert bool(made.facts) == (head.code == "ART")


def decide_a_mapping(film: Film, vendor: str) -> None:
    """A file that waited for its mapping, was tried and cancelled; and a rule of its source."""
    header = "Purchase Date,Merchant Name,Amount,Account Code,Fee"
    data = f"{header}\n2026-01-14,{vendor},1.00,3310,0.10\n"
    batch = import_data(film, data.encode(), source="pex-cards", name="waits.txt")
    amir = film.cast["amir"]
    with role("web"), acting(film, "amir"):
        DryRun.objects.create(
            production=film.production, batch=batch, base="pex-cards v1", rules={}, made_by=amir
        )
        rule = {"kind": "ignore", "header": "Fee"}
        mappings.add_rule(
            actor=amir, production=film.production, source="pex-cards", rule=rule, reason="a fee"
        )
        decision = letters.cancel_import(actor=amir, batch=batch, reason="a trial")
    with role("worker"):
        with acting(film, "amir"):
            item = selectors.work_of("decision", [decision.pk]).get()
        work.drain(only=item.pk)


def send_a_part(film: Film, text: str) -> None:
    """An upload of which some has arrived."""
    with role("web"), acting(film, "amir"):
        made = begun(film, text.encode() + b"and more")
        add_piece(actor=film.cast["amir"], upload=made, offset=0, data=text.encode())


def newcomer(film: Film, name: str, held_role: str, centers: tuple[str, ...] = (),
             password: str | None = None) -> User:  # fmt: skip
    """A person of this test alone, with a role on the film."""
    with role("owner"):
        console = services.console_person()
        email = f"{name}{next(_number)}@example.org".lower()
        person = services.add_person(actor=console, email=email, name=name, password=password)
        services.give_membership(
            actor=console, production=film.production, user=person, role=held_role
        )
        for center in taxonomy.cost_centers(film.production):
            if center.code in centers:
                taxonomy_services.give_cost_center(actor=console, user=person, cost_center=center)
    return person


def read(sql: str, *asked: Any) -> list[tuple[Any, ...]]:
    """The rows of a raw statement in the current connection and transaction."""
    with connection.cursor() as cursor:
        cursor.execute(sql, asked or None)
        return cursor.fetchall() if cursor.description else []


def own_connection(name: str) -> psycopg.Connection[tuple[Any, ...]]:
    """Another session with the test database, beside Django's."""
    database = str(connection.settings_dict["NAME"])
    return psycopg.connect(server.connection_string(name, database), autocommit=True)


@contextmanager
def asking(database_role: str, user: User | None, film: Film) -> Iterator[None]:
    """A transaction in which a person asks about a film; None asks without any context."""
    with role(database_role):
        if user is None:
            yield
            return
        with context.acting(user_id=user.pk, production_id=film.production.pk):
            yield


def tables() -> list[str]:
    """Every table and view of the schema."""
    return [
        name
        for (name,) in read(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p', 'v', 'm') ORDER BY 1"
        )
    ]


def scoped_tables() -> list[str]:
    """The tables that hold productions' data."""
    return [name for name in tables() if name not in OPEN_TABLES]


def columns(table: str) -> list[str]:
    """The columns of a table that the current role may read."""
    return [
        name
        for (name,) in read(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
            " AND NOT attisdropped AND has_column_privilege(attrelid, attnum, 'SELECT')"
            " ORDER BY attnum",
            table,
        )
    ]


def rows_of(table: str) -> list[dict[str, Any]]:
    """All that the current role and person see of a table."""
    names = columns(table)
    if not names:
        return []
    found = read(f"SELECT {', '.join(names)} FROM {table}")
    return [dict(zip(names, row, strict=True)) for row in found]


def readable(value: object) -> str:
    """A value as text in which a canary would show, bytes too."""
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("latin-1")
    if isinstance(value, dict):
        return " ".join(readable(v) for v in value.values())
    if isinstance(value, list | tuple):
        return " ".join(readable(v) for v in value)
    return str(value)


def expected(film: Film, user: User, actions: set[str], centers: set[str] | None) -> dict[str, str]:
    """table -> the condition that picks what a member of `film` may see; `centers` None is all."""
    mine = f"production_id = {film.production.pk}"
    picked = "true" if centers is None else f"code = ANY ('{{{','.join(sorted(centers))}}}')"
    center_ids = f"SELECT id FROM taxonomy_costcenter WHERE {mine} AND {picked}"
    productions = f"SELECT production_id FROM access_membership WHERE user_id = {user.pk}"
    documents = f"SELECT document_id FROM ledger_transaction WHERE cost_center_id IN ({center_ids})"
    branch = branch_of(mine, picked)
    seen = (
        f"SELECT a.id FROM ledger_attachment a JOIN ledger_transaction t ON"
        f" t.batch_id = a.batch_id AND t.number = a.number AND t.cost_center_id IN ({center_ids})"
    )
    live = (
        f"SELECT document_id FROM ledger_attachment WHERE id IN ({seen})"
        " AND id NOT IN (SELECT attachment_id FROM ledger_attachmentwithdrawal)"
    )
    batches = f"SELECT batch_id FROM ledger_batchtotal WHERE cost_center_id IN ({center_ids})"
    of_batch = f"{mine} AND batch_id IN ({batches})"

    def condition(table: str) -> str:
        rule, every = SEEN_BY[table], "view_all_costs" in actions
        known = {
            "productions": f"id IN ({productions})",
            "own": f"user_id = {user.pk}",
            "own here": f"{mine} AND user_id = {user.pk}",
            "audience": f"{mine} AND audience = ANY ('{{{','.join(actions)}}}')",
            "place": f"user_id = {user.pk}" + (f" OR {mine}" if "manage_access" in actions else ""),
            "members": mine,
            "sent": f"{mine} AND made_by_id = {user.pk} AND {'import_files' in actions}",
            "center": f"{mine} AND {CENTER_COLUMN.get(table, 'cost_center_id')} IN ({center_ids})",
            "pay": f"{mine} AND cost_center_id IN ({center_ids}) AND {'view_pay' in actions}",
            "node": mine if every else f"{mine} AND ({branch})",
            "attachment": f"{mine} AND id IN ({seen})",
            "withdrawal": f"{mine} AND attachment_id IN ({seen})",
            "piece": mine if "import_files" in actions else f"{mine} AND document_id IN ({live})",
            "batch": f"{mine} AND id IN ({batches})",
            "entry": f"{of_batch} OR {mine} AND batch_id IS NULL AND {every}",
            "of batch": of_batch,
            "question": f"{mine} AND ({'resolve_quarantine' in actions} OR asked_of_id={user.pk})",
            "reads": f"{mine} AND ({every or 'manage_access' in actions} OR user_id = {user.pk})",
            "viewings": f"{mine} AND ({'view_as' in actions or 'manage_access' in actions}"
            f" OR person_id = {user.pk})",
            "document": mine if "import_files" in actions else f"{mine} AND id IN ({documents})",
        }
        return known.get(rule) or (mine if rule in actions else "false")

    return {table: condition(table) for table in SEEN_BY}


def yesterday() -> date:
    """The day before today, by the calendar the policies use."""
    return datetime.now(tz=UTC).date() - timedelta(days=1)
