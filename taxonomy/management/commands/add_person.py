"""manage.py add_person EMAIL --name N --production CODE --role R [--cost-center CAM ...]."""

import getpass
import sys
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from access import roles
from access import services as access
from access.errors import Refused
from access.models import User
from access.selectors import production_by_code
from taxonomy import selectors
from taxonomy import services as taxonomy


class Command(BaseCommand):
    """Makes or renames the person, gives the membership, grants the cost centres."""

    help = "Put a person on a production. Asks for a password, or reads it from standard input."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", required=True)
        parser.add_argument("--production", required=True)
        parser.add_argument("--role", required=True, help=", ".join(roles.ROLES))
        parser.add_argument(
            "--cost-center", action="append", default=[], help="a code, such as CAM"
        )
        parser.add_argument("--starts", type=date.fromisoformat)
        parser.add_argument("--ends", type=date.fromisoformat, help="the last day")

    def handle(self, *args: Any, **options: Any) -> None:
        production = production_by_code(options["production"])
        if production is None:
            raise CommandError(f"there is no production {options['production']!r}")
        centers = {c.code: c for c in selectors.cost_centers(production)}
        unknown = [code for code in options["cost_center"] if code not in centers]
        if unknown:
            raise CommandError(
                f"cost centre: {unknown[0]!r} is none of {production.code}'s: {', '.join(centers)}"
            )
        console = access.console_person()
        password = self._password(options["email"], options["name"])
        try:
            with transaction.atomic():
                person = access.add_person(
                    actor=console, email=options["email"], name=options["name"], password=password
                )
                membership = access.give_membership(
                    actor=console,
                    production=production,
                    user=person,
                    role=options["role"],
                    starts_on=options["starts"],
                    ends_on=options["ends"],
                )
                for code in options["cost_center"]:
                    taxonomy.give_cost_center(actor=console, user=person, cost_center=centers[code])
        except Refused as refusal:
            raise CommandError(refusal.message) from None
        where = (
            f", cost centres {', '.join(options['cost_center'])}" if options["cost_center"] else ""
        )
        self.stdout.write(
            f"{person.email} is {roles.label_of(membership.role)} on {production.code}{where}"
        )

    def _password(self, email: str, name: str) -> str:
        if sys.stdin.isatty():
            password = getpass.getpass(f"Password for {email}: ")
        else:
            password = sys.stdin.readline().rstrip("\n")
        try:
            validate_password(password, User(email=email, name=name))
        except ValidationError as error:
            raise CommandError("password: " + " ".join(error.messages)) from None
        return password
