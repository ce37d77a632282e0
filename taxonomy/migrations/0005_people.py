"""Who is on a production: what gives a place, changes it and ends it."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("taxonomy", "0004_agreement"),
        ("access", "0007_people"),
    ]

    operations = [
        migrations.RunSQL(
            (SQL / "people.sql").read_text(), (SQL / "people_reverse.sql").read_text()
        ),
    ]
