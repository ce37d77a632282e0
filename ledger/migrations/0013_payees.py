"""Who is paid, apart from what is paid."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0011_view_pay"),
        ("ledger", "0012_bank_readers"),
        ("taxonomy", "0003_overrides"),
    ]

    operations = [
        migrations.CreateModel(
            name="PayKey",
            fields=[
                (
                    "production",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="access.production",
                    ),
                ),
                ("key", models.BinaryField(max_length=32)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Payee",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "production_id",
                        "token",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("token", models.CharField(max_length=70)),
                ("salt", models.BinaryField(max_length=16)),
                ("name", models.TextField()),
                ("description", models.TextField()),
                (
                    "cost_center",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="taxonomy.costcenter",
                    ),
                ),
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
            },
        ),
        migrations.RunSQL(
            (SQL / "payees.sql").read_text(), (SQL / "payees_reverse.sql").read_text()
        ),
    ]
