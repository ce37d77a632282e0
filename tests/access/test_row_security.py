"""Who sees which rows, asked in raw SQL as the roles the product connects with."""

from decimal import Decimal

import psycopg
import pytest
from django.db import transaction
from django.db.utils import DatabaseError, ProgrammingError

from access.models import User
from tests.access.house import (
    CANARY,
    House,
    asking,
    canary,
    columns,
    expected,
    newcomer,
    own_connection,
    read,
    readable,
    rows_of,
    scoped_tables,
    yesterday,
)
from tests.access.seen_by import SEEN_BY, VIEWERS
from tests.factories import Cast, Film, cost_line, cost_lines, import_data, make_film, role

# The queue of work and the list of productions are one for all workers; they hold no figures.
WORKERS_NOT = ["access_addresschange", "access_doorentry", "access_invitation", "access_password",
               "access_session", "mfa_authenticator", "overrides_sealedkey"]  # fmt: skip
WORKERS_OWN = {"access_production", "ingestion_workitem"}
EVERYTHING = sorted(SEEN_BY)


def seen() -> dict[str, int]:
    """table -> how many of its rows are seen, for every table of which any is."""
    counts = {table: len(rows_of(table)) for table in EVERYTHING}
    return {table: count for table, count in counts.items() if count}


def all_text() -> str:
    """Everything the current person can read of any table, as text."""
    return " ".join(readable(row) for table in EVERYTHING for row in rows_of(table))


def counts_by_owner(conditions: dict[str, str]) -> dict[str, int]:
    with role("owner"):
        counts = {
            table: int(read(f"SELECT count(*) FROM {table} WHERE {condition}")[0][0])
            for table, condition in conditions.items()
        }
    return {table: count for table, count in counts.items() if count}


@pytest.mark.parametrize("name", ["web", "bond", "worker"])
def test_with_no_context_nothing_is_seen(house: House, name: str) -> None:
    with role(name):
        found = seen()
    assert set(found) == (WORKERS_OWN if name == "worker" else set())


@pytest.mark.parametrize("name", ["web", "bond", "worker"])
def test_a_role_reads_every_table_its_part_needs(house: House, name: str) -> None:
    with role(name):
        closed = [table for table in EVERYTHING if not columns(table)]
    assert (
        closed
        == {
            "web": ["ledger_leafbucket", "ledger_sealedleaves"],
            "bond": [
                *("access_addresschange", "access_doorentry"),
                "access_invitation",
                "access_password",
                "access_session",
                *(table for table in EVERYTHING if table.startswith("budgets_")),
                "ingestion_alert",
                "ingestion_alerthook",
                "ingestion_alertseen",
                "ingestion_deadletter",
                "ingestion_decision",
                "ingestion_deskact",
                "ingestion_deskfinding",
                "ingestion_driftentry",
                "ingestion_dryrun",
                "ingestion_feed",
                "ingestion_feedpage",
                "ingestion_feedrun",
                "ingestion_invoicemark",
                "ingestion_mappingversion",
                "ingestion_notice",
                "ingestion_question",
                "ingestion_revisionoutcome",
                "ingestion_rowrevision",
                "ingestion_secret",
                "ingestion_threshold",
                "ingestion_upload",
                "ingestion_uploadpiece",
                "ingestion_workitem",
                "ledger_bankaccount",
                "ledger_bankidentifier",
                "ledger_bankstatement",
                "ledger_historicalbankaccount",
                "ledger_leafbucket",
                "ledger_paykey",
                "ledger_sealedleaves",
                "ledger_statementline",
                *("mfa_authenticator", "overrides_sealedkey", "readlog_attempt"),
                "taxonomy_accessfinding",
            ],
            "worker": WORKERS_NOT,
        }[name]
    )


@pytest.mark.parametrize("person", sorted(VIEWERS))
@pytest.mark.parametrize("database_role", ["web", "bond"])
def test_a_member_sees_exactly_the_rows_of_their_part(
    house: House, database_role: str, person: str
) -> None:
    actions, centers = VIEWERS[person]
    user = house.film.cast[person]
    model = counts_by_owner(expected(house.film, user, actions, centers))
    with asking(database_role, user, house.film):
        found = seen()
        for table in EVERYTHING:
            if not columns(table):
                model.pop(table, None)
    assert found == model


