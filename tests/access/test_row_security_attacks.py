"""What an SQL injection in the web role would try: forged contexts, other roles, side channels."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable

import psycopg
import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError, DataError, ProgrammingError

from access import context
from tests.access.house import (
    CANARY,
    House,
    asking,
    canary,
    own_connection,
    read,
    readable,
    rows_of,
)
from tests.access.seen_by import SEEN_BY
from tests.factories import role

EVERYTHING = sorted(SEEN_BY)


def parts_of(house: House, person: str = "cho") -> list[str]:
    """A right context for the current session, in its five parts."""
    (pid,) = read("SELECT pg_backend_pid()")[0]
    return context.signed_context(
        user_id=house.film.cast[person].pk,
        production_id=house.film.production.pk,
        backend_pid=pid,
        expires=int(time.time()) + 300,
    ).split(".")


def signed(parts: list[str], key: bytes | None = None) -> str:
    body = ".".join(parts[:4])
    mac = hmac.new(context.context_key() if key is None else key, body.encode(), hashlib.sha256)
    return f"{body}.{mac.hexdigest()}"


def changed(parts: list[str], place: int, value: str) -> str:
    return ".".join([*parts[:place], value, *parts[place + 1 :]])


Forger = Callable[[list[str], House], str]
FORGED: dict[str, Forger] = {
    "another user": lambda p, h: changed(p, 0, str(h.film.cast["amir"].pk)),
    "another production": lambda p, h: changed(p, 1, str(h.other.production.pk)),
    "a longer life": lambda p, h: changed(p, 2, str(int(p[2]) + 3600)),
    "a moved dot": lambda p, h: f"{p[0]}{p[1]}..{p[2]}.{p[3]}.{p[4]}",
    "a digit moved over a dot": lambda p, h: changed(changed(p, 0, p[0] + p[1][0]).split("."), 1,
                                                     p[1][1:]),
    "expired": lambda p, h: signed(changed(p, 2, str(int(time.time()) - 1)).split(".")),
    "another session's": lambda p, h: signed(changed(p, 3, str(int(p[3]) + 1)).split(".")),
    "another key's": lambda p, h: signed(p, b"k" * 32),
    "no key's": lambda p, h: signed(p, b""),
    "a plain hash for a mac": lambda p, h: changed(
        p, 4, hashlib.sha256(".".join(p[:4]).encode()).hexdigest()),
    "a cut mac": lambda p, h: ".".join(p)[:-1],
    "a mac of upper case": lambda p, h: changed(p, 4, p[4].upper()),
    "no mac": lambda p, h: changed(p, 4, ""),
    "four parts": lambda p, h: ".".join(p[:4]),
    "six parts": lambda p, h: ".".join(p) + ".",
    "empty parts": lambda p, h: "....",
    "an empty user": lambda p, h: changed(p, 0, ""),
    "nothing": lambda p, h: "",
    "a dot": lambda p, h: ".",
    "huge numbers": lambda p, h: ".".join(["9" * 400] * 4 + [p[4]]),
    "numbers of sixty digits": lambda p, h: ".".join(["9" * 15] * 4 + [p[4]]),
    "a negative user": lambda p, h: changed(p, 0, "-" + p[0]),
    "a fraction": lambda p, h: changed(p, 0, p[0] + "e0"),
    "spaces": lambda p, h: changed(p, 0, " " + p[0]),
    "a line break at the end": lambda p, h: ".".join(p) + "\n",
    "digits of another script": lambda p, h: changed(p, 0, "\u0661"),
    "words": lambda p, h: changed(p, 0, "NULL"),
    "a quote": lambda p, h: changed(p, 0, "1' OR '1'='1"),
    "a backslash": lambda p, h: changed(p, 0, "\\x31"),
}  # fmt: skip


def seen() -> list[str]:
    return [table for table in EVERYTHING if rows_of(table)]


@pytest.mark.parametrize("name", ["web", "bond"])
def test_forged_contexts_show_nothing_and_raise_nothing(house: House, name: str) -> None:
    with role(name), transaction.atomic():
        parts = parts_of(house)
        for what, forge in FORGED.items():
            read("SELECT set_config('prodacct.context', %s, true)", forge(parts, house))
            assert (seen(), read("SELECT sec.context()")) == ([], [(None,)]), what
        read("SELECT set_config('prodacct.context', %s, true)", ".".join(parts))
        assert "ledger_posting" in seen(), "the right one shows that this test looks"


def test_a_context_overheard_in_one_session_is_of_no_use_in_another(house: House) -> None:
    with asking("web", house.film.cast["amir"], house.film), own_connection("web") as other:
        overheard = read("SELECT current_setting('prodacct.context')")[0][0]
        other.execute("SELECT set_config('prodacct.context', %s, false)", [overheard])
        assert other.execute("SELECT count(*) FROM ledger_posting").fetchone() == (0,)
        assert read("SELECT count(*) > 0 FROM ledger_posting") == [(True,)]


ESCALATIONS = [
    "SET ROLE prodacct_owner",
    "SET ROLE prodacct_poster",
    "SET ROLE prodacct_worker",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION prodacct_owner",
    "SET session_replication_role = replica",
    "SELECT set_config('session_replication_role', 'replica', false)",
    "SELECT * FROM sec.context_key",
    "SELECT count(*) FROM sec.context_key",
    "COPY sec.context_key TO STDOUT",
    "UPDATE sec.context_key SET inner_key = ''",
    "INSERT INTO sec.context_key VALUES ('', '')",
    "SELECT * FROM pg_authid",
    "SELECT rolpassword FROM pg_authid",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('.')",
    "COPY ledger_posting TO PROGRAM 'cat'",
    "COPY ledger_posting TO '/tmp/out'",
    "ALTER TABLE ledger_posting DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE ledger_posting NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE ledger_posting DISABLE TRIGGER ALL",
    "ALTER ROLE prodacct_web BYPASSRLS",
    "GRANT SELECT ON ledger_sealedleaves TO prodacct_web",
    "CREATE POLICY mine ON ledger_posting USING (true)",
    "CREATE OR REPLACE FUNCTION sec.user_id() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
    "CREATE FUNCTION sec.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TABLE public.mine (x int)",
    "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CALL sec.protect('ledger_posting', 'true')",
    "CALL sec.keep_forever('ledger_posting')",
    "SELECT journal.batch_leaves(1, 1)",
    "SELECT journal.leaves_root('\\x00')",
    "SELECT journal.batch_data(NULL, NULL)",
    "SELECT journal.check_batch(NULL)",
    "SELECT journal.add_totals(NULL)",
    "SELECT journal.append(1, 1, 'note', '{}', NULL)",
    "LOCK TABLE ledger_posting IN ACCESS EXCLUSIVE MODE",
]


# The worker posts and appends, and verifies, for which it writes a batch as the log has it. What
# it holds itself it may try to pass on: a mere warning.
WORKERS_OWN_RIGHTS = {
    "SELECT journal.batch_data(NULL, NULL)",
    "SET ROLE prodacct_worker",
    "SET ROLE prodacct_poster",
    "SELECT journal.append(1, 1, 'note', '{}', NULL)",
    "GRANT SELECT ON ledger_sealedleaves TO prodacct_web",
}


@pytest.mark.parametrize("name", ["web", "bond"])
def test_no_way_leads_from_a_reader_to_another_role(house: House, name: str) -> None:
    with own_connection(name) as reader:
        for statement in ESCALATIONS:
            with (
                pytest.raises(
                    (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)
                ),
                reader.transaction(),
            ):
                reader.execute(statement)


def test_the_worker_becomes_the_poster_and_nobody_else(house: House) -> None:
    with own_connection("worker") as worker:
        for statement in ESCALATIONS:
            if statement in WORKERS_OWN_RIGHTS:
                continue
            with pytest.raises(psycopg.errors.InsufficientPrivilege), worker.transaction():
                worker.execute(statement)
        worker.execute("SET ROLE prodacct_poster")
        for table in EVERYTHING:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                worker.execute(f"SELECT 1 FROM {table}")


def test_the_bond_role_writes_nothing_even_when_it_lifts_its_own_read_only_flag(
    house: House,
) -> None:
    with own_connection("bond") as bond:
        bond.execute("SET default_transaction_read_only = off")
        for table in EVERYTHING:
            for statement in (f"DELETE FROM {table}", f"INSERT INTO {table} DEFAULT VALUES"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    bond.execute(statement)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            bond.execute("SELECT hash FROM access_password")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            bond.execute("SELECT * FROM django_session")


# --- side channels: everything that comes back is looked through for the words of others -------


def answer(statement: str, *asked: object) -> str:
    """Whatever comes back to whoever runs this: rows, COPY data, notices or the error's text."""
    said: list[str] = []
    connection.connection.add_notice_handler(lambda n: said.append(str(n.message_primary)))
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            if statement.startswith("COPY"):
                with cursor.copy(statement) as copy:
                    said += [bytes(piece).decode("latin-1") for piece in copy]
            else:
                cursor.execute(statement, asked or None)
                said += [readable(row) for row in (cursor.fetchall() if cursor.description else [])]
    except (DatabaseError, psycopg.Error) as error:
        said.append(str(error))
    return "\n".join(said)


