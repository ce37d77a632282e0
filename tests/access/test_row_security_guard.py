"""The shape of the wall: no table, view, function or grant comes in beside it unnoticed."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.db import transaction

from tests.access.house import House, read, rows_of, scoped_tables, tables
from tests.access.seen_by import OPEN_TABLES, SEEN_BY

AsRole = Callable[[str], AbstractContextManager[None]]
READERS = ("prodacct_web", "prodacct_worker", "prodacct_bond")

UNPROTECTED = """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
  AND c.relname <> ALL(%s)
  AND NOT CASE c.relkind
      WHEN 'v' THEN coalesce(c.reloptions, '{}') && ARRAY['security_invoker=true',
                                                         'security_invoker=on']
      WHEN 'm' THEN NOT has_any_column_privilege('prodacct_web', c.oid, 'SELECT')
          AND NOT has_any_column_privilege('prodacct_worker', c.oid, 'SELECT')
          AND NOT has_any_column_privilege('prodacct_bond', c.oid, 'SELECT')
      ELSE c.relrowsecurity AND c.relforcerowsecurity
          AND EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid) END
ORDER BY 1
"""
# A function that runs as its owner must not be led astray by what its caller puts in the way:
# a schema they can write to, or a temporary table, which is found first unless pg_temp is named.
ASTRAY = """
SELECT p.proname FROM pg_proc p
WHERE p.pronamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('sec', 'journal', 'public'))
  AND p.prosecdef AND NOT EXISTS (
    SELECT 1 FROM unnest(p.proconfig) option
    WHERE option LIKE 'search\\_path=pg\\_catalog, %%' AND option LIKE '%%, pg\\_temp')
ORDER BY 1
"""
FOR_EVERYBODY = """
SELECT p.proname FROM pg_proc p CROSS JOIN LATERAL
    aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
WHERE p.pronamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('sec', 'journal', 'public'))
  AND p.prosecdef AND a.grantee = 0 AND p.prorettype <> 'trigger'::regtype
ORDER BY 1
"""
LOOSE_POLICIES = """
SELECT p.polrelid::regclass::text || '.' || p.polname FROM pg_policy p
WHERE p.polroles = '{0}' OR (p.polroles && ARRAY(
        SELECT oid FROM pg_roles WHERE rolname IN ('prodacct_web', 'prodacct_bond'))
    AND pg_get_expr(coalesce(p.polqual, p.polwithcheck), p.polrelid)
        !~ 'sec\\.(member_production_id|member_productions|user_id|own_id)')
