"""Plain functions that make what tests need. Everything goes through the product's services."""

import itertools
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from access import context
from access import services as access
from access.models import Production, User
from ingestion import selectors, services, work
from ingestion.models import ImportBatch
from ledger.opening import ProductionPlan, open_production
from prodacct import server
from taxonomy import selectors as taxonomy
from taxonomy import services as taxonomy_services

Cast = dict[str, User]
HEADER = (
    "transaction_id,account_code,cost_center,amount,currency,jurisdiction,transaction_date,vendor"
)
CHART = """\
account,parent,name,level,line,department,kind,normal_side,statement
1100,,Story and rights,category,ATL,Writing,,debit,cost
1101,1100,Option payments,detail,ATL,Writing,purchase,debit,cost
1400,,Cast,category,ATL,Cast,,debit,cost
1401,1400,Principal cast,detail,ATL,Cast,labour,debit,cost
1499,1400,Fringes,detail,ATL,Cast,fringe,debit,cost
2200,,Art,category,BTL,Art,,debit,cost
2210,2200,Art department staff,detail,BTL,Art,labour,debit,cost
2220,2200,Art supplies,detail,BTL,Art,purchase,debit,cost
3300,,Camera,category,BTL,Camera,,debit,cost
3301,3300,Camera crew,detail,BTL,Camera,labour,debit,cost
3310,3300,Camera package rental,detail,BTL,Camera,rental,debit,cost
3399,3300,Fringes,detail,BTL,Camera,fringe,debit,cost
"""
PEOPLE = {
    "lena": ("Lena", "line_producer", ()),
    "amir": ("Amir", "production_accountant", ()),
    "cho": ("Cho", "department_head", ("CAM",)),
    "ada": ("Ada", "department_head", ("ART",)),
    "bea": ("Bea", "bond_representative", ()),
    "eve": ("Eve", "studio_executive", ()),
    "otto": ("Otto", "", ()),
}
_number = itertools.count(1)


@dataclass(frozen=True)
class Film:
    """A production and the people on it."""

    production: Production
    cast: Cast

    @property
    def code(self) -> str:
        return self.production.code


_sessions = threading.local()


@contextmanager
def role(name: str) -> Iterator[None]:
    """Ask as a database role: over a session of its own, not SET ROLE, so nothing is inherited.

    The sessions stay open from test to test. Opening one takes longer than most of what is asked
    over it, for the server has its catalogue to read again.
    """
    before = connections["default"]
    if before.settings_dict["USER"] == server.parameters(name)["USER"]:
        yield
        return
    # The connections of threads that are started meanwhile are opened by these.
    shared = connections.settings["default"]
    if before.settings_dict is shared:
        before.settings_dict = dict(shared)
    connections["default"] = now = _session(name, before)
    shared.update({word: now.settings_dict[word] for word in ("USER", "PASSWORD")})
    try:
        yield
    finally:
        connections["default"] = before
        shared.update({word: before.settings_dict[word] for word in ("USER", "PASSWORD")})


def _session(name: str, like: BaseDatabaseWrapper) -> BaseDatabaseWrapper:
    """This thread's connection as a role, to the database another connection is about."""
    opened: dict[tuple[str, str], BaseDatabaseWrapper] = _sessions.__dict__
    parameters, database = server.parameters(name), like.settings_dict["NAME"]
    opened[like.settings_dict["USER"], database] = like
    key = parameters["USER"], database
    if key not in opened:
        made = opened[key] = like.copy()
        made.settings_dict["USER"] = parameters["USER"]
        made.settings_dict["PASSWORD"] = parameters["PASSWORD"]
    return opened[key]


def close_sessions() -> None:
    """Close this thread's sessions as whatever role; each opens again when it is next used."""
    for session in _sessions.__dict__.values():
        session.close()


def make_cast() -> Cast:
    """The fixed people; one set for each test database."""
    console = access.console_person()
    return {
        name: access.add_person(
            actor=console, email=f"{name}@example.org", name=shown, password=None
        )
        for name, (shown, _, _) in PEOPLE.items()
    }


def make_film(
    cast: Cast,
    *,
    chart: str | None = CHART,
    units: tuple[str, ...] = ("MAIN", "SECOND"),
    starts_on: date = date(2026, 1, 5),
    weeks: int = 12,
    account_format: str | None = None,
) -> Film:
    """A production with a small chart (CAM, ART, CAS, WRI), and the cast in their places."""
    console = access.console_person()
    code = f"F{os.getpid()}-{next(_number)}"
    plan = ProductionPlan(
        code=code,
        title=f"Film {code}",
        currency="USD",
        units=units,
        starts_on=starts_on,
        weeks=weeks,
        chart=chart,
        account_format=account_format,
    )
    production = open_production(actor=console, plan=plan)
    centers = {c.code: c for c in taxonomy.cost_centers(production)}
    held = {cast[name]: role for name, (_, role, _) in PEOPLE.items() if role}
    access.give_memberships(actor=console, production=production, held=held)
    for name, (_, _, given) in PEOPLE.items():
        for center in given:
            if center in centers:
                taxonomy_services.give_cost_center(
                    actor=console, user=cast[name], cost_center=centers[center]
                )
    return Film(production, cast)


def cost_line(
    number: int | str,
    *,
    account: str = "3310",
    center: str = "CAM",
    amount: str = "125.00",
    currency: str = "USD",
    jurisdiction: str = "IATSE",
    day: str = "2026-01-14",
    vendor: str = "Panavision",
) -> str:
    """One row of the cost-lines layout, no quoting."""
    name = number if isinstance(number, str) else f"TX{number:06d}"
    return ",".join((name, account, center, amount, currency, jurisdiction, day, vendor))


def cost_lines(rows: Sequence[str]) -> bytes:
    """A cost-lines file."""
    return "\n".join([HEADER, *rows, ""]).encode()


@contextmanager
def acting(film: Film, name: str) -> Iterator[None]:
    """A transaction in which someone of the cast acts on the film."""
    with context.acting(user_id=film.cast[name].pk, production_id=film.production.pk):
        yield


def receive(
    film: Film,
    data: bytes,
    *,
    name: str = "costs.csv",
    source: str = "cost-lines",
    unit: str = "MAIN",
    choices: dict[str, str] | None = None,
    person: str = "amir",
) -> services.Receipt:
    """Hand a file in; nothing is read yet."""
    with acting(film, person):
        where = taxonomy.unit_by_code(film.production, unit)
        assert where is not None
        return services.receive_file(
            actor=film.cast[person],
            production=film.production,
            name=name,
            read=lambda: [data],
            source=source,
            unit=where,
            choices=choices,
        )


def import_data(film: Film, data: bytes, **asked: object) -> ImportBatch:
    """Hand a file in as the worker role and carry it to its end; the import as it ended."""
    with role("worker"):
        receipt = receive(film, data, **asked)  # type: ignore[arg-type]
        with acting(film, "amir"):
            item = selectors.work_of("import", [receipt.batch.pk]).get()
        work.drain(only=item.pk)
        with acting(film, "amir"):
            found = selectors.import_by_id(film.production, receipt.batch.pk)
    assert found is not None
    return found
