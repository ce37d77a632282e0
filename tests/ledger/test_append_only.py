"""What is posted stays as it was posted: for the owner, for the worker, and for the poster."""

import pytest
from django.db import transaction
from django.db.utils import DatabaseError, ProgrammingError

from tests.factories import Film, acting, cost_line, cost_lines, import_data, role
from tests.ledger.banking import banked, line, taken
from tests.ledger.raw_batches import (
    insert,
    posting_values,
    query,
    transaction_values,
    words,
    write_batch,
)

KEPT = [
    "ledger_batch",
    "ledger_transaction",
    "ledger_posting",
    "ledger_batchtotal",
    "ledger_logentry",
    "ledger_sealedleaves",
    "ledger_leafbucket",
    "ledger_checkpoint",
    "ledger_verification",
    "ledger_alteration",
    "ledger_sourcedocument",
    "ledger_sourcepiece",
    "ledger_attachment",
    "ledger_attachmentwithdrawal",
    "ledger_bankidentifier",
    "ledger_bankstatement",
    "ledger_statementline",
    "taxonomy_costnode",
    "ingestion_rowrevision",
    "ingestion_revisionoutcome",
    "ingestion_duplicaterow",
    "ingestion_invoicemark",
]
NEVER_REMOVED = [
    "ledger_loghead",
    "ledger_period",
    "ledger_account",
    "ledger_bankaccount",
    "ingestion_importbatch",
    "ingestion_heldrow",
]


@pytest.fixture(scope="module")
def posted(cast):  # type: ignore[no-untyped-def]
    """A film with something in it, which every test of this file fails to change."""
    from tests.factories import make_film

    with role("owner"):
        film = make_film(cast)
    rows = [cost_line(1), cost_line(1), cost_line(2, amount="wrong")]
    import_data(film, cost_lines(rows))
    taken(film, banked(film), line(1, "-5.00"), line(2, "5.00"))
    return film


@pytest.mark.parametrize("table", [*KEPT, *NEVER_REMOVED])
def test_the_owner_removes_nothing_from(posted: Film, table: str) -> None:
    with role("owner"):
        for statement in (
            f"DELETE FROM {table} WHERE production_id = {posted.production.pk}",
            f"DELETE FROM {table} WHERE false",
            f"TRUNCATE {table} CASCADE",
        ):
            with pytest.raises(DatabaseError, match="the record is append-only"):
                query(statement)


@pytest.mark.parametrize("table", KEPT)
def test_the_owner_changes_nothing_in(posted: Film, table: str) -> None:
    with role("owner"):
        for where in (f"production_id = {posted.production.pk}", "false"):
            with pytest.raises(DatabaseError, match=r"UPDATE on .* is refused: the record"):
                query(f"UPDATE {table} SET production_id = production_id WHERE {where}")


@pytest.mark.parametrize("table", [*KEPT, *NEVER_REMOVED])
def test_the_worker_may_not_even_try_to_remove_from(posted: Film, table: str) -> None:
    with role("worker"), acting(posted, "amir"):
        for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
            with pytest.raises(ProgrammingError, match="denied"), transaction.atomic():
                query(statement)


@pytest.mark.parametrize("table", [*KEPT, "ledger_loghead", "ledger_period", "ledger_account"])
def test_the_worker_may_not_even_try_to_change(posted: Film, table: str) -> None:
    with role("worker"), acting(posted, "amir"):
        with pytest.raises(ProgrammingError, match="denied"), transaction.atomic():
            query(f"UPDATE {table} SET production_id = production_id")
        with pytest.raises(ProgrammingError, match="must be owner"), transaction.atomic():
            query(f"ALTER TABLE {table} DISABLE TRIGGER ALL")


