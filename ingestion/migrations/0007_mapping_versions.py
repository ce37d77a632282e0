"""What people decide of a source's columns is kept as versions of its mapping."""

from pathlib import Path

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0003_history"),
        ("ingestion", "0006_questions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DriftEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.CharField(max_length=40)),
                ("mapping", models.CharField(max_length=60)),
                ("header", models.CharField(max_length=200)),
                ("change", models.CharField(max_length=8)),
                ("field", models.CharField(blank=True, max_length=40)),
                ("was", models.CharField(blank=True, max_length=200)),
                ("verdict", models.CharField(max_length=10)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("change__in", ["renamed", "moved", "new", "missing"])),
                        name="drift_change",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DryRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("base", models.CharField(max_length=50)),
                ("rules", models.JSONField()),
                (
                    "made_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("rows", models.IntegerField(default=0)),
                ("posted", models.IntegerField(default=0)),
                ("duplicate", models.IntegerField(default=0)),
                ("quarantined", models.IntegerField(default=0)),
                ("totals", models.JSONField(default=list)),
                ("causes", models.JSONField(default=list)),
                ("is_whole", models.BooleanField(default=True)),
                ("reason", models.TextField(blank=True)),
                ("heartbeat_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "rows",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("posted"), "+", models.F("duplicate")
                                    ),
                                    "+",
                                    models.F("quarantined"),
                                ),
                            )
                        ),
                        name="dry_run_accounts",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MappingVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.CharField(max_length=40)),
                ("number", models.IntegerField()),
                ("base", models.CharField(max_length=50)),
                ("rules", models.JSONField()),
                ("fingerprint", models.CharField(blank=True, max_length=64)),
                ("reason", models.TextField(blank=True)),
                (
                    "accepted_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("number__gte", 1)), name="mapping_version_from_one"
                    )
                ],
            },
        ),
        migrations.RemoveConstraint(
            model_name="decision",
            name="decision_action",
        ),
        migrations.AddField(
            model_name="importbatch",
            name="shape",
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name="rowrevision",
            name="mapping",
            field=models.CharField(blank=True, db_default="", max_length=60),
        ),
        migrations.AlterField(
            model_name="importbatch",
            name="state",
            field=models.CharField(
                choices=[
                    ("received", "Received"),
                    ("over_limit", "Waiting: over the limit"),
                    ("checking", "Checking"),
                    ("mapping_needed", "Mapping needed"),
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
            model_name="decision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("action__in", ["redrive", "drop"]), ("letter__isnull", False)),
                    models.Q(("action__in", ["cancel", "read"]), ("batch__isnull", False)),
                    _connector="OR",
                ),
                name="decision_action",
            ),
        ),
        migrations.AddField(
            model_name="driftentry",
            name="batch",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="ingestion.importbatch",
            ),
        ),
        migrations.AddField(
            model_name="driftentry",
            name="decided_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="driftentry",
            name="production",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="access.production",
            ),
        ),
        migrations.AddField(
            model_name="dryrun",
            name="batch",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="ingestion.importbatch",
            ),
        ),
        migrations.AddField(
            model_name="dryrun",
            name="made_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="dryrun",
            name="production",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="access.production",
            ),
        ),
        migrations.AddField(
            model_name="mappingversion",
            name="accepted_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="mappingversion",
            name="batch",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="ingestion.importbatch",
            ),
        ),
        migrations.AddField(
            model_name="mappingversion",
            name="production",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="access.production",
            ),
        ),
        migrations.AddIndex(
            model_name="driftentry",
            index=models.Index(fields=["production", "source", "header"], name="drift_of_column"),
        ),
        migrations.AddConstraint(
            model_name="driftentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("verdict__in", ["resolved", "unread", "stopped"]),
                    models.Q(("decided_by__isnull", False), ("verdict__in", ["mapped", "ignored"])),
                    _connector="OR",
                ),
                name="drift_verdict",
            ),
        ),
        migrations.AddConstraint(
            model_name="mappingversion",
            constraint=models.UniqueConstraint(
                fields=("production", "source", "number"), name="mapping_version_once"
            ),
        ),
        migrations.RunSQL(
            (SQL / "mappings.sql").read_text(), (SQL / "mappings_reverse.sql").read_text()
        ),
    ]
