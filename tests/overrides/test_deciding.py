"""Who decides: others, once, in time, with keys of their own; in words and in the database."""

import base64
import json
from collections.abc import Sequence

import pytest
from django.db.utils import DatabaseError

from access.errors import Invalid, Refused
from overrides import deciding, mandates, selectors
from overrides.carrying import Asked
from overrides.deciding import BadSignature, Decision
from overrides.models import Override
from overrides.policies import DEFAULT_RULES, PolicyError, Rule, check
from tests.access.house import newcomer
from tests.budgets.films import DAY
from tests.factories import acting, role
from tests.ledger.raw_batches import query
from tests.overrides.signing import ORIGIN, RP, Device, Signing, move_clock

INSERT = (
    "INSERT INTO overrides_step (production_id, override_id, number, step, becomes, person_id,"
    " role, signature, reason, back_to, checked, taken_at, leaf, batch_id)"
    " VALUES (%s, %s, 0, %s, '', %s, '', %s, %s, %s, '', now(), '', %s)"
)


def insert(
    signing: Signing, found: Override, name: str, step: str, *, as_role: str = "web",
    person: str | None = "", said: Sequence[object] = ("", ""), batch: int | None = None,
) -> None:  # fmt: skip
    """A step written by raw SQL, its signature naming the right key."""
    with role("web"), acting(signing.film, name):
        live = selectors.live_keys(signing.film.production, signing.person(name))
    text = json.dumps({"key": str(live[0].number), "alg": "webauthn-es256"}) if live else "{}"
    who = signing.person(person or name).pk if person is not None else None
    with role(as_role), acting(signing.film, name):
        query(INSERT, signing.film.production.pk, found.pk, step, who, text, *said, batch)


def test_who_asked_does_not_decide(signing: Signing) -> None:
    found = signing.draw()
    with pytest.raises(Refused, match="others decide it"):
        signing.decides("amir", found)
    with pytest.raises(DatabaseError, match="others decide it"):
        insert(signing, found, "amir", "approve")


def test_one_person_counts_once(signing: Signing) -> None:
    found = signing.draw()
    signing.decides("lena", found)
    with pytest.raises(Refused, match="decided this one already"):
        signing.decides("lena", found)
    with pytest.raises(DatabaseError, match="override_decided_once"):
        insert(signing, found, "lena", "approve")
    assert signing.now(found).state == "requested"


def test_nobody_signs_in_anothers_name(signing: Signing) -> None:
    found = signing.draw()
    for as_role in ("web", "worker"):
        with pytest.raises(DatabaseError, match="in their own name"):
            insert(signing, found, "lena", "approve", as_role=as_role, person="bea")
    with pytest.raises(DatabaseError, match="by somebody who may"):
        insert(signing, found, "cho", "approve")


def test_people_do_not_take_the_clocks_steps_nor_the_clock_theirs(signing: Signing) -> None:
    found = signing.draw()
    for step in ("execute", "expire", "revert", "stop"):
        with pytest.raises(DatabaseError, match="taken by the clock"):
            insert(signing, found, "lena", step)
        with pytest.raises(DatabaseError, match=r"taken by the clock|row-level"):
            insert(signing, found, "lena", step, person=None)
    with pytest.raises(DatabaseError, match="in their own name"):
        insert(signing, found, "lena", "approve", as_role="worker", person=None)


def test_steps_are_taken_from_the_states_they_belong_to(signing: Signing) -> None:
    found = signing.draw()
    for step in ("ratify", "audit"):
        with pytest.raises(DatabaseError, match=r"is requested|audited for|ratified by"):
            insert(signing, found, "lena", step)
    signing.approved(found)
    with pytest.raises(Refused, match="is approved already"):
        signing.decides("lena", found)
    with pytest.raises(DatabaseError, match="is approved: the step approve"):
        insert(signing, found, "lena", "approve")
    with pytest.raises(DatabaseError, match="still has time"):
        insert(signing, found, "lena", "expire", as_role="worker", person=None)
    with pytest.raises(DatabaseError, match="a sealed batch of its own"):
        insert(signing, found, "lena", "execute", as_role="worker", person=None, batch=1)


