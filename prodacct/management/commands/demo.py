"""manage.py demo: open Night Ferry, put its people in their places and import its files."""

import os
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from access import services as access
from access.context import acting
from access.models import Production
from access.selectors import person_by_email, production_by_code
from budgets.selectors import locked_version
from demo import budget, codes, film
from demo.office import lock_the_budget, name_segments
from ingestion.selectors import FINISHED, imports
from ledger.opening import ProductionPlan, open_production
from prodacct import server
from taxonomy import services as taxonomy
from taxonomy.selectors import cost_centers


class Command(BaseCommand):
    """Safe to run again: a film that is there is left as it is."""

    help = "Load the demo film and print who may sign in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--files-only", action="store_true", help="write the files, no more")
        parser.add_argument("--codes", action="store_true", help="print the codes of now, no more")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["codes"]:
            self.stdout.write("\n".join(codes.lines()))
            return
        folder = server.home() / "demo"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / budget.FILE_NAME).write_bytes(budget.budget_file())
        made = list(film.files())
        for file in (*made, film.file_to_try(), *film.rates_files()):
            (folder / file.name).write_bytes(file.data)
        if options["files_only"]:
            return
        production = production_by_code(film.CODE) or self._open()
        self._apps()
        # What an interrupted run left out is made up for; imports that have ended stay as they are.
        ended = {b.file_name for b in imports(production).filter(state__in=FINISHED)}
        self._import(folder, [file for file in made if file.name not in ended])
        self._budget(production)
        self._manage("load_rates", str(folder / film.rates_files()[0].name), folder=folder)
        self._greet(folder)

    @transaction.atomic
    def _open(self) -> Production:
        console = access.console_person()
        production = open_production(
            actor=console,
            plan=ProductionPlan(
                code=film.CODE,
                title=film.TITLE,
                currency=film.CURRENCY,
                units=film.UNITS,
                starts_on=film.STARTS_ON,
                weeks=film.WEEKS,
            ),
        )
        centers = {c.code: c for c in cost_centers(production)}
        for email, name, role, given in film.PEOPLE:
            person = access.add_person(
                actor=console,
                email=codes.address(email),
                name=name,
                password=film.PASSWORD,
            )
            access.give_membership(actor=console, production=production, user=person, role=role)
            for code in given:
                taxonomy.give_cost_center(actor=console, user=person, cost_center=centers[code])
        self.stdout.write(f"{production.title} is open: {film.WEEKS} weeks from {film.STARTS_ON}")
        return production

    def _apps(self) -> None:
        """An authenticator app for each person who has none, in an older demo too."""
        console = access.console_person()
        for email, *_ in film.PEOPLE:
            person = person_by_email(codes.address(email))
            if person is not None:
                secret = codes.app_secret(email)
                access.give_authenticator_app(actor=console, user=person, secret=secret)

    def _import(self, folder: Path, made: list[film.DemoFile]) -> None:
        """Through the same command people script against, each file in its turn."""
        groups: dict[tuple[str, str], list[str]] = {}
        for file in made:
            groups.setdefault((file.source, file.unit), []).append(str(folder / file.name))
        for (source, unit), names in groups.items():
            self._manage("import_file", *names, "--source", source, "--unit", unit, folder=folder)

    def _manage(self, *words: str, folder: Path) -> None:
        """Run a command on the film as a script would, and show what it says."""
        manage = Path(settings.BASE_DIR) / "manage.py"
        done = subprocess.run(
            [sys.executable, str(manage), *words, "--production", film.CODE],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "PRODACCT_ROLE": "worker"},
        )
        if done.returncode != 0:
            raise CommandError(f"{' '.join(words)} failed:\n{done.stderr}")
        for line in done.stdout.splitlines():
            self.stdout.write("  " + line.replace(f"{folder}/", ""))

    def _budget(self, production: Production) -> None:
        """Each step by the person whose step it is; a film whose budget is locked is left alone."""
        accountant, producer = (
            person_by_email(f"{name}@nightferry.example") for name in ("accountant", "producer")
        )
        assert accountant is not None
        assert producer is not None
        name_segments(production, accountant)
        with acting(user_id=accountant.pk, production_id=production.pk):
            if locked_version(production) is not None:
                return
        self.stdout.write(lock_the_budget(production, accountant, producer))

    def _greet(self, folder: Path) -> None:
        self.stdout.write(
            f"\nSign in with the password {film.PASSWORD} and a code, each good for a minute; "
            "print new ones with\n  .venv/bin/python manage.py demo --codes"
        )
        self.stdout.write("\n".join(codes.lines()))
        self.stdout.write(f"\nA file to drop: {folder / film.file_to_try().name}")
        self.stdout.write(f"Rates to load: {folder / film.rates_files()[1].name}\n")
