"""What was: every road by which a master changes leaves its version, and nobody can write one."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.apps import apps
from django.db import DatabaseError, ProgrammingError, connection, transaction

from ledger.models import Account
from purchasing.models import Vendor
from tests.factories import Film, acting, role
from tests.ledger.raw_batches import query
from tests.purchasing.office import Office, office

HISTORIES = [m for m in apps.get_models() if m.__name__.startswith("Historical")]


@pytest.fixture
def o(film: Film) -> Iterator[Office]:
    yield office(film)


def versions(film: Film, name: str) -> list[tuple[str, int, int | None]]:
    """(type, terms, who) of a vendor's versions, the oldest first."""
    with role("owner"):
        return query(
            "SELECT history_type, terms_days, history_user_id FROM purchasing_historicalvendor"
            " WHERE production_id = %s AND name = %s ORDER BY history_id",
            film.production.pk, name,
        )  # fmt: skip


def test_save_update_bulk_and_raw_sql_each_leave_a_version(o: Office) -> None:
    amir = o.film.cast["amir"].pk
    o.vendor("ARRI")
    with o.acts():
        Vendor.objects.filter(name="ARRI").update(terms_days=10)
    with o.acts():
        found = Vendor.objects.get(name="ARRI")
        found.terms_days = 20
        found.save(update_fields=["terms_days"])
        query("UPDATE purchasing_vendor SET terms_days = 25 WHERE name = 'ARRI'")
    with o.acts():
        found.terms_days = 40
        Vendor.objects.bulk_update([found], ["terms_days"])
        Vendor.objects.filter(name="ARRI").update(terms_days=40)
    assert versions(o.film, "ARRI") == [
        ("+", 30, amir), ("~", 10, amir), ("~", 20, amir), ("~", 25, amir), ("~", 40, amir),
    ], "and an update that changes nothing leaves none"  # fmt: skip


def test_bulk_create_and_copy_leave_as_many_versions_as_rows(o: Office) -> None:
    production = o.film.production
    with o.acts():
        Vendor.objects.bulk_create(Vendor(production=production, name=f"B{n}") for n in range(50))
    with role("admin"), acting(o.film, "amir"), connection.cursor() as cursor:
        columns = "production_id, name, tax_id, terms_days, is_active"
        with cursor.copy(f"COPY purchasing_vendor ({columns}) FROM STDIN") as copy:
            for n in range(200):
                copy.write_row((production.pk, f"C{n}", "", 30, True))
    with role("owner"):
        ((count, people),) = query(
            "SELECT count(*), count(DISTINCT history_user_id) FROM purchasing_historicalvendor"
            " WHERE production_id = %s AND history_type = '+'", production.pk,
        )  # fmt: skip
    assert (count, people) == (250, 1)


def test_a_past_point_shows_what_was_true_then(o: Office) -> None:
    o.vendor("ARRI")
    moments: list[datetime] = []
    for terms in (10, 20):
        with o.acts():
            ((now,),) = query("SELECT clock_timestamp()")
            moments.append(now)
            Vendor.objects.filter(name="ARRI").update(terms_days=terms)
    with o.acts():
        found = Vendor.objects.get(name="ARRI")
        assert [found.history.as_of(m).terms_days for m in moments] == [30, 10]
        assert found.history.as_of(moments[1] + timedelta(hours=1)).terms_days == 20
        newest, before = found.history.all()[:2]
        (change,) = newest.diff_against(before).changes
        assert (change.field, change.old, change.new) == ("terms_days", 10, 20)


def test_a_rolled_back_change_leaves_no_version(o: Office) -> None:
    o.vendor("ARRI")
    with o.acts():
        Vendor.objects.filter(name="ARRI").update(terms_days=99)
        transaction.set_rollback(True)
    assert [v[:2] for v in versions(o.film, "ARRI")] == [("+", 30)]


@pytest.mark.parametrize("model", HISTORIES, ids=lambda m: m.__name__)
def test_history_has_every_column_of_its_master(film: Film, model: type) -> None:
    """A column added to a master without a new CALL would be missing from its history."""
    table = model._meta.db_table
    master = table.replace("historical", "")
    columns = (
        "SELECT array_agg(attname ORDER BY attname) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " AND attname NOT LIKE 'history%%'"
    )
    with role("owner"):
        ((own,),), ((masters,),) = query(columns, table), query(columns, master)
        assert own == masters
        ((source,),) = query(
            "SELECT prosrc FROM pg_proc WHERE proname = %s", f"history_of_{master}"
        )
    for column in masters:
        assert column in source


@pytest.mark.parametrize("model", HISTORIES, ids=lambda m: m.__name__)
@pytest.mark.parametrize("name", ["web", "worker"])
def test_no_role_writes_history(film: Film, model: type, name: str) -> None:
    table = model._meta.db_table
    for statement in (
        f"INSERT INTO {table} DEFAULT VALUES",
        f"UPDATE {table} SET history_user_id = NULL",
        f"DELETE FROM {table}",
        f"TRUNCATE {table}",
    ):
        with role(name), pytest.raises(ProgrammingError, match="denied"), acting(film, "amir"):
            query(statement)


@pytest.mark.parametrize("model", HISTORIES, ids=lambda m: m.__name__)
def test_not_even_its_owner_changes_history(film: Film, model: type) -> None:
    table = model._meta.db_table
    for statement in (f"UPDATE {table} SET history_type = '-'", f"DELETE FROM {table}"):
        with role("owner"), pytest.raises(DatabaseError, match="what was is not changed"):
            query(statement)


def test_an_account_that_is_renamed_was_called_otherwise(film: Film) -> None:
    with role("owner"):
        account = Account.objects.get(production=film.production, code="3310")
        Account.objects.filter(pk=account.pk).update(name="Camera package")
        names = [h.name for h in account.history.order_by("history_id")]
    assert names == ["Camera package rental", "Camera package"]
