"""What an override was signed for may cross the frozen boundary; here it is only asked."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("budgets", "0004_taken_back")]

    operations = [
        migrations.RunSQL(
            (SQL / "crossings.sql").read_text(), (SQL / "crossings_reverse.sql").read_text()
        ),
    ]