@pytest.fixture(scope="module")
def analysed(house: House) -> House:
    """The planner knows the values of every column; an administrator's ANALYZE made it so."""
    with own_connection("owner") as owner:
        owner.execute("SET default_statistics_target = 10000")
        for table in EVERYTHING:
            owner.execute(f"ANALYZE {table}")
    return house


PROBES = [
    "SELECT * FROM ledger_transaction",
    "TABLE ledger_transaction",
    "SELECT t::text FROM ledger_transaction t",
    "SELECT array_agg(vendor), max(vendor), min(vendor) FROM ledger_transaction",
    "SELECT string_agg(description, '') FROM ledger_transaction",
    "SELECT max(vendor)::int FROM ledger_transaction",
    "SELECT ('{' || vendor)::json FROM ledger_transaction",
    "SELECT query_to_xml('SELECT * FROM ledger_transaction', true, true, '')",
    "SELECT database_to_xml(true, true, '')",
    "SELECT schema_to_xml('public', true, true, '')",
    "COPY ledger_transaction TO STDOUT",
    "COPY (SELECT * FROM ledger_posting) TO STDOUT",
    "COPY ingestion_heldrow TO STDOUT",
    "EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM ledger_transaction",
    "EXPLAIN (VERBOSE) SELECT * FROM ledger_transaction WHERE vendor > 'a'",
    "SELECT * FROM pg_stats WHERE tablename LIKE 'ledger%' OR tablename LIKE 'ingestion%'",
    "SELECT * FROM pg_stats_ext_exprs",
    "SELECT * FROM pg_statistic",
    "SELECT * FROM pg_stat_activity",
    "DECLARE all_rows CURSOR FOR SELECT * FROM ledger_transaction; FETCH ALL FROM all_rows",
    "PREPARE probe AS SELECT * FROM ledger_transaction; EXECUTE probe; DEALLOCATE probe",
    "SELECT * FROM ledger_transaction TABLESAMPLE SYSTEM (100)",
    "SELECT * FROM ledger_transaction WHERE ctid = '(0,1)'",
    "SELECT * FROM ledger_transaction FOR UPDATE",
    "SELECT * FROM ONLY ledger_transaction t NATURAL JOIN ledger_posting",
    "SELECT journal.transaction_leaf(t) FROM ledger_transaction t",
    "INSERT INTO ledger_transaction SELECT * FROM ledger_transaction",
    "UPDATE ledger_transaction SET vendor = vendor RETURNING *",
    "DELETE FROM ledger_transaction RETURNING *",
    "MERGE INTO ledger_transaction t USING ledger_transaction s ON t.vendor = s.vendor"
    " WHEN MATCHED THEN DELETE",
]


