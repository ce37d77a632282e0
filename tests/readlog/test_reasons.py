"""Why a request was refused."""

import pytest

from readlog.reasons import WORDS, Outcome, reason_of


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Outcome(200, "GET", "cost_report"), ""),
        (Outcome(422, "POST", "order_new"), ""),
        (Outcome(405, "GET", "order_send_back"), ""),
        (Outcome(404, "GET", ""), "not_found"),
        (Outcome(404, "POST", "override_decide"), "not_found"),
        (Outcome(409, "POST", "override_decide"), "override"),
        (Outcome(422, "POST", "signer_change"), "override"),
        (Outcome(200, "GET", "override_new"), ""),
        (Outcome(403, "GET", "mfa_reauthenticate"), "forbidden"),
        (Outcome(403, "POST", "order_new", is_form_checked=False), "csrf"),
        (Outcome(200, "POST", "login", door="wrong_password"), "sign_in"),
        (Outcome(200, "POST", "mfa_authenticate", door="wrong_factor"), "sign_in"),
        (Outcome(200, "POST", "login", door="held"), "throttled"),
        (Outcome(302, "POST", "login", door="came_in"), ""),
        (Outcome(429, "POST", "login"), "throttled"),
        (Outcome(413, "POST", "imports"), "too_large"),
        (Outcome(302, "GET", "imports", has_dead_session=True), "session"),
        (Outcome(200, "GET", "login", has_dead_session=True), ""),
        (Outcome(500, "GET", "imports", is_refused_by_database=True), "database"),
    ],
)
def test_a_refusal_has_one_reason(outcome: Outcome, reason: str) -> None:
    assert reason_of(outcome) == reason
    assert not reason or reason in WORDS
