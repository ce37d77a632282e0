"""The foot of a printed report: where the logs stood, to be held against a bundle."""

import io
import json

from django.core.management import call_command

from access.services import console_person
from ledger.checkpoints import checkpoint_production
from tests.factories import Film, cost_line, cost_lines, import_data, role


def printed(command: str, film: Film, form: str) -> str:
    out = io.StringIO()
    with role("worker"):
        console_person()
        call_command(command, production=film.code, format=form, stdout=out)
    return out.getvalue()


def test_every_printed_report_ends_with_heads_and_checkpoints(film: Film) -> None:
    import_data(film, cost_lines([cost_line(1)]))
    for command in ("cost_report", "trial_balance"):
        assert "Log MAIN " in printed(command, film, "table")
        assert "no checkpoint yet" in printed(command, film, "table")
    with role("worker"):
        (checkpoint,) = checkpoint_production(production=film.production)
    root = bytes(checkpoint.root).hex()[:16]
    for command in ("cost_report", "trial_balance"):
        told = printed(command, film, "table").splitlines()
        assert any(
            line.startswith(f"Log MAIN {checkpoint.size} entries, root {root}; checkpoint at")
            for line in told
        )
        logs = json.loads(printed(command, film, "json"))["logs"]
        (main,) = [log for log in logs if log["unit"] == "MAIN"]
        assert (main["size"], main["root"]) == (checkpoint.size, root)
        assert main["checkpoint"]["root"] == root
        assert "Log MAIN" not in printed(command, film, "csv"), "a CSV holds rows and nothing else"
