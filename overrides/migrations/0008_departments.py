"""Heads of departments ask that costs of their own be moved."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("overrides", "0007_crossings"), ("access", "0012_viewing")]

    operations = [
        migrations.RunSQL(
            (SQL / "departments.sql").read_text(), (SQL / "departments_reverse.sql").read_text()
        ),
    ]