ORDER BY 1
"""


def names(sql: str, *asked: object) -> list[str]:
    return [str(row[0]) for row in read(sql, *asked)]


def unprotected() -> list[str]:
    return names(UNPROTECTED, list(OPEN_TABLES))


@pytest.fixture(autouse=True)
def owner(as_role: AsRole):  # type: ignore[no-untyped-def]
    with as_role("owner"), transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_every_table_is_behind_forced_row_security_or_on_the_list_of_open_tables() -> None:
    assert unprotected() == []


def test_every_table_with_row_security_says_who_sees_it() -> None:
    assert sorted(SEEN_BY) == scoped_tables()


def test_the_list_of_open_tables_names_only_tables_that_exist() -> None:
    assert set(OPEN_TABLES) <= set(tables())
    assert all(reason for reason in OPEN_TABLES.values())


def test_no_open_table_names_a_production() -> None:
    assert (
        names(
            "SELECT attrelid::regclass FROM pg_attribute WHERE attname = 'production_id'"
            " AND attrelid::regclass::text = ANY(%s)",
            list(OPEN_TABLES),
        )
        == []
    )


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE new_figures (production_id bigint, amount numeric)",
        "CREATE TABLE new_figures (production_id bigint) PARTITION BY LIST (production_id)",
        "CREATE TABLE new_figures (production_id bigint);"
        " ALTER TABLE new_figures ENABLE ROW LEVEL SECURITY;"
        " CREATE POLICY p ON new_figures USING (true)",
        "CREATE TABLE new_figures (production_id bigint);"
        " ALTER TABLE new_figures ENABLE ROW LEVEL SECURITY;"
        " ALTER TABLE new_figures FORCE ROW LEVEL SECURITY",
        "CREATE VIEW new_figures AS SELECT * FROM ledger_posting",
        "CREATE MATERIALIZED VIEW new_figures AS SELECT * FROM ledger_posting;"
        " GRANT SELECT ON new_figures TO prodacct_web",
        "CREATE MATERIALIZED VIEW new_figures AS SELECT * FROM ledger_posting;"
        " GRANT SELECT (amount) ON new_figures TO prodacct_bond",
    ],
)
def test_a_new_table_or_view_beside_the_wall_is_named(statement: str) -> None:
    read(statement)
    assert unprotected() == ["new_figures"]


def test_a_view_that_asks_as_its_reader_is_no_hole() -> None:
    read("CREATE VIEW new_figures WITH (security_invoker = true) AS SELECT 1 FROM ledger_posting")
    assert unprotected() == []


def test_functions_that_run_as_their_owner_cannot_be_led_astray() -> None:
    assert names(ASTRAY) == []


@pytest.mark.parametrize(
    "path",
    [
        "",
        "SET search_path = pg_catalog, public",
        "SET search_path = pg_temp, pg_catalog, public",
        "SET search_path = public, pg_temp",
    ],
)
def test_a_function_with_a_path_that_can_be_bent_is_named(path: str) -> None:
    body = "LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'"
    read(f"CREATE FUNCTION journal.bent() RETURNS int {path} {body}")
    assert names(ASTRAY) == ["bent"]


def test_no_reader_may_put_anything_into_a_schema_those_functions_look_in() -> None:
    for schema in ("public", "sec", "journal"):
        for reader in READERS:
            asked = (reader, schema)
            assert read("SELECT has_schema_privilege(%s, %s, 'CREATE')", *asked) == [(False,)]


def test_functions_that_run_as_their_owner_are_granted_by_name() -> None:
    assert names(FOR_EVERYBODY) == []
    read("CREATE FUNCTION sec.open_door() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1'")
    assert names(FOR_EVERYBODY) == [], "a new function is nobody's but its owner's"
    read("GRANT EXECUTE ON FUNCTION sec.open_door() TO PUBLIC")
    assert names(FOR_EVERYBODY) == ["open_door"]


def test_every_policy_for_a_reader_asks_who_reads() -> None:
    assert names(LOOSE_POLICIES) == []
    read("CREATE POLICY loose ON ledger_posting FOR SELECT TO prodacct_web USING (true)")
    read("CREATE POLICY looser ON ledger_posting FOR SELECT USING (sec.user_id() = 1)")
    assert names(LOOSE_POLICIES) == ["ledger_posting.loose", "ledger_posting.looser"]


def test_nothing_that_depends_on_the_session_is_said_to_be_safe_in_a_parallel_worker() -> None:
    found = names(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'sec'::regnamespace"
        " AND proparallel = 's' ORDER BY 1"
    )
    assert found == []


def test_what_a_role_may_do_to_an_open_table_is_written_down() -> None:
    found = {
        (grantee.removeprefix("prodacct_"), table, what)
        for grantee, table, what in read(
            "SELECT grantee, table_name, string_agg(DISTINCT privilege_type, ' '"
            " ORDER BY privilege_type) FROM information_schema.table_privileges"
            " WHERE table_schema = 'public' AND table_name = ANY(%s) AND grantee = ANY(%s)"
            " GROUP BY 1, 2",
            list(OPEN_TABLES),
            [*READERS, "prodacct_poster", "PUBLIC"],
        )
    }
    assert found == {
        ("web", "access_user", "SELECT"),
        ("worker", "access_user", "SELECT"),
        *((r, "auth_permission", "SELECT") for r in ("web", "worker", "bond")),
        *((r, "django_content_type", "SELECT") for r in ("web", "worker", "bond")),
        *((r, "overrides_transition", "SELECT") for r in ("web", "worker", "bond")),
        ("web", "django_migrations", "SELECT"),
        ("worker", "django_migrations", "SELECT"),
    }
    by_column = read(
        "SELECT grantee, table_name, column_name, privilege_type"
        " FROM information_schema.column_privileges c WHERE table_schema = 'public'"
        " AND table_name = ANY(%s) AND grantee = ANY(%s) AND NOT EXISTS ("
        "   SELECT 1 FROM information_schema.table_privileges t WHERE t.grantee = c.grantee"
        "   AND t.table_name = c.table_name AND t.privilege_type = c.privilege_type)"
        " ORDER BY 1, 2, 3",
        list(OPEN_TABLES),
        [*READERS, "prodacct_poster", "PUBLIC"],
    )
    assert by_column == [
        ("prodacct_bond", "access_user", "id", "SELECT"),
        ("prodacct_bond", "access_user", "is_active", "SELECT"),
        ("prodacct_bond", "access_user", "name", "SELECT"),
        ("prodacct_web", "access_user", "last_login", "UPDATE"),
    ]


def test_every_protected_table_has_rows_or_the_tests_beside_this_one_prove_nothing(
    house: House, as_role: AsRole
) -> None:
    with as_role("owner"):
        assert [t for t in scoped_tables() if not rows_of(t)] == []


# What a role may call of what runs as its owner: questions about itself, and acts and look-ups that
# check who asks. Everything else, trigger functions above all, is called by the database alone.
CALLED_BY_NAME = {
    "journal.append", "journal.attach", "journal.attach_support", "journal.entries_seen",
    "journal.asking_facts", "journal.found_by_hash", "journal.home_of",
    "journal.held_head", "journal.override_document", "journal.overrides_of",
    "journal.refresh_statistics",
    "journal.source_row",
}  # fmt: skip


def test_no_role_calls_what_runs_as_the_owner_but_by_its_name() -> None:
    """As a trigger of one's own table such a function would run on rows one made up."""
    found = read(
        "SELECT DISTINCT n.nspname || '.' || p.proname, p.prorettype = 'trigger'::regtype"
        " FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace,"
        " unnest(%s::text[]) AS r(role)"
        " WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
        " AND has_function_privilege(r.role, p.oid, 'EXECUTE')",
        [*READERS, "prodacct_poster"],
    )
    assert [name for name, is_trigger in found if is_trigger] == []
    asked = {name for name, _ in found if not name.startswith("sec.")}
    assert asked <= CALLED_BY_NAME, asked - CALLED_BY_NAME


def test_no_trigger_function_of_ours_is_anybodys_to_attach() -> None:
    found = read(
        "SELECT n.nspname || '.' || p.proname FROM pg_proc p"
        " JOIN pg_namespace n ON n.oid = p.pronamespace, unnest(%s::text[]) AS r(role)"
        " WHERE p.prorettype = 'trigger'::regtype"
        " AND n.nspname IN ('sec', 'journal', 'purchasing', 'public')"
        " AND has_function_privilege(r.role, p.oid, 'EXECUTE')",
        [*READERS, "prodacct_poster"],
    )
    assert found == []
