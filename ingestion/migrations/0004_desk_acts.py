"""Decisions about many held rows at once, and an index for the desk."""

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
        ("ingestion", "0003_dead_letters"),
        ("ledger", "0010_segments"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DeskAct",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=6)),
                ("action", models.CharField(max_length=8)),
                ("cause", models.CharField(blank=True, max_length=300)),
                ("values", models.JSONField(default=dict)),
                ("reason", models.TextField(blank=True)),
                ("rows", models.IntegerField()),
                ("last_row", models.BigIntegerField(default=0)),
                (
                    "made_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("state", models.CharField(default="waiting", max_length=8)),
                ("position", models.BigIntegerField(default=0)),
                ("posted", models.IntegerField(default=0)),
                ("duplicate", models.IntegerField(default=0)),
                ("held", models.IntegerField(default=0)),
                ("rejected", models.IntegerField(default=0)),
                ("passed", models.IntegerField(default=0)),
                ("heartbeat_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["waiting", "working", "done", "stopped"])
                        ),
                        name="desk_act_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "rows__gte",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            django.db.models.expressions.CombinedExpression(
                                                models.F("posted"), "+", models.F("duplicate")
                                            ),
                                            "+",
                                            models.F("held"),
                                        ),
                                        "+",
                                        models.F("rejected"),
                                    ),
                                    "+",
                                    models.F("passed"),
                                ),
                            )
                        ),
                        name="desk_act_counts",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "done"), _negated=True),
                            (
                                "rows",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            django.db.models.expressions.CombinedExpression(
                                                models.F("posted"), "+", models.F("duplicate")
                                            ),
                                            "+",
                                            models.F("held"),
                                        ),
                                        "+",
                                        models.F("rejected"),
                                    ),
                                    "+",
                                    models.F("passed"),
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="desk_act_accounted",
                    ),
                ],
            },
        ),
        migrations.RemoveIndex(
            model_name="heldrow",
            name="held_by_cause",
        ),
        migrations.AddIndex(
            model_name="heldrow",
            index=models.Index(
                condition=models.Q(("state__in", ["held", "resubmitted"])),
                fields=["production", "cause", "id"],
                include=("batch", "state", "currency", "amount"),
                name="held_by_cause",
            ),
        ),
        migrations.AddField(
            model_name="deskact",
            name="batch",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="ingestion.importbatch",
            ),
        ),
        migrations.AddField(
            model_name="deskact",
            name="document",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="ledger.sourcedocument",
            ),
        ),
        migrations.AddField(
            model_name="deskact",
            name="made_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="deskact",
            name="production",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="access.production",
            ),
        ),
        migrations.AddField(
            model_name="rowrevision",
            name="act",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="ingestion.deskact",
            ),
        ),
        migrations.AddIndex(
            model_name="deskact",
            index=models.Index(fields=["production", "-id"], name="desk_acts"),
        ),
        migrations.AddConstraint(
            model_name="deskact",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("action__in", ["resubmit", "reject"]), ("kind", "cause")),
                    models.Q(
                        ("action", "resubmit"), ("document__isnull", False), ("kind", "upload")
                    ),
                    _connector="OR",
                ),
                name="desk_act_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="deskact",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "cause"), ("state__in", ["waiting", "working"])),
                fields=("production", "cause"),
                name="one_act_on_a_cause",
            ),
        ),
        migrations.RunSQL(
            (SQL / "desk_acts.sql").read_text(), (SQL / "desk_acts_reverse.sql").read_text()
        ),
    ]
