"""A word for a mandate counts while its key does, and older rules do not overtake newer ones."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("overrides", "0008_departments")]

    operations = [
        migrations.RunSQL((SQL / "words.sql").read_text(), (SQL / "words_reverse.sql").read_text()),
    ]
