"""The log alone says who signed what: inside the house, and in a bundle that has left it."""

import json
from pathlib import Path

import pytest
from django.core.management import call_command

from access import context
from overrides.carrying import Asked
from overrides.verifying import verify_overrides
from tests.budgets.films import DAY
from tests.factories import role
from tests.ingestion.test_payroll import ANN, imported, paid
from tests.ledger.raw_batches import query
from tests.overrides.signing import Signing, unpacked_books, verified_offline


def problems(signing: Signing) -> list[str]:
    production = signing.film.production
    with role("worker"), context.acting(user_id=context.NOBODY, production_id=production.pk):
        return verify_overrides(production)[1]


def a_life(signing: Signing) -> None:
    """One that is ratified, one that is rejected, one that waits."""
    kept = signing.executed(signing.draw())
    signing.decides("amir", signing.now(kept), "ratify")
    signing.decides("lena", signing.now(kept), "ratify")
    signing.decides("lena", signing.draw(), "reject", reason="why?", back_to="support")
    signing.decides("bea", signing.draw("5"))


ALTERED = {
    "overrides_override SET state = 'audited'": "state was logged as",
    "overrides_override SET amount = amount + 1": "amount was logged as",
    "overrides_override SET proposed = '{}'": "lines was logged as",
    "overrides_key SET public = overlay(public PLACING '0000' FROM 10)": "not as the log says",
    "overrides_key SET alg = 'ed25519-password'": "not as the log says",
    "overrides_key SET role = 'studio_executive'": "not as the log says",
    "overrides_mandate SET state = 'proposed'": "those in force are not those of the log",
    "ledger_logentry SET line = replace(line, 'storm', 'yacht')": "does not hash to its leaf",
}


@pytest.mark.parametrize("change", ALTERED)
def test_what_is_altered_behind_its_back_is_named(signing: Signing, change: str) -> None:
    signing.decides("lena", signing.draw())
    assert problems(signing) == []
    table = change.split(maxsplit=1)[0]
    with role("owner"):
        query(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        query(f"UPDATE {change} WHERE production_id = %s", signing.film.production.pk)
        query(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    assert any(ALTERED[change] in problem for problem in problems(signing))


def test_a_bundle_tells_its_overrides_to_whoever_has_nothing_but_python(
    signing: Signing, tmp_path: Path
) -> None:
    a_life(signing)
    signing.executed(signing.draw("7"))
    file = imported(signing.film, paid((*ANN[:-1], "1.00")))
    signing.executed(signing.asks(Asked("validation_waiver", DAY, row=(file.pk, 1))))
    across = (("3310", "-9"), ("1401", "9"))
    signing.executed(signing.asks(Asked("atl_btl", DAY, across)))
    books = unpacked_books(signing, tmp_path)
    done = verified_offline(books)
    assert (done.returncode, "override signatures" in done.stdout) == (0, True), done.stdout
    founding = next(x.split()[-1] for x in done.stdout.splitlines() if "founding" in x)
    for hash_, code in ((founding, 0), ("00" * 32, 1)):
        again = verified_offline(books, "--founding", hash_)
        assert again.returncode == code, again.stdout


def test_the_command_says_what_holds(signing: Signing, capsys: pytest.CaptureFixture[str]) -> None:
    a_life(signing)
    with role("worker"):
        call_command("verify_overrides", production=signing.film.code, json=True)
    said = json.loads(capsys.readouterr().out)
    assert said["overrides"] == {
        "OVR-0001": "ratified", "OVR-0002": "rejected", "OVR-0003": "requested"}  # fmt: skip
    assert (said["problems"], said["signatures"]) == ([], 6)
