"""Passwords that are made of this trade's own words."""

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from access.password_words import own_letters


@pytest.mark.parametrize(
    ("password", "word"),
    [
        ("prodacct-2026-main", "prodacct"),
        ("Production!Accountant#1", "production"),
        ("P.a.y.r.o.l.l-2026-wk12", "payroll"),
        ("welcome-to-prodacct", "welcome"),
    ],
)
def test_a_password_of_words_anybody_here_would_try_is_refused(password: str, word: str) -> None:
    with pytest.raises(ValidationError, match=rf"words anybody here would try \({word}\)"):
        validate_password(password)


@pytest.mark.parametrize(
    "password",
    ["payroll hovercraft eels", "91 83 47 20 65 11", "a long enough password", "пароль-бухгалтера"],
)
def test_a_password_with_words_of_its_own_is_taken(password: str) -> None:
    assert validate_password(password) is None


def test_words_are_found_whatever_stands_between_their_letters() -> None:
    assert own_letters("B-U-D-G-E-T 2026 red") == "red"
