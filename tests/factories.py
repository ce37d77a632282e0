"""Plain functions that make what tests need. Everything goes through the product's services."""

import itertools
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from django.db import connection

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


@contextmanager
def role(name: str) -> Iterator[None]:
    """Reconnect as a database role: a new session, not SET ROLE, so nothing is inherited."""
    before = connection.settings_dict["USER"], connection.settings_dict["PASSWORD"]
    parameters = server.parameters(name)
    _reconnect(parameters["USER"], parameters["PASSWORD"])
    try:
        yield
    finally:
        _reconnect(*before)


def _reconnect(user: str, password: str) -> None:
    if connection.settings_dict["USER"] == user and connection.connection is not None:
        return
    connection.close()
    connection.settings_dict["USER"] = user
    connection.settings_dict["PASSWORD"] = password


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
    for name, (_, held_role, given) in PEOPLE.items():
        if held_role:
            access.give_membership(
                actor=console, production=production, user=cast[name], role=held_role
            )
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
