"""Limits, dead letters, decisions, and imports that can be cancelled."""

from pathlib import Path

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0003_history"),
        ("ingestion", "0002_row_security"),
        ("ledger", "0010_segments"),
        ("taxonomy", "0003_overrides"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DeadLetter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=8)),
                ("subject_id", models.BigIntegerField()),
                ("source", models.CharField(blank=True, max_length=40)),
                ("label", models.CharField(max_length=200)),
                ("code", models.CharField(max_length=40)),
                ("cause", models.TextField()),
                ("attempts", models.IntegerField(default=1)),
                ("next_try_at", models.DateTimeField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting for a person"),
                            ("retrying", "Tried again by itself"),
                            ("given_up", "Given up: waiting for a person"),
                            ("decided", "Decided, at the queue"),
                            ("done", "Done"),
                            ("dropped", "Dropped"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                (
                    "opened_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("settled_at", models.DateTimeField(null=True)),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["file", "call", "work"])),
                        name="letter_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                ["waiting", "retrying", "given_up", "decided", "done", "dropped"],
                            )
                        ),
                        name="letter_state",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Decision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("action", models.CharField(max_length=8)),
                ("reason", models.TextField()),
                (
                    "made_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Threshold",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.CharField(blank=True, max_length=40)),
                ("most_rows", models.IntegerField()),
                ("most_bytes", models.BigIntegerField()),
                ("reason", models.TextField()),
                (
                    "made_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("most_bytes__gt", 0), ("most_rows__gt", 0)),
                        name="threshold_above_zero",
                    )
                ],
            },
        ),
        migrations.RemoveConstraint(
            model_name="importbatch",
            name="document_read_once",
        ),
        migrations.AddField(
            model_name="importbatch",
            name="past_limit",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="importbatch",
            name="rows_per_second",
            field=models.IntegerField(default=0),
        ),
        migrations.AddField(
            model_name="workitem",
            name="letter",
            field=models.CharField(blank=True, db_default="", max_length=8),
        ),
        migrations.AlterField(
            model_name="importbatch",
            name="state",
            field=models.CharField(
                choices=[
                    ("received", "Received"),
                    ("over_limit", "Waiting: over the limit"),
                    ("checking", "Checking"),
                    ("posting", "Posting"),
                    ("failed", "Failed"),
                    ("posted", "Posted"),
                    ("posted_with_quarantine", "Posted with quarantine"),
                    ("rejected", "Rejected"),
                    ("cancelled", "Cancelled"),
                ],
                default="received",
                max_length=24,
            ),
        ),
        migrations.AddConstraint(
            model_name="importbatch",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["rejected", "cancelled"]), _negated=True),
                fields=("production", "document", "source", "form", "declared"),
                name="document_read_once",
            ),
        ),
        migrations.AddField(
            model_name="deadletter",
            name="batch",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="ingestion.importbatch",
            ),
        ),
        migrations.AddField(
            model_name="deadletter",
            name="document",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="ledger.sourcedocument",
            ),
        ),
        migrations.AddField(
            model_name="deadletter",
            name="production",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="access.production",
            ),
        ),
        migrations.AddField(
            model_name="decision",
            name="batch",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="ingestion.importbatch",
            ),
        ),
        migrations.AddField(
            model_name="decision",
            name="letter",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="ingestion.deadletter",
            ),
        ),
        migrations.AddField(
            model_name="decision",
            name="made_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="decision",
            name="production",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="access.production",
            ),
        ),
        migrations.AddField(
            model_name="threshold",
            name="made_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="threshold",
            name="production",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="access.production",
            ),
        ),
        migrations.AddConstraint(
            model_name="deadletter",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("waiting", "retrying", "given_up", "decided"))),
                fields=("production", "kind", "subject_id"),
                name="one_open_letter",
            ),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("action__in", ["redrive", "drop"]), ("letter__isnull", False)),
                    models.Q(("action", "cancel"), ("batch__isnull", False)),
                    _connector="OR",
                ),
                name="decision_action",
            ),
        ),
        migrations.RunSQL(
            (SQL / "dead_letters.sql").read_text(), (SQL / "dead_letters_reverse.sql").read_text()
        ),
    ]