def test_no_probe_brings_back_a_word_of_another_department(analysed: House) -> None:
    with asking("web", analysed.film.cast["cho"], analysed.film):
        for probe in PROBES:
            said = answer(probe)
            for word in (f"{CANARY}1art", f"{CANARY}2"):
                assert word not in said, probe
        assert f"{CANARY}1cam" in answer(PROBES[0])
        assert f"{CANARY}1cam" in answer(PROBES[10]), "COPY is looked through as well"
        assert f"{CANARY}1cam" in answer(PROBES[5]), "and errors"


def test_a_division_by_zero_answers_only_for_ones_own_rows(analysed: House) -> None:
    probe = (
        "SELECT count(*) FROM ledger_transaction"
        " WHERE 1 / (CASE WHEN vendor = %s THEN 0 ELSE 1 END) = 1"
    )
    with asking("web", analysed.film.cast["cho"], analysed.film):
        for hidden in (canary(1, "ART", 1), canary(2, "CAM", 1)):
            assert read(probe, hidden) == [(12,)]
        with pytest.raises(DataError, match="division by zero"), transaction.atomic():
            read(probe, canary(1, "CAM", 1))


def test_a_talkative_function_of_ones_own_is_shown_only_ones_own_rows(analysed: House) -> None:
    with asking("web", analysed.film.cast["cho"], analysed.film):
        read(
            "CREATE FUNCTION pg_temp.tell(t text) RETURNS boolean LANGUAGE plpgsql"
            " COST 0.0000001 AS $$BEGIN RAISE WARNING '%', t; RETURN true; END$$"
        )
        said = answer("SELECT count(*) FROM ledger_transaction WHERE pg_temp.tell(vendor)")
        assert f"{CANARY}1cam1" in said
        assert f"{CANARY}1art" not in said
        assert f"{CANARY}2" not in said
        transaction.set_rollback(True)


