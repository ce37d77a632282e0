#!/usr/bin/env python
"""Every command finds or starts its database first, so that nothing else need be running."""

import os
import sys

# Commands that change the shape of the database or who may enter it; all others run as the
# worker role, which sees one production at a time under a signed context.
OWNER_COMMANDS = {
    "add_person",
    "demo",
    "export_bundle",
    "flush",
    "makemigrations",
    "migrate",
    "new_production",
    "prepare_database",
    "prove",
    "sqlmigrate",
    "showmigrations",
    "verify_journal",
}
NO_DATABASE = {"help", "psql", "stop_database"}


def main() -> None:
    """Choose the database role by the command, make sure the database is there, run it."""
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    role = "web" if command == "runserver" else "owner" if command in OWNER_COMMANDS else "worker"
    os.environ.setdefault("PRODACCT_ROLE", role)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "prodacct.settings")
    from prodacct import schema, server  # noqa: PLC0415

    try:
        if command == "psql" or command not in NO_DATABASE:
            server.ensure()
        if command not in {*NO_DATABASE, "migrate", "makemigrations", "prepare_database"}:
            schema.ensure()
    except server.ServerUnusable as problem:
        raise SystemExit(str(problem)) from None
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
