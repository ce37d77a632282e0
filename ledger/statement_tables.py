"""The tables of what banks say happened: accounts, their names at the bank, statements, lines.

Beside `ledger.models`, which has them. None of it is a posting: a bank's line is held against the
ledger's cash account by the reconciliation, and never moves it.
"""

from django.db import models
from django.db.models.functions import Now
from simple_history.models import HistoricalRecords

from access.models import Production


class BankAccount(models.Model):
    """An account at a bank, and the account of the chart that stands for it.

    Currency and ledger account stay what they were; `is_active` says whether statements are still
    expected.
    """

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    currency = models.CharField(max_length=3)
    account = models.ForeignKey("ledger.Account", models.PROTECT, related_name="+")
    is_active = models.BooleanField(default=True)
    history = HistoricalRecords()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["production", "name"], name="bank_account_name"),
            models.UniqueConstraint(
                fields=["production", "account"], name="bank_account_ledger_account"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BankIdentifier(models.Model):
    """What a bank calls the account in its files: an IBAN, a number, a bank code with a number.

    An account may have several, for each form writes its own. `key` is how two are compared.
    """

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    bank_account = models.ForeignKey(BankAccount, models.PROTECT, related_name="+")
    written = models.CharField(max_length=120)
    key = models.CharField(max_length=120)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["production", "key"], name="bank_identifier_key"),
        ]

    def __str__(self) -> str:
        return self.written


class BankStatement(models.Model):
    """What one file says of one account: days, balances, and how many lines it states.

    Lines that the account had already are not stored again: they stand under the statement that
    first brought them.
    """

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    bank_account = models.ForeignKey(BankAccount, models.PROTECT, related_name="+")
    document = models.ForeignKey("ledger.SourceDocument", models.PROTECT, related_name="+")
    key = models.BinaryField(max_length=32)
    form = models.CharField(max_length=8)
    number = models.CharField(max_length=60)
    from_day = models.DateField(null=True)
    to_day = models.DateField(null=True)
    opening = models.DecimalField(max_digits=19, decimal_places=4, null=True)
    closing = models.DecimalField(max_digits=19, decimal_places=4, null=True)
    lines = models.IntegerField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["production", "key"], name="bank_statement_key"),
        ]

    def __str__(self) -> str:
        return self.number or f"statement {self.pk}"


class StatementLine(models.Model):
    """One line of a bank's statement, once per account. Credits of the account are positive.

    `twin` says which it is of the lines with this day and amount. Its bytes are `source_start` to
    `source_end` of the statement's document; alike where the form has no bytes of one line.
    """

    production = models.ForeignKey(Production, models.PROTECT, related_name="+", db_index=False)
    bank_account = models.ForeignKey(BankAccount, models.PROTECT, related_name="+", db_index=False)
    statement = models.ForeignKey(BankStatement, models.PROTECT, related_name="+", db_index=False)
    number = models.IntegerField()
    form = models.CharField(max_length=8)
    booked_on = models.DateField()
    value_on = models.DateField(null=True)
    amount = models.DecimalField(max_digits=19, decimal_places=4)
    bank_id = models.TextField()
    reference = models.TextField()
    counterparty = models.TextField()
    description = models.TextField()
    facts = models.BinaryField(max_length=32)
    twin = models.IntegerField()
    source_row = models.IntegerField()
    source_line = models.IntegerField()
    source_start = models.BigIntegerField()
    source_end = models.BigIntegerField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["statement", "number"], name="statement_line_number"),
            models.UniqueConstraint(fields=["statement", "source_row"], name="statement_line_row"),
            models.UniqueConstraint(
                fields=["bank_account", "booked_on", "amount", "twin"], name="statement_line_once"
            ),
            models.UniqueConstraint(
                fields=["bank_account", "form", "bank_id"],
                condition=~models.Q(bank_id=""),
                name="statement_line_bank_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.statement_id}/{self.number}"
