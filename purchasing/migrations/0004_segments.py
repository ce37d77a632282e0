"""The lines of an order may be coded to segments, and are committed as they are coded."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0010_segments"),
        ("purchasing", "0003_history"),
    ]

    operations = [
        migrations.AddField(
            model_name="orderline",
            name="segments",
            field=models.CharField(db_default="", max_length=240),
        ),
        migrations.RunSQL(
            (SQL / "promises.sql").read_text(),
            "DROP TRIGGER seal_orders ON ledger_batch; DROP FUNCTION purchasing.seal_orders()",
        ),
    ]
