"""Reference rates, the conversions made with them, and the holes filled later."""

from pathlib import Path

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0002_row_security"),
        ("ledger", "0006_checkpoints"),
        ("taxonomy", "0002_row_security"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="RateSheet",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "production",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="access.production",
                    ),
                ),
                ("source", models.CharField(max_length=12)),
                ("published_on", models.DateField()),
                ("rates", models.JSONField()),
                (
                    "document",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.sourcedocument",
                    ),
                ),
                ("url", models.CharField(blank=True, max_length=300)),
                (
                    "fetched_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "actor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "supersedes",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.ratesheet",
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=200)),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("supersedes__isnull", True)),
                        fields=("production", "source", "published_on"),
                        name="rate_sheet_day",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("supersedes__isnull", True),
                            models.Q(("reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="rate_sheet_correction_has_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Conversion",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "production_id",
                        "batch_id",
                        "currency",
                        "day",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
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
                (
                    "batch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.batch",
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("day", models.DateField()),
                (
                    "sheet",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.ratesheet",
                    ),
                ),
                ("numerator", models.DecimalField(decimal_places=8, max_digits=17)),
                ("denominator", models.DecimalField(decimal_places=8, max_digits=17)),
                ("lines", models.IntegerField()),
            ],
            options={"default_permissions": ()},
        ),
        migrations.CreateModel(
            name="FilledHole",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "production_id",
                        "hole_batch_id",
                        "hole_number",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
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
                (
                    "hole_batch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.batch",
                    ),
                ),
                ("hole_number", models.IntegerField()),
                (
                    "batch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.batch",
                    ),
                ),
                ("number", models.IntegerField()),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("production", "batch", "number"), name="filled_hole_document"
                    )
                ],
            },
        ),
        migrations.RemoveConstraint(
            model_name="posting",
            name="posting_amount_not_zero",
        ),
        migrations.AddIndex(
            model_name="posting",
            index=models.Index(
                condition=models.Q(("base_amount__isnull", True)),
                fields=["production", "batch"],
                name="posting_without_rate",
            ),
        ),
        migrations.AddConstraint(
            model_name="posting",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("amount", 0),
                        ("base_amount__isnull", False),
                        ("component__in", ("fx_realised", "fx_unrealised", "fx_rounding")),
                        models.Q(("base_amount", 0), _negated=True),
                    ),
                    models.Q(
                        models.Q(
                            ("component__in", ("fx_realised", "fx_unrealised", "fx_rounding")),
                            _negated=True,
                        ),
                        models.Q(("amount", 0), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="posting_amount_not_zero",
            ),
        ),
        migrations.RunSQL((SQL / "rates.sql").read_text(), (SQL / "rates_reverse.sql").read_text()),
    ]