@pytest.mark.parametrize("table", [
    "ledger_batchtotal", "ledger_logentry", "ledger_loghead", "ledger_sealedleaves",
    "ledger_leafbucket",
    "ledger_account", "ledger_period", "taxonomy_unit",
    "taxonomy_costcenter", "access_production", "access_membership", "access_user",
    "access_productionuserobjectpermission", "taxonomy_costcenteruserobjectpermission",
])  # fmt: skip
def test_what_the_seal_and_the_owner_write_the_worker_does_not(posted: Film, table: str) -> None:
    with (
        role("worker"),
        pytest.raises(ProgrammingError, match="denied"),
        acting(posted, "amir"),
    ):
        query(f"INSERT INTO {table} DEFAULT VALUES")


def test_the_worker_adds_no_cost_node_but_a_branch_that_was_signed(posted: Film) -> None:
    with (
        role("worker"),
        pytest.raises(DatabaseError, match="no override that is carried out has this branch"),
        acting(posted, "amir"),
    ):
        query("INSERT INTO taxonomy_costnode DEFAULT VALUES")


def test_the_head_of_a_log_moves_forward_by_one_and_never_to_another_unit(posted: Film) -> None:
    w = words(posted)
    with role("owner"):
        for change in (
            "size = size - 1",
            "size = size",
            "size = size + 2",
            "root = ''",
            "size = size + 1, unit_id = unit_id + 1000000",
            "size = size + 1, production_id = production_id + 1000000",
        ):
            with pytest.raises(DatabaseError, match="moves forward one entry at a time"):
                query(f"UPDATE ledger_loghead SET {change} WHERE unit_id = {w.units['MAIN']}")


def test_a_closed_period_is_opened_by_nobody_and_dates_stay(film: Film) -> None:
    w = words(film)
    one, two = w.periods[1], w.periods[2]
    with role("owner"), acting(film, "amir"):
        for change in ("starts_on = starts_on - 1", "ends_on = ends_on + 1", "number = 99"):
            with (
                pytest.raises(DatabaseError, match=r"wk 2 is open: .* dates stay"),
                transaction.atomic(),
            ):
                query(f"UPDATE ledger_period SET {change} WHERE id = {two}")
        query(f"UPDATE ledger_period SET state = 'closed' WHERE id = {one}")
        for state in ("open", "closed"):
            with pytest.raises(DatabaseError, match="wk 1 is closed"), transaction.atomic():
                query(f"UPDATE ledger_period SET state = '{state}' WHERE id = {one}")
        with pytest.raises(DatabaseError, match="period_state"), transaction.atomic():
            query(f"UPDATE ledger_period SET state = 'ajar' WHERE id = {two}")


def test_what_was_received_of_a_held_row_never_changes(posted: Film) -> None:
    with role("worker"), acting(posted, "amir"):
        for change in (
            "payload = ''",
            "payload_sha256 = ''",
            "row = row + 1",
            "batch_id = batch_id + 1",
        ):
            with (
                pytest.raises(DatabaseError, match="what was received never changes"),
                transaction.atomic(),
            ):
                query(f"UPDATE ingestion_heldrow SET {change}")


def test_an_import_accounts_for_every_row_at_every_commit(posted: Film) -> None:
    with role("worker"), acting(posted, "amir"):
        for change in ("posted = posted + 1", "rows = rows + 1", "quarantined = 0"):
            with pytest.raises(DatabaseError, match="every_row_accounted"), transaction.atomic():
                query(f"UPDATE ingestion_importbatch SET {change}")


# --- the poster ---------------------------------------------------------------------------------


