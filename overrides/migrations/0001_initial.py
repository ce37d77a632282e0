"""Overrides with their steps, keys and signing rules."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("access", "0004_leave_to_depart"),
        ("ledger", "0012_bank_readers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Mandate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.IntegerField()),
                ("type", models.CharField(max_length=10)),
                ("said", models.TextField()),
                ("state", models.CharField(default="proposed", max_length=8)),
                (
                    "proposed_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("leaf", models.BinaryField(max_length=32, null=True)),
                (
                    "person",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                (
                    "proposed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("production", "number"), name="mandate_number"),
                    models.CheckConstraint(
                        condition=models.Q(("type__in", ("key.add", "key.revoke", "policy.set"))),
                        name="mandate_type",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["proposed", "in force"])),
                        name="mandate_state",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Key",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.IntegerField()),
                ("role", models.CharField(max_length=30)),
                ("alg", models.CharField(max_length=16)),
                ("public", models.CharField(max_length=130)),
                ("credential", models.CharField(max_length=1400)),
                ("rp", models.CharField(max_length=253)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                (
                    "mandate",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="overrides.mandate",
                    ),
                ),
                (
                    "revoked_by",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="overrides.mandate",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("production", "public"), name="override_key_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Confirmation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("role", models.CharField(max_length=30)),
                ("signature", models.TextField()),
                (
                    "confirmed_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                (
                    "mandate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="overrides.mandate",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("mandate", "person"), name="mandate_confirmed_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SigningRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.IntegerField()),
                ("kind", models.CharField(max_length=20)),
                ("up_to", models.DecimalField(decimal_places=4, max_digits=19, null=True)),
                ("threshold", models.IntegerField()),
                (
                    "roles",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=30), size=None
                    ),
                ),
                ("open_hours", models.IntegerField()),
                ("ratify_hours", models.IntegerField()),
                (
                    "ratify_roles",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=30), size=None
                    ),
                ),
                (
                    "mandate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="overrides.mandate",
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
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("mandate", "kind", "up_to"),
                        name="signing_rule_once",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("threshold__gte", 2)), name="signing_rule_two_people"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Override",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.IntegerField()),
                ("kind", models.CharField(max_length=20)),
                ("state", models.CharField(max_length=9)),
                ("amount", models.DecimalField(decimal_places=4, max_digits=19)),
                ("proposed", models.JSONField()),
                ("target", models.CharField(max_length=120)),
                ("target_digest", models.BinaryField(max_length=32)),
                ("rule", models.CharField(max_length=200)),
                ("justification", models.TextField()),
                ("clause", models.CharField(blank=True, max_length=200)),
                ("checked", models.TextField()),
                ("document_sha256", models.BinaryField(max_length=32)),
                ("document_name", models.CharField(max_length=150)),
                ("requested_at", models.DateTimeField()),
                ("threshold", models.IntegerField()),
                (
                    "roles",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=30), size=None
                    ),
                ),
                (
                    "ratify_roles",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=30), size=None
                    ),
                ),
                ("expires_at", models.DateTimeField()),
                ("ratify_by", models.DateTimeField(null=True)),
                ("leaf", models.BinaryField(max_length=32)),
                ("executed_leaf", models.BinaryField(max_length=32, null=True)),
                ("last_leaf", models.BinaryField(max_length=32)),
                (
                    "attachment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.attachment",
                    ),
                ),
                (
                    "follows",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="overrides.override",
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
                (
                    "requested_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "signing_rule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="overrides.signingrule",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["requested", "approved", "executed"])),
                        fields=["production", "state"],
                        name="override_pending",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("production", "number"), name="override_number"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                (
                                    "requested",
                                    "approved",
                                    "executed",
                                    "ratified",
                                    "audited",
                                    "rejected",
                                    "expired",
                                    "reverted",
                                ),
                            )
                        ),
                        name="override_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "contingency_draw",
                                    "over_budget",
                                    "over_po",
                                    "reclassification",
                                    "late_posting",
                                ],
                            )
                        ),
                        name="override_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="override_amount"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("justification__regex", "\\S"), ("rule__regex", "\\S")),
                        name="override_says_why",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Step",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.IntegerField()),
                ("step", models.CharField(max_length=8)),
                ("becomes", models.CharField(max_length=9)),
                ("role", models.CharField(blank=True, max_length=30)),
                ("signature", models.TextField(blank=True)),
                ("reason", models.TextField(blank=True)),
                ("back_to", models.CharField(blank=True, max_length=7)),
                ("checked", models.TextField(blank=True)),
                ("taken_at", models.DateTimeField()),
                ("leaf", models.BinaryField(max_length=32)),
                (
                    "batch",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.batch",
                    ),
                ),
                (
                    "key",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="overrides.key",
                    ),
                ),
                (
                    "override",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="overrides.override",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("override", "number"), name="override_step_number"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("step", "ratify")),
                        fields=("override", "person"),
                        name="override_ratified_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("step__in", ["execute", "revert", "expire", "stop", "audit"])
                        ),
                        fields=("override", "step"),
                        name="override_step_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "step__in",
                                (
                                    "approve",
                                    "reject",
                                    "stop",
                                    "expire",
                                    "execute",
                                    "ratify",
                                    "revert",
                                    "audit",
                                ),
                            )
                        ),
                        name="override_step",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("back_to__in", ["request", "support", "nowhere"]),
                                ("reason__regex", "\\S"),
                                ("step", "reject"),
                            ),
                            models.Q(models.Q(("step", "reject"), _negated=True), ("back_to", "")),
                            _connector="OR",
                        ),
                        name="override_rejected_to",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("batch__isnull", False), ("step__in", ["execute", "revert"])),
                            models.Q(
                                models.Q(("step__in", ["execute", "revert"]), _negated=True),
                                ("batch__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="override_step_posts",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Transition",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("step", models.CharField(max_length=8)),
                ("was", models.CharField(max_length=9)),
                ("becomes", models.CharField(max_length=9)),
                ("who", models.CharField(max_length=6)),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("step", "was", "becomes"), name="override_transition"
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.UniqueConstraint(
                condition=models.Q(("step__in", ("approve", "reject"))),
                fields=("override", "person"),
                name="override_decided_once",
            ),
        ),
    ]
