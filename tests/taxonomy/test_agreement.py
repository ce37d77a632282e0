"""Guardian's grants, memberships and policies, each tampered with, and what the check says."""

from datetime import date

import pytest
from django.db import transaction
from django.db.utils import DatabaseError, IntegrityError

from access.models import Membership
from ledger.tasks import check_access
from taxonomy import agreement
from taxonomy.models import AccessFinding
from tests.access.house import asking, newcomer, read
from tests.factories import Cast, Film, make_film, role
from tests.ledger.tampering import tampering


@pytest.fixture(scope="module")
def film(cast: Cast) -> Film:
    """A film whose people are tampered with, and put back each time."""
    with role("owner"):
        made = make_film(cast)
    newcomer(made, "adam", "administrator")
    return made


def found(film: Film) -> list[str]:
    return [
        f"{one.user.name if one.user else 'all'}: {one.said}"
        for one in agreement.disagreements(film.production)
    ]


def test_a_film_as_it_was_opened_agrees_for_every_member(film: Film) -> None:
    with role("worker"):
        assert found(film) == []
        assert check_access(film.production.pk) == 0


GRANT = (
    "INSERT INTO access_productionuserobjectpermission (permission_id, user_id, content_object_id)"
    " SELECT id, {user}, {film} FROM auth_permission WHERE codename = '{what}'"
)
REPLACED = (
    "CREATE OR REPLACE FUNCTION sec.{name} {returns} LANGUAGE sql STABLE AS $$ SELECT {what} $$"
)
GIVE_CENTER = (
    "INSERT INTO taxonomy_costcenteruserobjectpermission"
    " (permission_id, user_id, content_object_id)"
    " SELECT p.id, {user}, c.id FROM auth_permission p, taxonomy_costcenter c"
    " WHERE p.codename = 'view_costs_of' AND c.production_id = {film} AND c.code = 'ART'"
)
TAMPERED = {
    "a grant beside the role": (
        GRANT.format(user="{cho}", film="{film}", what="view_pay"),
        ["Cho: guardian's grants: view_pay; not so by role department_head"],
    ),
    "a grant taken away": (
        "DELETE FROM access_productionuserobjectpermission g USING auth_permission p WHERE"
        " p.id = g.permission_id AND p.codename = 'view_pay' AND g.user_id = {amir}"
        " AND g.content_object_id = {film}",
        ["Amir: role production_accountant: view_pay; not so by guardian's grants"],
    ),
    "a stranger with a grant": (
        GRANT.format(user="{otto}", film="{film}", what="view_costs"),
        ["Otto: holds grants and is no member: view_costs"],
    ),
    "a stranger with a cost centre": (
        GIVE_CENTER.format(user="{otto}", film="{film}"),
        ["Otto: holds grants and is no member: cost centres"],
    ),
    "a membership with another role": (
        "UPDATE access_membership SET role = 'payroll' WHERE user_id = {bea}"
        " AND production_id = {film}",
        [
            "Bea: role payroll: import_files, resolve_quarantine, view_all_costs, view_costs,"
            " view_pay; not so by guardian's grants",
            "Bea: guardian's grants: sign_overrides; not so by role payroll",
        ],
    ),
    "a membership that is gone": (
        "DELETE FROM access_membership WHERE user_id = {eve} AND production_id = {film}",
        ["Eve: holds grants and is no member: sign_overrides, view_published"],
    ),
    "a policy's function that says more cost centres": (
        REPLACED.format(name="cost_center_ids()", returns="RETURNS SETOF bigint",
                        what="id FROM taxonomy_costcenter WHERE production_id = {film}"
                             " AND code = ''ART''"),
        ["Cho: cost centres granted: CAM; not so by the policies",
         "Cho: the policies: ART; not so by cost centres granted"],
    ),
    "a policy's function that says yes to everything": (
        REPLACED.format(name="may(action text)", returns="RETURNS boolean",
                        what="action = ''manage_access''"),
        ["Cho: guardian's grants: request_overrides, view_costs; not so by the policies",
         "Cho: the policies: manage_access; not so by guardian's grants"],
    ),
    "a superuser's table": (
        "INSERT INTO auth_group (name) VALUES ('everybody')",
        ["all: auth_group has rows, and grants are given nowhere but on productions and cost"
         " centres"],
    ),
    "row security switched off": (
        "ALTER TABLE ledger_payee NO FORCE ROW LEVEL SECURITY",
        ["all: row-level security of ledger_payee is off"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", sorted(TAMPERED))
def test_what_is_tampered_with_is_named(film: Film, what: str) -> None:
    statement, said = TAMPERED[what]
    known = {name: user.pk for name, user in film.cast.items()}
    with tampering():
        read(statement.format(film=film.production.pk, **known).replace("''", "'"))
        now = found(film)
    assert set(said) <= set(now), now
    with role("worker"):
        assert found(film) == [], "what was undone is found no more"


def test_grants_of_somebody_who_left_open_nothing_and_are_no_disagreement(film: Film) -> None:
    day = date(2026, 1, 1)
    with tampering():
        for change in (
            {"starts_on": day, "ends_on": day},
            {"starts_on": date(2999, 1, 1), "ends_on": None},
        ):
            mine = Membership.objects.filter(production=film.production, user=film.cast["amir"])
            mine.update(**change)
            assert found(film) == []
        read("UPDATE access_user SET is_active = false WHERE id = %s", film.cast["cho"].pk)
        assert found(film) == []


def test_each_is_written_down_and_told(cast: Cast) -> None:
    with role("owner"):
        film = make_film(cast)
        person = newcomer(film, "adam", "administrator")
        read(GRANT.format(user=person.pk, film=film.production.pk, what="view_pay"))
    with role("worker"):
        assert check_access(film.production.pk) == 1
    with asking("web", person, film):
        assert [(f.user_id, f.said) for f in AccessFinding.objects.all()] == [
            (person.pk, "guardian's grants: view_pay; not so by role administrator")
        ]
        assert read("SELECT kind, source, count FROM ingestion_alert") == [("access", "adam", 1)]
    with asking("web", cast["amir"], film):
        assert list(AccessFinding.objects.all()) == []
        assert read("SELECT kind FROM ingestion_alert") == []


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO auth_group (name) VALUES ('x')",
        "INSERT INTO access_user_groups (user_id, group_id) VALUES (1, 1)",
        "INSERT INTO access_user_user_permissions (user_id, permission_id) VALUES (1, 1)",
        "INSERT INTO auth_group_permissions (group_id, permission_id) VALUES (1, 1)",
        "INSERT INTO guardian_userobjectpermission (object_pk, content_type_id, user_id,"
        " permission_id) VALUES ('1', 1, 1, 1)",
        "INSERT INTO guardian_groupobjectpermission (object_pk, content_type_id, group_id,"
        " permission_id) VALUES ('1', 1, 1, 1)",
    ],
)
def test_what_opens_more_than_a_grant_is_refused_to_the_owner_too(
    database: None, statement: str
) -> None:
    with (
        role("owner"),
        pytest.raises(DatabaseError, match="granted person by person"),
        transaction.atomic(),
    ):
        read(statement)


def test_nobody_is_a_superuser(cast: Cast) -> None:
    with role("owner"), pytest.raises(IntegrityError, match="no_superuser"), transaction.atomic():
        read("UPDATE access_user SET is_superuser = true WHERE id = %s", cast["otto"].pk)