def test_the_poster_reads_changes_and_removes_nothing_anywhere(posted: Film) -> None:
    with role("owner"):
        tables = [
            name
            for (name,) in query(
                "SELECT c.oid::regclass::text FROM pg_class c WHERE relkind IN ('r', 'p', 'v', 'm')"
                " AND relnamespace IN ('public'::regnamespace, 'sec'::regnamespace)"
            )
        ]
        rights = query(
            "SELECT table_name, string_agg(privilege_type, ' ') FROM"
            " information_schema.table_privileges WHERE grantee = 'prodacct_poster'"
            " GROUP BY 1 ORDER BY 1"
        )
    assert rights == [
        ("ingestion_duplicaterow", "INSERT"),
        ("ingestion_heldrow", "INSERT"),
        ("ledger_payee", "INSERT"),
        ("ledger_posting", "INSERT"),
        ("ledger_statementline", "INSERT"),
        ("ledger_transaction", "INSERT"),
    ]
    with role("worker"), acting(posted, "amir"):
        query("SET LOCAL ROLE prodacct_poster")
        for table in tables:
            for statement in (
                f"SELECT 1 FROM {table}",
                f"DELETE FROM {table}",
                f"TRUNCATE {table}",
                f"COPY {table} TO STDOUT",
            ):
                with pytest.raises(ProgrammingError, match="denied"), transaction.atomic():
                    query(statement)
        for statement in (
            "INSERT INTO ledger_batch DEFAULT VALUES",
            "INSERT INTO ledger_batchtotal DEFAULT VALUES",
            "INSERT INTO access_user DEFAULT VALUES",
            "SELECT sec.user_id()",
            "SELECT journal.append(1, 1, 'note', '{}', NULL)",
            "INSERT INTO ledger_posting DEFAULT VALUES RETURNING *",
        ):
            with pytest.raises(ProgrammingError, match="denied"), transaction.atomic():
                query(statement)


def test_the_poster_adds_nothing_to_a_batch_of_another_production(
    film: Film, other_film: Film
) -> None:
    """Row security does not hold it, so the triggers must."""
    w, o = words(film), words(other_film)
    with role("worker"):
        with acting(other_film, "amir"):
            foreign = write_batch(o)
        for table, values in (
            ("ledger_posting", {**posting_values(o, 2, {}), "batch_id": foreign}),
            ("ledger_transaction", transaction_values(o, foreign, 2)),
            ("ledger_posting", {**posting_values(w, 2, {}), "batch_id": foreign}),
            ("ledger_transaction", transaction_values(w, 2**40, 1)),
        ):
            with pytest.raises(DatabaseError, match="not this transaction's"), acting(film, "amir"):
                query("SET LOCAL ROLE prodacct_poster")
                insert(table, **values)
        with pytest.raises(DatabaseError, match="not this transaction's"), acting(film, "amir"):
            own = write_batch(w)
            query("SET LOCAL ROLE prodacct_poster")
            insert("ledger_posting", **{**posting_values(o, 2, {}), "batch_id": own})


def test_the_poster_holds_no_row_and_no_duplicate_of_another_production(
    posted: Film, other_film: Film
) -> None:
    import_data(other_film, cost_lines([cost_line(1), cost_line(1), cost_line(2, amount="x")]))
    with role("owner"):
        ((batch,),) = query(
            "SELECT id FROM ingestion_importbatch WHERE production_id = %s",
            other_film.production.pk,
        )
    duplicate = {
        "production_id": other_film.production.pk,
        "batch_id": batch,
        "row": 77,
        "line": 77,
        "original_batch": 1,
        "original_number": 1,
    }
    held = {
        "production_id": other_film.production.pk, "batch_id": batch, "row": 77, "line": 77,
        "byte_start": 0, "byte_end": 0, "payload": b"", "payload_sha256": b"", "violations": "[]",
        "codes": [], "cause": "", "currency": "", "state": "held",
    }  # fmt: skip
    for table, values in (("ingestion_duplicaterow", duplicate), ("ingestion_heldrow", held)):
        with (
            role("worker"),
            pytest.raises(DatabaseError, match="of another production than the signed context"),
            acting(posted, "amir"),
        ):
            query("SET LOCAL ROLE prodacct_poster")
            insert(table, **values)
        with role("worker"), acting(other_film, "amir"):
            query("SET LOCAL ROLE prodacct_poster")
            insert(table, **values)
            query("SET LOCAL ROLE NONE")
            transaction.set_rollback(True)