def test_whoever_gives_places_sees_the_invitations_and_no_costs(house: House) -> None:
    model = counts_by_owner(expected(house.film, house.ines, {"manage_access"}, set()))
    with asking("web", house.ines, house.film):
        found = seen()
        text = all_text()
    assert not any(canary(1, center, 1) in text for center in ("CAM", "ART"))
    assert f"{CANARY}2" not in text
    # Of people nobody knows every administrator is told, and other tests had such visitors too.
    assert found.pop("readlog_attempt") >= model.pop("readlog_attempt")
    assert found == model
    assert {"access_invitation", "access_historicalmembership"} <= set(found)


@pytest.mark.parametrize("person", sorted(VIEWERS))
def test_no_word_of_another_department_or_production_reaches_a_member(
    house: House, person: str
) -> None:
    centers = VIEWERS[person][1]
    with asking("web", house.film.cast[person], house.film):
        text = all_text()
    shown = {c for c in ("CAM", "ART") if canary(1, c, 1) in text}
    assert shown == ({"CAM", "ART"} if centers is None else centers)
    assert f"{CANARY}2" not in text
    held = {c for c in ("CAM", "ART") if canary(1, c, 3) in text}
    named = {c for c in ("CAM", "ART") if canary(1, c, 4) in text}
    assert named == ({"CAM", "ART"} if "view_pay" in VIEWERS[person][0] else set())
    # The head of art was asked about the held row of art.
    assert held == {"amir": {"CAM", "ART"}, "ada": {"ART"}}.get(person, set())


@pytest.mark.parametrize("database_role", ["web", "bond"])
def test_a_stranger_and_a_member_of_another_film_see_nothing(
    house: House, database_role: str
) -> None:
    with asking(database_role, house.film.cast["otto"], house.film):
        # Where one has signed in oneself, or tried to.
        assert seen().keys() <= {"access_session", "access_doorentry", "access_password"}
    own = {
        "access_production", "access_membership", "access_productionuserobjectpermission",
        "access_historicalmembership",
    }  # fmt: skip
    with asking(database_role, house.nina, house.film):
        assert set(seen()) == own | ({"access_password"} if database_role == "web" else set())
        assert CANARY not in all_text()
    with asking(database_role, house.nina, house.other):
        assert canary(2, "ART", 1) in all_text()
        assert f"{CANARY}1" not in all_text()


def test_one_person_on_two_films_sees_one_at_a_time(house: House) -> None:
    amir = house.film.cast["amir"]
    for film, own, foreign in ((house.film, 1, 2), (house.other, 2, 1)):
        with asking("web", amir, film):
            text = all_text()
            assert f"{CANARY}{own}" in text
            assert f"{CANARY}{foreign}" not in text


def test_a_worker_sees_the_production_of_its_context_and_no_other(house: House) -> None:
    with asking("worker", house.film.cast["amir"], house.film):
        for table in EVERYTHING:
            if SEEN_BY[table] not in {"own", "place", "productions"} and (
                table not in WORKERS_OWN and columns(table)
            ):
                found = {row["production_id"] for row in rows_of(table)}
                assert found == {house.film.production.pk}, table


def test_the_sums_a_member_can_draw_are_those_of_their_own_rows(house: House) -> None:
    own = {"cho": ("CAM",), "ada": ("ART",), "amir": ("CAM", "ART"), "bea": ()}
    for person, centers in own.items():
        # Two imported lines, an order of 9.00 that an invoice of 5.00 relieves, and its payment;
        # 3.00 in Canadian dollars, posted without a rate and put in again with one.
        # And a day's pay of 100.00.
        imported = Decimal("11.50") + Decimal("12.50") + 100
        total = (imported + 9 + 5 - 5 + 5 + 3 - 3 + 3) * len(centers) or None
        costs = (imported + 5 + 3) * len(centers) or None
        with asking("web", house.film.cast[person], house.film):
            assert read("SELECT sum(amount) FROM ledger_posting WHERE book < 3") == [(total,)]
            sums = (
                "SELECT sum(t.amount) FROM ledger_batchtotal t JOIN ledger_account a"
                " ON a.id = t.account_id WHERE t.book = 1 AND a.statement = 'cost'"
            )
            assert read(sums) == [(costs,)]
            # And a line of the budget, its overage, and the two lines of an estimate.
            assert read("SELECT count(*) FROM ledger_transaction") == [(12 * len(centers),)]


