"""Whoever does what, in whatever order: the database takes the steps of the table and no other.

Hypothesis chooses the acts, lawful and not, through the services and past them. A model says of
each whether it is lawful, by the table of states and the rules of signing alone; what is refused
leaves no trace, and what stands is read from the database after every act.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import DatabaseError
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from access import context
from access.errors import Refused
from ledger.verify import verify_production
from overrides import deciding, mandates, requests, selectors, states
from overrides.carrying import Asked
from overrides.deciding import Decision
from overrides.models import Key, Mandate, Override, Step
from overrides.policies import DEFAULT_RULES, Policy, Rule
from overrides.requests import Case
from overrides.verifying import verify_overrides
from taxonomy.models import CostNode
from tests.budgets.films import DAY
from tests.factories import Cast, acting, role
from tests.ingestion.test_payroll import ANN, imported, paid
from tests.ledger.raw_batches import query
from tests.lengths import times
from tests.overrides.signing import ORIGIN, RP, SIGNERS, Device, Signing, founded, move_clock

STEPS, STEPS_EACH = times(60, promised=10_000), 60
ROLES = {
    "amir": "production_accountant", "lena": "line_producer", "bea": "bond_representative",
    "eve": "studio_executive", "cho": "department_head", "otto": "",
}  # fmt: skip
MAY_ASK, MAY_SIGN = {"amir", "lena"}, {"amir", "lena", "bea", "eve"}
BOTH = {"line_producer", "production_accountant"}
KINDS = {
    "contingency_draw": (("8001", "-3"), ("3310", "3")), "over_budget": (("3310", "7"),),
    "atl_btl": (("3310", "-2"), ("1401", "2")),
    "validation_waiver": (),  # of the next row that is held
}  # fmt: skip
MAY_ASK_FOR = {"atl_btl": {"amir"}, "validation_waiver": {"amir"}}
HELD = 12
WIDER = (
    *(r for r in DEFAULT_RULES if r.kind != "over_budget"),
    Rule(
        "over_budget", "", 3, ("line_producer", "bond_representative"), 72, 72, tuple(sorted(BOTH))
    ),
)
SIGNING = st.sampled_from(["lena", "lena", "bea", "bea", "amir", "eve"])
PEOPLE, ANY = st.sampled_from(sorted(ROLES)), st.integers(0, 40)
# Mostly what people do; sometimes another's key, a revoked one, or a signature over something else.
HOW = st.sampled_from(["own", "own", "own", "past the services", "another's", "revoked", "other"])
DECISIONS = st.sampled_from(["approve", "approve", "reject", "ratify", "ratify", "audit"])
TABLES = (
    "overrides_override", "overrides_step", "overrides_mandate", "overrides_confirmation",
    "overrides_key", "overrides_signingrule", "ledger_logentry", "ledger_batch",
    "taxonomy_costnode",
)  # fmt: skip
# Each answers with the rows that break what its name says; none is allowed to.
INVARIANTS = {
    "carried out with enough distinct people, none of them who asked": (
        "SELECT o.id FROM overrides_override o LEFT JOIN overrides_step s ON s.override_id = o.id"
        " AND s.step = 'approve' AND s.person_id <> o.requested_by_id WHERE o.production_id = %s"
        " AND o.state IN ('approved', 'executed', 'ratified', 'audited', 'reverted')"
        " GROUP BY o.id HAVING count(DISTINCT s.person_id) < o.threshold"
        " OR NOT o.roles::text[] <@ array_agg(s.role::text)"),
    "signed with a key of one's own": (
        "SELECT s.id FROM overrides_step s JOIN overrides_key k ON k.id = s.key_id"
        " WHERE s.production_id = %s AND (k.person_id, k.role) <> (s.person_id, s.role)"),
    "carried out once, by a batch that is sealed": (
        "SELECT o.id FROM overrides_override o LEFT JOIN overrides_step s ON s.override_id = o.id"
        " AND s.step = 'execute' LEFT JOIN ledger_logentry e ON e.batch_id = s.batch_id"
        " WHERE o.production_id = %s AND o.executed_leaf IS NOT NULL"
        " GROUP BY o.id HAVING count(e.leaf) <> 1"),
    "each entry names the one before it": (
        "SELECT e.seq FROM (SELECT l.seq, l.line::json #>> '{data,prev}' AS prev, lag(l.leaf) OVER"
        " (PARTITION BY l.line::json #>> '{data,request}' ORDER BY l.seq) AS before"
        " FROM ledger_logentry l WHERE l.production_id = %s AND l.type LIKE 'override.%%') e"
        " WHERE e.prev <> coalesce(encode(e.before, 'hex'), '')"),
    "each that was carried out as a branch has one, and another once it was taken back": (
        "SELECT o.id FROM overrides_override o LEFT JOIN taxonomy_costnode n"
        " ON n.production_id = o.production_id AND n.flag = 'OVERRIDE'"
        " AND n.reason ~ ('^(OVERRIDE )?OVR-' || lpad(o.number::text, 4, '0') || '[: ]')"
        " WHERE o.production_id = %s AND o.proposed ? 'branch' GROUP BY o.id HAVING count(n.id)"
        " <> (o.executed_leaf IS NOT NULL)::int + (o.state = 'reverted')::int"),
    "every log is without gaps": (
        "SELECT unit_id FROM ledger_logentry WHERE production_id = %s GROUP BY 1"
        " HAVING max(seq) + 1 <> count(*)"),
}  # fmt: skip


@dataclass
class Life:
    """What one override is, by the table and the rules alone."""

    row: Override
    by: str
    roles: frozenset[str]
    threshold: int
    state: str = states.REQUESTED
    has_ended: bool = False
    was_moved: bool = False
    approved: dict[int, str] = field(default_factory=dict)
    ratified: dict[int, str] = field(default_factory=dict)
    decided: set[str] = field(default_factory=set)
    acted: set[str] = field(default_factory=set)

    def may(self, name: str, step: str) -> bool:
        """Whether somebody with a good key may take this step now."""
        if name not in MAY_SIGN or not states.becomes(step, self.state):
            return False
        if step == "ratify":
            is_new = ROLES[name] in BOTH and name not in {*self.ratified_names()}
            return is_new and not self.has_ended
        if name == self.by:
            return False
        if step == "audit":
            is_auditor = ROLES[name] in ("bond_representative", "studio_executive")
            return is_auditor and name not in self.acted
        return name not in self.decided and not self.has_ended

    def ratified_names(self) -> list[str]:
        return [name for name in ROLES if ROLES[name] in self.ratified.values()]

    def take(self, name: str, step: str) -> None:
        """Move by a lawful step."""
        who = sorted(ROLES).index(name)
        self.acted.add(name)
        if step in ("approve", "reject"):
            self.decided.add(name)
        if step == "approve":
            self.approved[who] = ROLES[name]
            self.state = states.approval_state(self.roles, self.approved, self.threshold)
        elif step == "ratify":
            self.ratified[who] = ROLES[name]
            self.state = states.ratification_state(frozenset(BOTH), self.ratified)
        else:
            (self.state,) = states.becomes(step, self.state)

    def pass_the_clock(self) -> bool:
        """What the worker does about it; whether anything."""
        step = {
            (states.REQUESTED, True): "expire", (states.APPROVED, True): "expire",
            (states.APPROVED, False): "execute", (states.EXECUTED, True): "revert",
        }.get((self.state, self.has_ended))  # fmt: skip
        if step is None:
            return False
        (self.state,) = states.becomes(step, self.state)
        self.has_ended = False
        return True


@dataclass
class Word:
    """A mandate as the model knows it."""

    row: Mandate
    by: str
    about: str
    key: int = 0
    device: Device | None = None
    rules: tuple[Rule, ...] = ()
    said: dict[str, int] = field(default_factory=dict)  # who confirmed it, with which key
    is_in_force: bool = False


class Overrides(RuleBasedStateMachine):
    """A film on which people ask, decide, enrol, revoke and change the rules."""

    cast: Cast
    tried = taken = 0

    @initialize()
    def begins(self) -> None:
        self.s: Signing = founded(self.cast)
        self.paper = self.s.paper()
        rows = [(f"Ann {n}", *ANN[1:-1], "1.00") for n in range(HELD)]
        file = imported(self.s.film, paid(*rows))
        with role("owner"):
            self.node = CostNode.objects.get(
                production=self.s.film.production, unit__code="MAIN", code="3310", flag=""
            ).pk
        self.held = [(file.pk, n) for n in range(1, HELD + 1)]
        self.lives: list[Life] = []
        self.words: list[Word] = []
        self.rules: tuple[Rule, ...] = DEFAULT_RULES
        with role("web"), acting(self.s.film, "amir"):
            numbers = [self.s.key(name).number for name in SIGNERS]
        # number -> (whose, the device, whether it is in force)
        self.keys = {
            n: (name, self.s.devices[name], True) for n, name in zip(numbers, SIGNERS, strict=True)
        }
        for kind in sorted(KINDS):
            self.asks("amir", kind)

    def counts(self) -> list[int]:
        with role("owner"):
            return [
                query(f"SELECT count(*) FROM {t} WHERE production_id = %s",
                      self.s.film.production.pk)[0][0]
                for t in TABLES
            ]  # fmt: skip

    def attempt(self, name: str, is_lawful: bool, act: Callable[[], object]) -> bool:
        """Try an act as somebody: it is done if and only if it is lawful, or leaves no trace."""
        type(self).tried += 1
        before = self.counts()
        try:
            with role("web"), acting(self.s.film, name):
                act()
        except (Refused, DatabaseError) as refusal:
            assert not is_lawful, refusal
            assert self.counts() == before, "what is refused leaves no trace"
            return False
        assert is_lawful, "it was not lawful, and was taken"
        type(self).taken += 1
        return True

    def live(self, name: str) -> list[int]:
        return [n for n, (whose, _, is_live) in self.keys.items() if whose == name and is_live]

    def row_of(self, number: int) -> Key:
        """A key's row, whoever may see it."""
        with role("owner"):
            found = selectors.keys(self.s.film.production).select_related("production")
            return next(key for key in found if key.number == number)

    def key_for(self, name: str, how: str) -> tuple[int, bool]:
        """The key somebody signs with this way, and whether it is good."""
        others = [n for n, (whose, _, is_live) in self.keys.items() if whose != name and is_live]
        revoked = [
            n for n, (whose, _, is_live) in self.keys.items() if whose == name and not is_live
        ]
        own = self.live(name)
        if how == "revoked" and revoked:
            return revoked[0], False
        if how == "another's" or not own:
            return others[0], False
        return own[-1], how != "other"

    @rule(name=PEOPLE, kind=st.sampled_from(sorted(KINDS)))
    def asks(self, name: str, kind: str) -> None:
        made: list[Override] = []
        asked, case = Asked(kind, DAY, KINDS[kind]), Case("the storm", self.paper)
        if kind == "validation_waiver":
            if not self.held:
                return
            asked = Asked(kind, DAY, row=self.held[-1])
        if kind == "over_budget":  # as a branch beside the account's node
            asked = Asked(kind, DAY, KINDS[kind], node=self.node)
        is_done = self.attempt(name, name in MAY_ASK_FOR.get(kind, MAY_ASK), lambda: made.append(
            requests.request_override(
                actor=self.s.person(name), production=self.s.film.production, asked=asked, case=case
            )))  # fmt: skip
        if is_done:
            if asked.row:
                self.held.pop()
            fits = [r for r in self.rules if r.kind == kind]
            least = min(fits, key=lambda r: (not r.up_to, r.up_to))
            self.lives.append(Life(made[0], name, frozenset(least.roles), least.threshold))

    @precondition(lambda self: self.lives)
    @rule(name=SIGNING, at=ANY, how=HOW, step=DECISIONS)
    def decides_again(self, name: str, at: int, step: str, how: str) -> None:
        self.decides(name, at, step, how)

    @precondition(lambda self: self.lives)
    @rule(name=PEOPLE, at=ANY, how=HOW, step=DECISIONS)
    def decides(self, name: str, at: int, step: str, how: str) -> None:
        life = self.lives[-1 - at % min(len(self.lives), 4)]
        number, is_good = self.key_for(name, how)
        said = {"reason": "no", "back_to": "nowhere"} if step == "reject" else {}
        decision = Decision(step, **said)
        key = self.row_of(number)
        with role("owner"):
            now = Override.objects.select_related("production").get(pk=life.row.pk)
        meant = Decision("reject", "x", "nowhere") if how == "other" else decision
        text = self.keys[number][1].signs(deciding.digest_of(now, meant, key), number)

        def past_the_services() -> None:
            Step.objects.create(
                production_id=now.production_id, override=now, number=0, step=step, becomes="",
                person=self.s.person(name), key=key, signature=text, taken_at="2000-01-01T00:00Z",
                leaf=b"", **said,
            )  # fmt: skip

        def by_the_service() -> None:
            deciding.decide(actor=self.s.person(name), found=now, decision=decision, signature=text)

        act = past_the_services if how == "past the services" else by_the_service
        if self.attempt(name, is_good and life.may(name, step), act):
            life.take(name, step)

    @precondition(lambda self: self.lives)
    @rule(at=ANY)
    def a_window_ends(self, at: int) -> None:
        open_ = [x for x in self.lives if x.state in selectors.PENDING and not x.has_ended]
        if open_:
            life = open_[at % len(open_)]
            is_executed = life.state == states.EXECUTED
            move_clock(life.row, "ratify_by" if is_executed else "expires_at")
            life.has_ended = life.was_moved = True

    @rule()
    def the_worker_comes_by(self) -> None:
        due = [life.pass_the_clock() for life in self.lives]
        assert self.s.works() == sum(due)

    @rule(name=PEOPLE)
    def enrols(self, name: str) -> None:
        device, made = Device(), list[Mandate]()
        is_done = self.attempt(name, name in MAY_SIGN, lambda: made.append(mandates.propose_key(
            actor=self.s.person(name), production=self.s.film.production, credential="a2V5",
            public=device.public, rp=RP)))  # fmt: skip
        if is_done:
            self.words.append(Word(made[0], name, name, device=device))

    @rule(name=PEOPLE, at=ANY)
    def asks_to_revoke(self, name: str, at: int) -> None:
        number = list(self.keys)[at % len(self.keys)]
        whose, _, is_live = self.keys[number]
        key = self.row_of(number)
        made: list[Mandate] = []
        is_done = self.attempt(name, name in MAY_SIGN and is_live, lambda: made.append(
            mandates.propose_revocation(actor=self.s.person(name), key=key, reason="lost")
        ))  # fmt: skip
        if is_done:
            self.words.append(Word(made[0], name, whose, key=number))

    @rule(name=PEOPLE, rules=st.sampled_from([DEFAULT_RULES, WIDER]))
    def asks_for_other_rules(self, name: str, rules: tuple[Rule, ...]) -> None:
        made: list[Mandate] = []
        if self.attempt(name, name in MAY_SIGN, lambda: made.append(mandates.propose_rules(
                actor=self.s.person(name), production=self.s.film.production,
                policy=Policy(rules, RP, (ORIGIN,))))):  # fmt: skip
            self.words.append(Word(made[0], name, "", rules=rules))

    @precondition(lambda self: self.words)
    @rule(name=PEOPLE, at=ANY, how=HOW)
    def confirms(self, name: str, at: int, how: str) -> None:
        word = self.words[-1 - at % min(len(self.words), 3)]
        number, is_good = self.key_for(name, how if how != "past the services" else "own")
        key = self.row_of(number)
        with role("owner"):
            now = Mandate.objects.select_related("production").get(pk=word.row.pk)
        digest = b"x" * 32 if how == "other" else mandates.confirmation_digest(now, key)
        text = self.keys[number][1].signs(digest, number)
        is_second = any(self.keys[signed][2] for signed in word.said.values())
        is_overtaken = bool(word.rules) and any(
            w.is_in_force and w.rules and w.row.number > word.row.number for w in self.words
        )
        is_gone = bool(is_second and word.key and not self.keys[word.key][2])
        is_lawful = (
            is_good and name in MAY_SIGN and not word.is_in_force and not is_gone
            and name not in (word.by, word.about) and name not in word.said and not is_overtaken
        )  # fmt: skip
        if not self.attempt(name, is_lawful, lambda: mandates.confirm(
                actor=self.s.person(name), mandate=now, signature=text)):  # fmt: skip
            return
        word.said[name] = number
        if is_second:
            self.in_force(word)

    def in_force(self, word: Word) -> None:
        word.is_in_force = True
        if word.device is not None:
            self.keys[word.row.number] = (word.about, word.device, True)
        elif word.key:
            whose, device, _ = self.keys[word.key]
            self.keys[word.key] = (whose, device, False)
        else:
            self.rules = word.rules

    @invariant()
    def what_stands_is_what_was_lawful(self) -> None:
        if not hasattr(self, "s"):
            return
        with role("owner"):
            production = self.s.film.production.pk
            found = dict(query(
                "SELECT number, state FROM overrides_override WHERE production_id = %s", production
            ))  # fmt: skip
            assert found == {life.row.number: life.state for life in self.lives}
            keys = dict(query(
                "SELECT number, revoked_by_id IS NULL FROM overrides_key WHERE production_id = %s",
                production,
            ))  # fmt: skip
            assert keys == {number: is_live for number, (_, _, is_live) in self.keys.items()}
            for name, sql in INVARIANTS.items():
                assert query(sql, production) == [], name

    def teardown(self) -> None:
        if not hasattr(self, "s"):
            return
        production = self.s.film.production
        with role("worker"), context.acting(user_id=context.NOBODY, production_id=production.pk):
            found = verify_overrides(production)[1]
        # Where the test ended a window behind the log's back, the log rightly says otherwise.
        moved = {life.row.reference for life in self.lives if life.was_moved}
        assert [said for said in found if not any(name in said for name in moved)] == []
        with role("owner"):
            assert verify_production(production).findings == []


def test_no_step_is_taken_that_is_not_lawful_whoever_tries_what(cast: Cast) -> None:
    Overrides.cast = cast
    examples = STEPS // 10  # Hypothesis ends many long before their last step
    run_state_machine_as_test(
        Overrides,
        settings=settings(
            max_examples=examples, stateful_step_count=STEPS_EACH, deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],  # a shorter example costs more minutes than it saves
        ),
    )  # fmt: skip
    assert Overrides.tried > STEPS // 2, "acts were tried"
    assert 0 < Overrides.taken < Overrides.tried
