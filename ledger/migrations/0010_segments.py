"""Lines may be coded to segments: episode, location, set and the like."""

from pathlib import Path

import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0003_history"),
        ("ledger", "0009_nightly"),
        ("taxonomy", "0003_overrides"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="HistoricalSegment",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        auto_created=True, blank=True, db_index=True, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=9)),
                ("code", models.CharField(max_length=16)),
                ("name", models.CharField(max_length=120)),
                ("is_active", models.BooleanField(default=True)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(
                        choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1
                    ),
                ),
            ],
            options={
                "verbose_name": "historical segment",
                "verbose_name_plural": "historical segments",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="Segment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=9)),
                ("code", models.CharField(max_length=16)),
                ("name", models.CharField(max_length=120)),
                ("is_active", models.BooleanField(default=True)),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "episode",
                                    "location",
                                    "set",
                                    "insurance",
                                    "1099",
                                    "free1",
                                    "free2",
                                    "free3",
                                    "free4",
                                ],
                            )
                        ),
                        name="segment_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("code__regex", "^[A-Z0-9][A-Z0-9._/-]{0,15}$")),
                        name="segment_code_form",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="commitment",
            name="segments",
            field=models.CharField(db_default="", max_length=240),
        ),
        migrations.AddField(
            model_name="posting",
            name="segments",
            field=models.CharField(db_default="", max_length=240),
        ),
        migrations.AddIndex(
            model_name="posting",
            index=models.Index(
                condition=models.Q(("segments", ""), _negated=True),
                fields=["production", "account", "period"],
                name="posting_coded",
            ),
        ),
        migrations.AddField(
            model_name="historicalsegment",
            name="history_user",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="historicalsegment",
            name="production",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="access.production",
            ),
        ),
        migrations.AddField(
            model_name="segment",
            name="production",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="access.production",
            ),
        ),
        migrations.AddConstraint(
            model_name="segment",
            constraint=models.UniqueConstraint(
                fields=("production", "kind", "code"), name="segment_code"
            ),
        ),
        migrations.RunSQL(
            (SQL / "coding.sql").read_text(), (SQL / "coding_reverse.sql").read_text()
        ),
    ]
