"""What banks say happened: accounts, their names at the bank, statements and lines."""

from pathlib import Path

import django.db.models.deletion
import django.db.models.functions.datetime
import simple_history.models
from django.conf import settings
from django.db import migrations, models

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0003_history"),
        ("ledger", "0010_segments"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BankAccount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("currency", models.CharField(max_length=3)),
                ("is_active", models.BooleanField(default=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.account",
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
                        fields=("production", "name"), name="bank_account_name"
                    ),
                    models.UniqueConstraint(
                        fields=("production", "account"), name="bank_account_ledger_account"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BankIdentifier",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("written", models.CharField(max_length=120)),
                ("key", models.CharField(max_length=120)),
                (
                    "recorded_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "bank_account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.bankaccount",
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
                        fields=("production", "key"), name="bank_identifier_key"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="BankStatement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.BinaryField(max_length=32)),
                ("form", models.CharField(max_length=8)),
                ("number", models.CharField(max_length=60)),
                ("from_day", models.DateField(null=True)),
                ("to_day", models.DateField(null=True)),
                ("opening", models.DecimalField(decimal_places=4, max_digits=19, null=True)),
                ("closing", models.DecimalField(decimal_places=4, max_digits=19, null=True)),
                ("lines", models.IntegerField()),
                (
                    "recorded_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "bank_account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.bankaccount",
                    ),
                ),
                (
                    "document",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.sourcedocument",
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
                    models.UniqueConstraint(fields=("production", "key"), name="bank_statement_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="HistoricalBankAccount",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        auto_created=True, blank=True, db_index=True, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("currency", models.CharField(max_length=3)),
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
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.account",
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "production",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="access.production",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical bank account",
                "verbose_name_plural": "historical bank accounts",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="StatementLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.IntegerField()),
                ("form", models.CharField(max_length=8)),
                ("booked_on", models.DateField()),
                ("value_on", models.DateField(null=True)),
                ("amount", models.DecimalField(decimal_places=4, max_digits=19)),
                ("bank_id", models.TextField()),
                ("reference", models.TextField()),
                ("counterparty", models.TextField()),
                ("description", models.TextField()),
                ("facts", models.BinaryField(max_length=32)),
                ("twin", models.IntegerField()),
                ("source_row", models.IntegerField()),
                ("source_line", models.IntegerField()),
                ("source_start", models.BigIntegerField()),
                ("source_end", models.BigIntegerField()),
                (
                    "bank_account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.bankaccount",
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
                    "statement",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.bankstatement",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("statement", "number"), name="statement_line_number"
                    ),
                    models.UniqueConstraint(
                        fields=("statement", "source_row"), name="statement_line_row"
                    ),
                    models.UniqueConstraint(
                        fields=("bank_account", "booked_on", "amount", "twin"),
                        name="statement_line_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("bank_id", ""), _negated=True),
                        fields=("bank_account", "form", "bank_id"),
                        name="statement_line_bank_id",
                    ),
                ],
            },
        ),
        migrations.RunSQL(
            (SQL / "statements.sql").read_text(), (SQL / "statements_reverse.sql").read_text()
        ),
    ]
