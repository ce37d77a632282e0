"""The role table and the addresses agree, both ways."""

from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver, path

from access import roles
from tests.access.seen_by import VIEWERS
from tests.factories import PEOPLE


def url_names(resolver: Any) -> Iterator[str]:
    """The name of every address below a resolver, '' for one that has none."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from url_names(entry)
        else:
            assert isinstance(entry, URLPattern)
            yield entry.name or ""


def test_every_address_has_a_line_in_the_role_table_and_every_line_an_address() -> None:
    names = list(url_names(get_resolver()))
    assert "" not in names, "an address without a name cannot be asked about"
    assert len(names) == len(set(names)), "two addresses of one name share a line"
    assert set(names) == set(roles.URL_ACTIONS)


def test_an_address_deep_inside_an_include_is_found() -> None:
    class Urls:
        url_patterns = [
            URLResolver(
                path("p/", lambda request: None).pattern,
                [path("deep/", lambda request: None, name="deep")],
            )
        ]

    assert list(url_names(Urls)) == ["deep"]


def test_every_line_asks_for_an_action_there_is() -> None:
    whoever = {roles.ANYBODY, roles.ENROLLING, roles.PERSON, roles.MEMBER}
    assert set(roles.URL_ACTIONS.values()) <= {*roles.ACTIONS, *whoever}
    assert not set(roles.ACTIONS) & whoever


def test_only_the_pages_of_signing_in_are_for_anybody() -> None:
    assert [n for n, a in roles.URL_ACTIONS.items() if a == roles.ANYBODY] == [
        "login", "account_login", "login_again", "mfa_authenticate", "mfa_login_webauthn",
        "password_forgotten", "password_reset", "password_reset_begin", "join",
        "join_begin",
    ]  # fmt: skip


def test_every_role_grants_known_actions_and_every_action_is_granted_by_a_role() -> None:
    granted = set()
    for role in roles.ROLES:
        assert roles.actions_of(role) <= set(roles.ACTIONS), role
        granted |= roles.actions_of(role)
    assert granted == set(roles.ACTIONS)


def test_every_role_and_action_is_said_in_words() -> None:
    labels = [roles.label_of(role) for role in roles.ROLES]
    assert all(labels)
    assert len(set(labels)) == len(labels)
    assert all(roles.ACTIONS.values())


def test_a_role_that_does_not_exist_grants_nothing() -> None:
    try:
        granted = roles.actions_of("producer")
    except KeyError:
        granted = frozenset()
    assert granted == frozenset()


def test_those_outside_the_accounting_team_neither_import_nor_resolve() -> None:
    accounting = {"production_accountant", "payroll"}
    for role in set(roles.ROLES) - accounting:
        assert not roles.actions_of(role) & {"import_files", "resolve_quarantine"}, role


def test_only_those_who_see_all_costs_and_those_given_some_see_any() -> None:
    for role in ("bond_representative", "studio_executive", "administrator"):
        assert not roles.actions_of(role) & {"view_costs", "view_all_costs"}, role


def test_what_the_tests_say_of_the_cast_is_what_the_role_table_says() -> None:
    for person, (actions, centers) in VIEWERS.items():
        role = PEOPLE[person][1]
        deciding = {
            "view_costs", "view_all_costs", "view_pay", "import_files", "resolve_quarantine",
            "sign_overrides", "view_as",
        }  # fmt: skip
        assert roles.actions_of(role) & deciding == actions, person
        assert (centers is None) == ("view_all_costs" in actions), person