def test_after_its_time_nothing_is_approved_and_the_clock_ends_it(signing: Signing) -> None:
    found = signing.draw()
    move_clock(found, "expires_at")
    with pytest.raises(Refused, match="is over"):
        signing.decides("lena", found)
    with pytest.raises(DatabaseError, match="expired at"):
        insert(signing, found, "lena", "approve")
    assert [signing.works(), signing.works()] == [1, 0]
    assert signing.now(found).state == "expired"


def test_a_rejection_says_why_and_where_it_goes_back_to(signing: Signing) -> None:
    found = signing.draw()
    with pytest.raises(Invalid, match="a reason"):
        signing.decides("lena", found, "reject")
    for said in (("", "request"), ("no", ""), ("no", "moon")):
        with pytest.raises(DatabaseError, match=r"override_rejected_to"):
            insert(signing, found, "lena", "reject", said=said)
    signing.decides("lena", found, "reject", reason="which scene?", back_to="support")
    assert signing.now(found).state == "rejected"
    again = signing.draw(follows=signing.now(found))
    assert again.follows_id == found.pk
    signing.decides("lena", again, "reject", reason="no", back_to="nowhere")
    with pytest.raises(Refused, match="only what was sent back"):
        signing.draw(follows=signing.now(again))


WRONG: dict[str, dict[str, object]] = {
    "another site": {"origin": "https://prodacct.evil"},
    "another relying party": {"rp": "prodacct.evil"},
    "no user verification": {"flags": 1},
    "a registration": {"type": "webauthn.create"},
}


@pytest.mark.parametrize("what", WRONG)
def test_an_assertion_that_is_not_right_is_refused_and_nothing_changes(
    signing: Signing, what: str
) -> None:
    found = signing.draw()
    text = signing.signature("lena", found, Decision("approve"), **WRONG[what])
    with role("web"), acting(signing.film, "lena"), pytest.raises(BadSignature):
        deciding.decide(
            actor=signing.person("lena"), found=found, decision=Decision("approve"), signature=text
        )
    with role("web"), acting(signing.film, "lena"):
        assert selectors.steps(found) == []


def test_a_signature_is_good_for_one_decision_of_one_person_alone(signing: Signing) -> None:
    first, second = signing.draw("10"), signing.draw("20")
    approve, reject = Decision("approve"), Decision("reject", "no", "request")
    of_first = signing.signature("lena", first, approve)
    altered = json.loads(of_first)
    sig = base64.b64decode(altered["sig"])
    altered["sig"] = base64.b64encode(sig[:-1] + bytes([sig[-1] ^ 1])).decode()
    for found, name, decision, text in (
        (second, "lena", approve, of_first),
        (first, "lena", reject, of_first),
        (first, "bea", approve, of_first),
        (first, "lena", approve, json.dumps(altered)),
        (first, "lena", approve, "{}"),
        (first, "lena", approve, "not json"),
    ):
        with role("web"), acting(signing.film, name), pytest.raises((BadSignature, ValueError)):
            deciding.decide(
                actor=signing.person(name), found=found, decision=decision, signature=text
            )


def test_a_revoked_key_signs_nothing_more(signing: Signing) -> None:
    found = signing.draw()
    with role("web"), acting(signing.film, "lena"):
        key = signing.key("lena")
        lost = mandates.propose_revocation(actor=signing.person("lena"), key=key, reason="lost")
    text = signing.signature("lena", found, Decision("approve"))
    signing.confirmed(lost, "amir", "bea")
    with role("web"), acting(signing.film, "lena"), pytest.raises(BadSignature, match="revoked"):
        deciding.decide(
            actor=signing.person("lena"), found=found, decision=Decision("approve"), signature=text
        )
    with pytest.raises(DatabaseError, match="in force"):
        insert(signing, found, "lena", "approve")
    signing.confirmed(signing.key_of("lena"), "amir", "bea")
    assert signing.decides("lena", found).becomes == "requested"


