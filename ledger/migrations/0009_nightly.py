"""The worker verifies the journal at night, and says so when something was altered."""

from pathlib import Path

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0002_row_security"),
        ("ledger", "0008_statistics"),
    ]

    operations = [
        migrations.CreateModel(
            name="Alteration",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "found_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("count", models.IntegerField()),
                ("findings", models.TextField()),
                (
                    "production",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="access.production",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["production", "found_at"], name="altered_at"),
                ],
            },
        ),
        migrations.RunSQL(
            (SQL / "nightly.sql").read_text(), (SQL / "nightly_reverse.sql").read_text()
        ),
    ]
