"""What posted invoices are found by, and rows released as no duplicates."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0003_history"),
        ("ingestion", "0008_feeds_and_alerts"),
        ("ledger", "0012_bank_readers"),
    ]

    operations = [
        migrations.CreateModel(
            name="InvoiceMark",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "production_id",
                        "batch_id",
                        "number",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("number", models.IntegerField()),
                ("number_key", models.CharField(max_length=400)),
                ("currency", models.CharField(max_length=3)),
                ("amount", models.DecimalField(decimal_places=4, max_digits=19)),
                (
                    "batch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.batch",
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
                "indexes": [
                    models.Index(
                        fields=["production", "number_key", "currency", "amount"],
                        name="invoice_terms",
                    )
                ],
            },
        ),
        migrations.RemoveConstraint(model_name="deskact", name="desk_act_kind"),
        migrations.RemoveConstraint(model_name="rowrevision", name="revision_action"),
        migrations.AddConstraint(
            model_name="deskact",
            constraint=models.CheckConstraint(
                condition=models.Q(kind="cause", action__in=["resubmit", "reject", "release"])
                | models.Q(kind="upload", action="resubmit", document__isnull=False),
                name="desk_act_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="rowrevision",
            constraint=models.CheckConstraint(
                condition=models.Q(action__in=["resubmit", "reject", "release"]),
                name="revision_action",
            ),
        ),
        migrations.RunSQL(
            (SQL / "invoice_marks.sql").read_text(), (SQL / "invoice_marks_reverse.sql").read_text()
        ),
    ]