def test_keys_and_rules_are_confirmed_by_two_others_with_their_keys(signing: Signing) -> None:
    proposed = signing.rules(by="amir")
    with pytest.raises(Refused, match="Two others"):
        signing.confirmed(proposed, "amir")
    with role("web"), acting(signing.film, "lena"), pytest.raises(Refused, match="key of your own"):
        mandates.confirm(actor=signing.person("lena"), mandate=proposed)
    signing.confirmed(proposed, "lena")
    with pytest.raises(Refused, match="confirmed this already"):
        signing.confirmed(proposed, "lena")
    assert signing.confirmed(proposed, "bea").state == "in force"
    with pytest.raises(Refused, match="and then no more"):
        signing.confirmed(proposed, "bea")
    device = Device()
    with role("web"), acting(signing.film, "lena"), pytest.raises(Refused, match="of their own"):
        mandates._propose(
            signing.person("lena"), signing.film.production, "key.add",
            json.dumps({"alg": "webauthn-es256", "credential": "", "pub": device.public, "rp": RP,
                        "person": str(signing.person("bea").pk), "role": "bond_representative"}),
        )  # fmt: skip


BROKEN = {
    "one signature": Rule("over_budget", "", 1, ("line_producer",), 1, 1, ("line_producer",)),
    "nobody signs": Rule("over_budget", "", 2, (), 1, 1, ("line_producer",)),
    "a role that does not sign": Rule("over_budget", "", 2, ("payroll",), 1, 1, ("payroll",)),
    "contingency without the guarantor":
        Rule("contingency_draw", "", 2, ("line_producer",), 1, 1, ("line_producer",)),
    "no time": Rule("over_budget", "", 2, ("line_producer",), 0, 1, ("line_producer",)),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_rules_have_floors_in_words_and_in_the_database(signing: Signing, what: str) -> None:
    rules = (*DEFAULT_RULES, BROKEN[what])
    with pytest.raises(Invalid):
        signing.rules(*rules)
    rule = BROKEN[what]
    said = {"rules": [{
        "kind": rule.kind, "up_to": rule.up_to, "threshold": str(rule.threshold),
        "roles": rule.roles, "open_hours": str(rule.open_hours),
        "ratify_hours": str(rule.ratify_hours), "ratify_roles": rule.ratify_roles,
    }], "rp": RP, "origins": [ORIGIN]}  # fmt: skip
    with role("web"), acting(signing.film, "amir"), pytest.raises(Refused, match="signing rules"):
        mandates._propose(
            signing.person("amir"), signing.film.production, "policy.set", json.dumps(said)
        )


def test_a_policy_is_read_as_it_was_written() -> None:
    with pytest.raises(PolicyError, match="Expected rules"):
        check(mandates.policies.Policy((), RP, (ORIGIN,)))
    policy = mandates.policies.Policy(DEFAULT_RULES, RP, (ORIGIN,), most_atl="10.5")
    assert mandates.policies.read(mandates.policies.written(policy)) == policy


def test_larger_amounts_want_the_guarantor_too(signing: Signing) -> None:
    small = signing.asks(Asked("over_budget", DAY, (("3310", "25000"),)))
    large = signing.asks(Asked("over_budget", DAY, (("3310", "25000.01"),)))
    assert small.roles == ["line_producer"]
    assert large.roles == ["line_producer", "bond_representative"]


def test_the_studio_audits_what_was_ratified_and_it_did_not_sign(signing: Signing) -> None:
    signing.confirmed(signing.key_of("eve"), "amir", "bea")
    found = signing.executed(signing.draw())
    for name in ("amir", "lena"):
        signing.decides(name, signing.now(found), "ratify")
    with pytest.raises(Refused, match="by somebody who did not sign"):
        signing.decides("bea", signing.now(found), "audit")
    assert signing.decides("eve", signing.now(found), "audit").becomes == "audited"


def test_a_stranger_sees_nothing_and_a_second_accountant_with_a_new_key_may_sign(
    signing: Signing,
) -> None:
    found = signing.draw()
    nina = newcomer(signing.film, "nina", "production_accountant")
    signing.film.cast["nina"] = nina
    try:
        with pytest.raises(DatabaseError, match="in force"):
            insert(signing, found, "nina", "approve")
        signing.confirmed(signing.key_of("nina"), "amir", "bea")
        assert signing.decides("nina", found).becomes == "requested"
    finally:
        del signing.film.cast["nina"]
    with role("web"), acting(signing.film, "cho"):
        assert selectors.override(signing.film.production, found.number) is None
