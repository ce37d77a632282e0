"""An override that departs from a cost node hangs a branch beside it."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("overrides", "0010_fallback"), ("taxonomy", "0005_people")]

    operations = [
        migrations.RunSQL(
            (SQL / "branches.sql").read_text(), (SQL / "branches_reverse.sql").read_text()
        ),
    ]
