"""Tax numbers of vendors, apart from the vendors that everybody on a film sees."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0011_view_pay"),
        ("purchasing", "0004_segments"),
    ]

    operations = [
        migrations.CreateModel(
            name="VendorTaxNumber",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.CharField(max_length=32)),
                (
                    "production",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="access.production",
                    ),
                ),
                (
                    "vendor",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="purchasing.vendor",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("number", ""), _negated=True),
                        name="tax_number_is_said",
                    ),
                ],
            },
        ),
        # The column stays, unread, under the images the log has of vendors entered before.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveField(model_name="vendor", name="tax_id"),
                migrations.RemoveField(model_name="historicalvendor", name="tax_id"),
            ]
        ),
        migrations.RunSQL(
            (SQL / "tax_numbers.sql").read_text(), (SQL / "tax_numbers_reverse.sql").read_text()
        ),
    ]