def test_the_control_total_of_a_batch_is_read_by_no_member(house: House) -> None:
    with asking("web", house.film.cast["amir"], house.film):
        assert "control_total" not in columns("ledger_batch")
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            read("SELECT control_total FROM ledger_batch")


def test_the_bytes_of_a_row_go_to_whoever_sees_the_cost_it_became(house: House) -> None:
    with role("owner"):
        where = {
            vendor: (batch, number)
            for vendor, batch, number in read(
                "SELECT vendor, batch_id, number FROM ledger_transaction WHERE production_id IN"
                " (%s, %s)",
                house.film.production.pk,
                house.other.production.pk,
            )
        }
    mine, foreign = canary(1, "CAM", 1), (canary(1, "ART", 1), canary(2, "CAM", 1))
    for database_role in ("web", "bond"):
        with asking(database_role, house.film.cast["cho"], house.film):
            text = readable(read("SELECT journal.source_row(%s, %s)", *where[mine])[0][0])
            assert text.startswith(f"CAM1,3310,CAM,11.50,USD,IATSE,2026-01-14,{mine}")
            assert text.count(CANARY) == 2, "the row itself, and not its neighbours"
            for vendor in foreign:
                assert read("SELECT journal.source_row(%s, %s)", *where[vendor]) == [(None,)]
    with asking("web", house.film.cast["amir"], house.film):
        for center in ("CAM", "ART"):
            row = where[canary(1, center, 2)]
            assert canary(1, center, 2) in readable(read("SELECT journal.source_row(%s, %s)", *row))
        assert read("SELECT journal.source_row(%s, %s)", *where[foreign[1]]) == [(None,)]


# --- membership, person and grants end at once -----------------------------------------------


@pytest.fixture(scope="module")
def film(cast: Cast) -> Film:
    """A film for those whose place on it is taken away; a cost of camera has been posted."""
    with role("owner"):
        made = make_film(cast)
    import_data(made, cost_lines([cost_line(1)]))
    return made


@pytest.fixture
def hana(film: Film) -> User:
    """A head of camera of this test alone."""
    return newcomer(film, "hana", "department_head", ("CAM",))


# What every member sees of a film without any paperwork, whatever cost centres they were given.
EVERY_MEMBERS = {
    "ledger_account", "ledger_period", "ledger_historicalaccount", "ledger_historicalperiod",
    "ledger_loghead", "taxonomy_unit",
}  # fmt: skip
ENDINGS = {
    "the membership ended yesterday": (
        "UPDATE access_membership SET starts_on = %(day)s, ends_on = %(day)s WHERE user_id = %(u)s",
        set(),
    ),
    "the membership begins tomorrow": (
        "UPDATE access_membership SET starts_on = %(day)s + 2 WHERE user_id = %(u)s",
        set(),
    ),
    "the membership is gone": ("DELETE FROM access_membership WHERE user_id = %(u)s", set()),
    "the person is deactivated": (
        "UPDATE access_user SET is_active = false WHERE id = %(u)s",
        set(),
    ),
    "the action is revoked": (
        "DELETE FROM access_productionuserobjectpermission WHERE user_id = %(u)s",
        EVERY_MEMBERS,
    ),
    "the cost centre is revoked": (
        "DELETE FROM taxonomy_costcenteruserobjectpermission WHERE user_id = %(u)s",
        EVERY_MEMBERS,
    ),
}  # fmt: skip