def test_a_table_of_ones_own_laid_before_the_real_one_opens_nothing(house: House) -> None:
    """A temporary table is found first, unless the function that runs as its owner says not."""
    cho, film = house.film.cast["cho"], house.film
    with role("owner"):
        ((document, size),) = read(
            "SELECT id, byte_size FROM ledger_sourcedocument WHERE production_id = %s"
            " AND name = 'costs.csv' ORDER BY id LIMIT 1",
            film.production.pk,
        )
    with asking("web", cho, film):
        ((center,),) = read("SELECT id FROM taxonomy_costcenter")
        read(
            "CREATE TEMP TABLE ledger_transaction AS SELECT %s::bigint production_id,"
            " 1099511627776::bigint batch_id, 1 AS number, %s::bigint cost_center_id,"
            " 0::bigint source_start,"
            " %s::bigint source_end, %s::bigint document_id",
            film.production.pk,
            center,
            size,
            document,
        )
        read("GRANT ALL ON ledger_transaction TO PUBLIC")
        assert read("SELECT journal.source_row(1099511627776, 1)") == [(None,)]
        transaction.set_rollback(True)
    with asking("web", house.film.cast["otto"], film):
        read(
            "CREATE TEMP TABLE access_membership AS SELECT %s::bigint production_id,"
            " %s::bigint user_id, date '2000-01-01' starts_on, NULL::date ends_on",
            film.production.pk,
            film.cast["otto"].pk,
        )
        read("GRANT ALL ON access_membership TO PUBLIC")
        assert read("SELECT count(*) FROM taxonomy_unit") == [(0,)]
        transaction.set_rollback(True)


# --- writing ----------------------------------------------------------------------------------


# A person's own keys: they set up, use and remove them, and nobody else's.
ONES_OWN = {"mfa_authenticator", "access_session", "access_password"}


@pytest.mark.parametrize("person", ["amir", "cho"])
def test_the_web_role_changes_and_removes_nothing(house: House, person: str) -> None:
    with asking("web", house.film.cast[person], house.film):
        for table in (t for t in EVERYTHING if t not in ONES_OWN):
            ((column,),) = read(
                "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum = 1",
                table,
            )
            for statement in (
                f"UPDATE {table} SET {column} = {column}",
                f"DELETE FROM {table}",
                f"TRUNCATE {table} CASCADE",
            ):
                with pytest.raises(ProgrammingError, match="denied"), transaction.atomic():
                    read(statement)


# What makes a copy of a row another row; {n} is a number nobody has used, {alert} the newest alert
# of what came in, which nobody has read. A piece is written with its document, for nothing is added
# to a document received before.
ANOTHER = {
    "ledger_sourcedocument": {"id": "{n}", "sha256": "\\x{n:064x}"},
    "ledger_sourcepiece": {"document_id": "{n}"},
    "ledger_commitment": {"id": "{n}"},
    "ledger_batch": {"id": "{n}", "key": "\\x{n:064x}", "actor_id": "{person}"},
    "ingestion_importbatch": {"id": "{n}", "form": "probe", "created_by_id": "{person}"},
    "ingestion_rowrevision": {"id": "{n}", "made_by_id": "{person}"},
    "ingestion_workitem": {"id": "{n}", "subject_id": "-{n}"},
    "ingestion_mappingversion": {"id": "{n}", "source": "{n}", "accepted_by_id": "{person}"},
    "ingestion_dryrun": {"id": "{n}", "made_by_id": "{person}"},
    "ingestion_threshold": {"id": "{n}", "made_by_id": "{person}"},
    "ingestion_decision": {"id": "{n}", "made_by_id": "{person}"},
    "ingestion_feed": {"id": "{n}", "name": "probe", "made_by_id": "{person}"},
    "ingestion_feedrun": {"id": "{n}", "state": "failed", "made_by_id": "{person}"},
    "ingestion_upload": {
        "id": "{n}",
        "sha256": "\\x{n:064x}",
        "received": "0",
        "made_by_id": "{person}",
    },
    "ingestion_secret": {"id": "{n}", "made_by_id": "{person}"},
    "ingestion_alerthook": {"id": "{n}", "made_by_id": "{person}"},
    "ingestion_alertseen": {"id": "{n}", "alert_id": "{alert}", "user_id": "{person}"},
}


