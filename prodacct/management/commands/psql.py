"""manage.py psql: PostgreSQL's own shell on the running database, as one of our roles."""

import os
import shutil
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from prodacct import server

CONNECTION_VARIABLES = {
    "HOST": "PGHOST",
    "PORT": "PGPORT",
    "USER": "PGUSER",
    "PASSWORD": "PGPASSWORD",
    "NAME": "PGDATABASE",
}
SECURITY_OPTIONS = ("sslmode", "sslrootcert", "sslcert", "sslkey")


class Command(BaseCommand):
    help = "Open psql as a database role; what follows -- goes to psql untouched."
    requires_system_checks: list[str] = []
    psql_arguments: tuple[str, ...] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        roles = ("owner", "web", "worker", "bond", "admin")
        parser.add_argument("--role", choices=roles, default="owner")

    def run_from_argv(self, argv: list[str]) -> None:
        """Cut at the first `--` here: argparse would eat a second one meant for psql."""
        if "--" in argv:
            cut = argv.index("--")
            self.psql_arguments = tuple(argv[cut + 1 :])
            argv = argv[:cut]
        super().run_from_argv(argv)

    def handle(self, *args: Any, role: str, **options: Any) -> None:
        try:
            server.ensure()
            program = _psql()
        except server.ServerUnusable as error:
            raise CommandError(str(error)) from error
        # psql takes this process's place: its exit code and its Ctrl-C are then its own.
        os.execve(program, ["psql", *self.psql_arguments], _environment(role))  # noqa: S606


def _psql() -> str:
    private = server.cluster()
    if private and (private.binaries / "psql").exists():
        return str(private.binaries / "psql")
    if found := shutil.which("psql"):
        return found
    raise CommandError("psql is not installed: install your system's postgresql-client package.")


def _environment(role: str) -> dict[str, str]:
    """Tell psql by its environment, where a password cannot be seen in the process list."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    for key, value in server.parameters(role).items():
        if value:
            environment[CONNECTION_VARIABLES[key]] = value
    for key, value in server.options().items():
        if key in SECURITY_OPTIONS:
            environment[f"PG{key.upper()}"] = value
    environment["PGAPPNAME"] = f"prodacct psql {role}"
    return environment
