"""Two approvers, and the clock at the end of the window, at the same moment: one outcome."""

import threading
from concurrent.futures import ThreadPoolExecutor

from django.db import DatabaseError

from access.errors import Refused
from overrides import deciding, execution, selectors
from overrides.deciding import Decision
from overrides.models import Override
from tests.factories import acting, close_sessions, role
from tests.ledger.raw_batches import query
from tests.overrides.signing import Signing, move_clock

ROUNDS = 50
APPROVE = Decision("approve")


def drawn_for_camera(signing: Signing) -> int:
    """What draws have given to the camera package."""
    with role("owner"):
        (drawn,) = query(
            "SELECT coalesce(sum(t.base_amount), 0)::int FROM ledger_batchtotal t"
            " JOIN ledger_account a ON a.id = t.account_id AND a.code = '3310'"
            " JOIN ledger_batch b ON b.id = t.batch_id AND b.kind = 'draw'"
            " WHERE t.production_id = %s", signing.film.production.pk,
        )[0]  # fmt: skip
    return int(drawn)


def test_two_approvers_and_the_clock_at_once_leave_one_outcome(signing: Signing) -> None:
    """The window ends within the round: sometimes before the second approval, sometimes after."""
    asked = [signing.draw("1") for _ in range(ROUNDS)]
    signed = {
        (name, found.pk): signing.signature(name, found, APPROVE)
        for found in asked
        for name in ("lena", "bea")
    }
    gate = threading.Barrier(4)

    def approves(name: str, found: Override) -> str:
        with role("web"):
            gate.wait()
            try:
                with acting(signing.film, name):
                    deciding.decide(
                        actor=signing.person(name), found=found, decision=APPROVE,
                        signature=signed[name, found.pk],
                    )  # fmt: skip
            except Refused as refusal:
                return refusal.message
            return "signed"

    def works(found: Override) -> str:
        with role("worker"):
            gate.wait()
            return str(execution.settle(signing.film.production, found.pk))

    outcomes = []
    with ThreadPoolExecutor(4) as pool:
        for number, found in enumerate(asked):
            move_clock(found, "expires_at", 0.02 * (number % 5))
            found.refresh_from_db()
            runs = [pool.submit(approves, name, found) for name in ("lena", "bea")]
            runs += [pool.submit(works, found) for _ in range(2)]
            said = [run.result(timeout=60) for run in runs]
            outcomes.append((signing.now(found), said))
        for _ in range(4):
            pool.submit(close_sessions).result()
    signing.works()  # what is left over: expired, since every window is over by now
    with role("web"), acting(signing.film, "amir"):
        for found, said in outcomes:
            steps = [s.step for s in selectors.steps(found)]
            ends = [s for s in steps if s in ("execute", "expire", "stop")]
            assert len(ends) == 1, (said, steps)
            assert steps.count("approve") <= 2
            assert ("execute" in ends) <= (steps.count("approve") == 2)
    drawn = drawn_for_camera(signing)
    executed = [found for found, _ in outcomes if signing.now(found).state == "executed"]
    assert drawn == len(executed)


def test_what_is_ratified_as_its_time_ends_is_either_kept_or_taken_back(signing: Signing) -> None:
    asked = [signing.executed(signing.draw("1")) for _ in range(6)]
    for number, found in enumerate(asked):
        signing.decides("amir", signing.now(found), "ratify")
        decision = Decision("ratify")
        text = signing.signature("lena", signing.now(found), decision)
        move_clock(found, "ratify_by", 0.03 * (number % 3))
        now = signing.now(found)

        def ratifies(now: Override = now, text: str = text) -> None:
            with role("web"), acting(signing.film, "lena"):
                deciding.decide(
                    actor=signing.person("lena"), found=now, decision=Decision("ratify"),
                    signature=text,
                )  # fmt: skip

        def reverts(pk: int = found.pk) -> bool:
            with role("worker"):
                return execution.settle(signing.film.production, pk)

        with ThreadPoolExecutor(2) as pool:
            first, second = pool.submit(ratifies), pool.submit(reverts)
            is_ratified = not isinstance(first.exception(timeout=60), (Refused, DatabaseError))
            second.result(timeout=60)
            for _ in range(2):
                pool.submit(close_sessions).result()
        signing.works()
        state = signing.now(found).state
        assert state == ("ratified" if is_ratified else "reverted")
