"""Putting a person on a production from the console."""

import io
import sys

import pytest
from django.core.management import CommandError, call_command

from access.models import User
from access.selectors import actions_on
from tests.factories import Film, acting, role


def add(film: Film, email: str, *asked: str, password: str = "a ferry at night") -> str:
    out = io.StringIO()
    before, sys.stdin = sys.stdin, io.StringIO(password + "\n")
    try:
        with role("owner"):
            call_command(
                "add_person", email, "--name", "Nia", "--production", film.code, *asked, stdout=out
            )
    finally:
        sys.stdin = before
    return out.getvalue()


def test_a_person_can_sign_in_and_sees_the_cost_centre_given(film: Film) -> None:
    said = add(film, f"nia-{film.code}@example.org", "--role", "department_head",
               "--cost-center", "CAM")  # fmt: skip
    assert "Department head" in said
    with role("owner"):
        nia = User.objects.get(email=f"nia-{film.code}@example.org".lower())
        assert nia.check_password("a ferry at night")
    with role("web"), acting(Film(film.production, {"nia": nia}), "nia"):
        assert actions_on(nia, film.production) == {"request_overrides", "view_costs"}
        from taxonomy.selectors import cost_centers

        assert [c.code for c in cost_centers(film.production)] == ["CAM"]


def test_a_cost_centre_role_or_password_that_will_not_do_is_refused(film: Film) -> None:
    with pytest.raises(CommandError, match="'ZZZ' is none of"):
        add(film, "x@example.org", "--role", "department_head", "--cost-center", "ZZZ")
    with pytest.raises(CommandError, match="role: expected one of"):
        add(film, "x@example.org", "--role", "gaffer")
    with pytest.raises(CommandError, match="password"):
        add(film, "x@example.org", "--role", "payroll", password="short")