@pytest.mark.parametrize("ending", sorted(ENDINGS))
def test_the_next_statement_sees_nothing_more_when(film: Film, hana: User, ending: str) -> None:
    statement, left = ENDINGS[ending]
    names_themselves = {
        "access_production", "access_membership", "access_productionuserobjectpermission",
        "access_historicalmembership", "taxonomy_costcenteruserobjectpermission",
        "access_password",
    }  # fmt: skip
    with asking("web", hana, film), own_connection("owner") as owner:
        before = set(seen())
        assert {"ledger_posting", "ledger_batchtotal", "taxonomy_costcenter"} <= before
        with owner.transaction():
            owner.execute(statement, {"u": hana.pk, "day": yesterday()})
        assert set(seen()) - names_themselves == left
        assert read("SELECT sec.cost_center_ids()") == []
        may = ending == "the cost centre is revoked"
        assert read("SELECT sec.may('view_costs')") == [(may,)]


def test_the_last_day_of_a_membership_is_a_day_of_it(film: Film, hana: User) -> None:
    with own_connection("owner") as owner:
        owner.execute(
            "UPDATE access_membership SET starts_on = (now() AT TIME ZONE 'UTC')::date,"
            " ends_on = (now() AT TIME ZONE 'UTC')::date WHERE user_id = %s",
            [hana.pk],
        )
    with asking("web", hana, film):
        assert read("SELECT count(*) FROM taxonomy_costcenter") == [(1,)]


def test_an_ended_membership_is_not_revived_by_another_time_zone(film: Film, hana: User) -> None:
    with own_connection("owner") as owner:
        owner.execute(ENDINGS["the membership ended yesterday"][0],
                      {"u": hana.pk, "day": yesterday()})  # fmt: skip
    with asking("web", hana, film):
        for zone in ("Etc/GMT+12", "X167", "Pacific/Kiritimati"):
            read("SELECT set_config('TimeZone', %s, true)", zone)
            assert read("SELECT count(*) FROM taxonomy_unit") == [(0,)]


def test_a_cost_centre_of_another_film_opens_nothing_here(house: House, film: Film) -> None:
    """A grant names a row, and the row's production must be the one in question."""
    person = newcomer(film, "ira", "department_head")
    with role("owner"):
        foreign = read(
            "SELECT id FROM taxonomy_costcenter WHERE production_id = %s", house.film.production.pk
        )
        with transaction.atomic():
            read(
                "INSERT INTO taxonomy_costcenteruserobjectpermission"
                " (permission_id, user_id, content_object_id) SELECT p.id, %s, unnest(%s)"
                " FROM auth_permission p WHERE codename = 'view_costs_of'",
                person.pk,
                [row[0] for row in foreign],
            )
    for where in (film, house.film):
        with asking("web", person, where):
            assert read("SELECT id FROM taxonomy_costcenter") == []
            assert read("SELECT sec.cost_center_ids()") == []
            assert CANARY not in all_text()


def test_a_parallel_plan_asks_as_the_same_person(house: House) -> None:
    with role("owner"):
        found = read("SELECT current_setting('server_version_num')::int")
        setting = "debug_parallel_query" if found[0][0] >= 160_000 else "force_parallel_mode"
    for name in ("web", "worker"):
        with asking(name, house.film.cast["amir"], house.film):
            read(f"SET LOCAL {setting} = on")
            assert read("SELECT sec.user_id()") == [(house.film.cast["amir"].pk,)]
            assert read("SELECT count(*) FROM ledger_transaction") == [(24,)]


def test_a_dump_without_the_right_to_see_all_fails_instead_of_being_short(house: House) -> None:
    with own_connection("web") as web:
        web.execute("SET row_security = off")
        for table in EVERYTHING:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                web.execute(f"SELECT * FROM {table}").fetchall()


def test_asking_about_no_production_shows_ones_own_memberships_only(house: House) -> None:
    from access import context

    with (
        role("web"),
        context.acting(user_id=house.nina.pk, production_id=context.NO_PRODUCTION),
    ):
        assert set(seen()) == {
            "access_membership", "access_production", "access_productionuserobjectpermission",
            "access_historicalmembership", "access_password",
        }  # fmt: skip


def test_a_refused_statement_leaves_the_connection_usable(house: House) -> None:
    with asking("web", house.film.cast["cho"], house.film):
        with pytest.raises(DatabaseError), transaction.atomic():
            read("SELECT 1/0")
        assert scoped_tables() == EVERYTHING
        assert read("SELECT count(*) FROM ledger_transaction") == [(12,)]
