"""Second factors are their owner's alone; attempts to sign in are counted by the database."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0004_leave_to_depart"),
        ("mfa", "0003_authenticator_type_uniq"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]
    operations = [
        migrations.RunSQL(
            (SQL / "second_factor.sql").read_text(),
            (SQL / "second_factor_reverse.sql").read_text(),
        ),
    ]