def insertions(production: int, person: int) -> dict[str, str]:
    """One right new row, as JSON, for every table the web role may write to."""
    made = {}
    n = time.monotonic_ns()
    with role("owner"):
        ((alert,),) = read(
            "SELECT max(id) FROM ingestion_alert WHERE production_id = %s"
            " AND audience = 'import_files'", production,
        )  # fmt: skip
        for table, values in ANOTHER.items():
            ((row,),) = read(
                f"SELECT to_jsonb(x) FROM {table} x WHERE production_id = %s LIMIT 1", production
            )
            changed = {k: str(v).format(n=n, person=person, alert=alert) for k, v in values.items()}
            made[table] = json.dumps({**json.loads(row), **changed})
    return made


def inserts_refused(house: House, production: int, person: str, writer: str) -> list[str]:
    """The tables that refuse `person`'s rows about `production`, written by `writer`."""
    refused = []
    rows = insertions(production, house.film.cast[person].pk)
    with asking("web", house.film.cast[writer], house.film):
        for table, row in rows.items():
            try:
                with transaction.atomic():
                    copy = f"SELECT * FROM jsonb_populate_record(NULL::{table}, %s::jsonb)"
                    read(f"INSERT INTO {table} {copy}", row)
            except ProgrammingError as error:
                assert "row-level security" in str(error)
                assert CANARY not in str(error)
                refused.append(table)
        transaction.set_rollback(True)
    return refused


def test_a_row_is_written_into_ones_own_film_by_whoever_may(house: House) -> None:
    own, other = house.film.production.pk, house.other.production.pk
    every = list(ANOTHER)
    assert inserts_refused(house, own, "amir", "amir") == []
    assert inserts_refused(house, other, "amir", "amir") == every
    for writer in ("cho", "lena", "bea", "otto"):
        assert inserts_refused(house, own, writer, writer) == every, writer


def test_nobody_decides_about_a_held_row_in_another_name(house: House) -> None:
    refused = inserts_refused(house, house.film.production.pk, "lena", "amir")
    assert "ingestion_rowrevision" in refused


def test_a_held_row_is_only_sent_on_and_only_ones_own(house: House) -> None:
    update = "UPDATE ingestion_heldrow SET state = %s WHERE production_id = %s RETURNING state"
    own, other = house.film.production.pk, house.other.production.pk
    mine = update.replace(" RETURNING", " AND state = 'held' RETURNING")
    with asking("web", house.film.cast["amir"], house.film):
        assert read(mine, "resubmitted", other) == []
        for state in ("posted", "rejected", "duplicate", "held"):
            with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
                read(mine, state, own)
        assert read(mine, "resubmitted", own) == [("resubmitted",)]
        transaction.set_rollback(True)
    with asking("web", house.film.cast["amir"], house.film):
        with pytest.raises(DatabaseError, match="what was received never changes"):
            read(update.replace(" RETURNING", " AND state = 'rejected' RETURNING"),
                 "resubmitted", own)  # fmt: skip
        transaction.set_rollback(True)
    for person in ("cho", "lena"):
        with asking("web", house.film.cast[person], house.film):
            assert read(mine, "resubmitted", own) == []


def test_a_unique_key_says_nothing_of_another_film(house: House) -> None:
    """The same bytes in two films are two documents: nobody learns what others received."""
    with role("owner"):
        ((sha256,),) = read(
            "SELECT sha256 FROM ledger_sourcedocument WHERE production_id = %s"
            " AND name = 'costs.csv' ORDER BY id LIMIT 1",
            house.other.production.pk,
        )
    with asking("web", house.film.cast["amir"], house.film):
        insert = (
            "INSERT INTO ledger_sourcedocument (production_id, sha256, byte_size, name,"
            " received_at, received_by_id) VALUES (%s, %s, 0, 'x', now(), %s) RETURNING name"
        )
        asked = (house.film.production.pk, bytes(sha256), house.film.cast["amir"].pk)
        assert read(insert, *asked) == [("x",)]
        transaction.set_rollback(True)
