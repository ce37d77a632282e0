"""What somebody without the right to give places tries in raw SQL, and somebody with it."""

from typing import Any

import pytest
from django.db import DatabaseError, ProgrammingError, transaction

from access.models import User
from taxonomy import people
from tests.access.house import asking, read
from tests.factories import Cast, Film, make_film, role
from tests.taxonomy import joining
from tests.taxonomy.joining import address, administrator, invite, owner, states

post = joining.post


@pytest.fixture(scope="module")
def film(cast: Cast) -> Film:
    """One film for the whole file."""
    with role("owner"):
        return make_film(cast)


@pytest.fixture
def ines(film: Film) -> User:
    return administrator(film)


CALLS = [
    "SELECT sec.invited('\\x{zeros}', 'x@example.org', 'payroll', '{{}}', now()::date, NULL, NULL)",
    "SELECT sec.place_changed({me}, 'production_accountant', '{{}}', now()::date, NULL, 'x')",
    "SELECT sec.place_ended({ines}, 'x')",
    "SELECT sec.invitation_withdrawn({invitation})",
]
WRITES = [
    "INSERT INTO access_membership (production_id, user_id, role, starts_on, created_at, reason)"
    " VALUES ({film}, {me}, 'production_accountant', now()::date, now(), '')",
    "UPDATE access_membership SET role = 'production_accountant'",
    "DELETE FROM access_membership",
    "INSERT INTO access_productionuserobjectpermission (content_object_id, user_id, permission_id)"
    " SELECT {film}, {me}, id FROM auth_permission",
    "UPDATE access_productionuserobjectpermission SET user_id = {me}",
    "INSERT INTO taxonomy_costcenteruserobjectpermission"
    " (content_object_id, user_id, permission_id) SELECT 1, {me}, 1",
    "INSERT INTO access_invitation (email) VALUES ('x')",
    "UPDATE access_invitation SET state = 'sent'",
    "SELECT token_hash FROM access_invitation",
    "DELETE FROM access_invitation",
    "SELECT * FROM sec.letter",
    "SELECT * FROM sec.letter_taken()",
    "SELECT sec.letter_done(1, true)",
    "INSERT INTO sec.role_action VALUES ('department_head', 'manage_access')",
    "SELECT * FROM sec.role_action",
    "SELECT sec.role_granted({film}, {me}, 'production_accountant')",
    "SELECT sec.centers_granted({film}, {me}, '{{ART}}')",
    "SELECT sec.person_made('x@example.org', 'X', 'x')",
    "SELECT sec.place_held({me}, false)",
    "SELECT sec.grants_put_right()",
    "INSERT INTO access_user (email) VALUES ('x')",
]


@pytest.mark.parametrize("name", ["cho", "amir", "lena", "bea", "otto"])
def test_raw_sql_gives_nobody_a_place_or_shows_them_who_has_one(
    film: Film, ines: User, post: list[Any], name: str
) -> None:
    email = address()
    invite(film, ines, email)
    ((number,),) = owner("SELECT id FROM access_invitation WHERE email = %s", email)
    me = film.cast[name]
    known = {"me": me.pk, "film": film.production.pk, "ines": ines.pk, "zeros": "00" * 32,
             "invitation": number}  # fmt: skip
    before = owner("SELECT count(*), max(id) FROM access_historicalmembership")
    with asking("web", me, film):
        for statement in (*CALLS, *WRITES):
            with pytest.raises(ProgrammingError) as refused, transaction.atomic():
                read(statement.format(**known))
            assert getattr(refused.value.__cause__, "sqlstate", "") == "42501", statement
        assert read("SELECT id FROM access_invitation") == []
        assert read("SELECT * FROM sec.people()") == read("SELECT * FROM sec.centers_to_give()")
        assert read("SELECT * FROM sec.people()") == []
        assert read("SELECT * FROM sec.invitation_held('x')") == []
        assert read("SELECT sec.invitation_accepted('x', 'X', 'x')") == [("unknown",)]
    assert owner("SELECT count(*), max(id) FROM access_historicalmembership") == before
    assert states(email) == ["sent"]


def test_raw_sql_of_who_manages_access_passes_none_of_the_rules(
    film: Film, ines: User, other_film: Film
) -> None:
    """The right to give ends where the services say, below them too; and at the own film."""
    zero, own = "\\x" + "00" * 32, (ines.pk, "production_accountant")
    refused = [
        ("SELECT sec.place_changed(%s, %s, '{}', now()::date, NULL, 'x')", own),
        ("SELECT sec.place_changed(%s, 'administrator', '{}', now()::date, NULL, 'x')",
         (film.cast["cho"].pk,)),
        ("SELECT sec.place_changed(%s, 'king', '{}', now()::date, NULL, 'x')",
         (film.cast["cho"].pk,)),
        ("SELECT sec.invited(%s, 'x@example.org', 'administrator', '{}', now()::date, NULL, NULL)",
         (zero,)),
        ("SELECT sec.invited(%s, %s, 'payroll', '{}', now()::date, NULL, NULL)",
         (zero, ines.email.upper())),
        ("SELECT sec.place_ended(%s, ' ')", (film.cast["cho"].pk,)),
        ("UPDATE access_membership SET role = %s", ("production_accountant",)),
    ]  # fmt: skip
    with asking("web", ines, film):
        for statement, asked in refused:
            with pytest.raises(DatabaseError), transaction.atomic():
                read(statement, *asked)
        everybody = {row.person for row in people.people()}
    assert film.cast["cho"].pk in everybody
    with asking("web", ines, other_film):
        assert people.people() == []
        with pytest.raises(ProgrammingError, match="Only who manages access"), transaction.atomic():
            read("SELECT sec.place_ended(%s, 'x')", film.cast["cho"].pk)


def test_what_was_decided_about_an_invitation_stays(
    film: Film, ines: User, post: list[Any]
) -> None:
    email = address()
    invite(film, ines, email)
    for statement in (
        "UPDATE access_invitation SET email = 'x@example.org' WHERE email = %s",
        "UPDATE access_invitation SET expires_at = now() + interval '1 year' WHERE email = %s",
        "DELETE FROM access_invitation WHERE email = %s",
    ):
        with pytest.raises(DatabaseError, match="decided once"):
            owner(statement, email)
