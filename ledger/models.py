"""What happened, for good: documents as received, accounts, periods, and the sealed journal.

A batch is the unit of work, lock, hash and idempotency. A transaction is a document or a line of
one. A posting names both its accounts and a signed amount: it is balanced by construction.
The hot tables carry no row foreign keys; the seal (sql/journal.sql) checks them set by set.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from simple_history.models import HistoricalRecords

from access.models import Production, User
from ledger.fx import VALUE_ONLY
from ledger.payee_tables import Payee, PayKey  # noqa: F401 - their app's tables
from ledger.rate_tables import Conversion, FilledHole, RateSheet  # noqa: F401 - their app's tables
from ledger.segment_tables import Segment  # noqa: F401 - as these
from ledger.segments import MOST_CHARACTERS
from ledger.statement_tables import (  # noqa: F401 - as these
    BankAccount,
    BankIdentifier,
    BankStatement,
    StatementLine,
)
from ledger.verification_tables import Alteration, Verification  # noqa: F401 - as these
from taxonomy.models import CostCenter, CostNode, Unit

PIECE_BYTES = 1_048_576


class Book(models.IntegerChoices):
    """The books of the journal. Costs that happened are in the actual book."""

    ACTUAL = 1
    COMMITMENT = 2
    BUDGET = 3
    FORECAST = 4


class Account(models.Model):
    """An account of the production's chart: a category, or a detail that is posted to."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    code = models.CharField(max_length=16)
    name = models.CharField(max_length=120)
    category = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    line = models.CharField(max_length=5, blank=True)
    kind = models.CharField(max_length=12, blank=True)
    normal_side = models.CharField(max_length=6)
    statement = models.CharField(max_length=13)
    is_postable = models.BooleanField()
    cost_center = models.ForeignKey(CostCenter, models.PROTECT, null=True, related_name="+")
    clearing_role = models.CharField(max_length=24, blank=True)
    history = HistoricalRecords()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["production", "code"], name="account_code"),
        ]

    def __str__(self) -> str:
        return self.code


class Period(models.Model):
    """A weekly cost-report period. Closed in order; nothing posts to a closed one."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    number = models.IntegerField()
    starts_on = models.DateField()
    ends_on = models.DateField()
    state = models.CharField(max_length=6, default="open")
    history = HistoricalRecords()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["production", "number"], name="period_number"),
            models.UniqueConstraint(fields=["production", "starts_on"], name="period_start"),
            models.CheckConstraint(
                condition=models.Q(ends_on__gte=models.F("starts_on")), name="period_in_order"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["open", "closed"]), name="period_state"
            ),
        ]

    def __str__(self) -> str:
        return f"wk {self.number}"


class SourceDocument(models.Model):
    """A file exactly as it was received, kept once by its SHA-256. Its bytes are the pieces."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    sha256 = models.BinaryField(max_length=32)
    byte_size = models.BigIntegerField()
    name = models.CharField(max_length=150)
    received_at = models.DateTimeField(auto_now_add=True)
    received_by = models.ForeignKey(User, models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["production", "sha256"], name="document_sha256"),
        ]

    def __str__(self) -> str:
        return self.name


class SourcePiece(models.Model):
    """One piece of a document's bytes. All but the last are PIECE_BYTES long."""

    pk = models.CompositePrimaryKey("production_id", "document_id", "number")
    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    document = models.ForeignKey(SourceDocument, models.PROTECT, related_name="+")
    number = models.IntegerField()
    data = models.BinaryField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.document_id}/{self.number}"


class Commitment(models.Model):
    """A line of an order: what the production has promised to spend, and on what.

    How much is ordered, relieved, cancelled and so still open stands in the commitment book's
    postings that name it (`component` says which); it is never a figure of its own.
    """

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    cost_center = models.ForeignKey(CostCenter, models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3)
    reference = models.CharField(max_length=40)
    segments = models.CharField(max_length=MOST_CHARACTERS, db_default="")
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.reference


class Batch(models.Model):
    """What one database transaction posts to one unit; sealed at commit, complete or not at all."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12)
    key = models.BinaryField(max_length=32)
    document = models.ForeignKey(SourceDocument, models.PROTECT, null=True, related_name="+")
    document_sha256 = models.BinaryField(max_length=32)
    origin = models.CharField(max_length=80)
    transaction_count = models.IntegerField()
    line_count = models.IntegerField()
    control_total = models.DecimalField(max_digits=28, decimal_places=4)
    actor = models.ForeignKey(User, models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["production", "key"], name="batch_key")]

    def __str__(self) -> str:
        return f"batch {self.pk}"


class Transaction(models.Model):
    """A document, or a line of one, and where it came from: file, row, line and byte span.

    Unique by the row it came from (document_id, source_row) and by what it is (document_key).
    """

    pk = models.CompositePrimaryKey("production_id", "batch_id", "number")
    production = models.ForeignKey(
        Production, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    batch = models.ForeignKey(
        Batch, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    number = models.IntegerField()
    document = models.ForeignKey(
        SourceDocument, models.PROTECT, null=True, related_name="+",
        db_constraint=False, db_index=False,
    )  # fmt: skip
    source_row = models.IntegerField(null=True)
    source_line = models.IntegerField(null=True)
    source_start = models.BigIntegerField(null=True)
    source_end = models.BigIntegerField(null=True)
    document_key = models.BinaryField(max_length=32)
    facts = models.BinaryField(max_length=32)
    reference = models.CharField(max_length=120)
    vendor = models.TextField()
    description = models.TextField()
    jurisdiction = models.CharField(max_length=32)
    effective_date = models.DateField()
    occurred_at = models.DateTimeField(null=True)
    source_zone = models.CharField(max_length=40)
    period = models.ForeignKey(
        Period, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    cost_center = models.ForeignKey(
        CostCenter, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    # The document this one takes back, posting for posting; a document is taken back once.
    reverses_batch = models.ForeignKey(
        Batch, models.PROTECT, null=True, related_name="+", db_constraint=False, db_index=False
    )
    reverses_number = models.IntegerField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["production", "reverses_batch", "reverses_number"],
                condition=models.Q(reverses_batch__isnull=False),
                name="transaction_reversed_once",
            ),
            models.UniqueConstraint(
                fields=["production", "document_key"], name="transaction_identity"
            ),
            models.UniqueConstraint(
                fields=["production", "document", "source_row"], name="transaction_source_row"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}-{self.number}"


class Posting(models.Model):
    """A signed amount from `counter_account` to `account`. Debits are positive on `account`."""

    pk = models.CompositePrimaryKey("production_id", "batch_id", "line_no")
    production = models.ForeignKey(
        Production, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    batch = models.ForeignKey(
        Batch, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    line_no = models.IntegerField()
    transaction_number = models.IntegerField()
    unit = models.ForeignKey(
        Unit, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    book = models.SmallIntegerField(choices=Book.choices, default=Book.ACTUAL)
    account = models.ForeignKey(
        Account, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    counter_account = models.ForeignKey(
        Account, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    cost_center = models.ForeignKey(
        CostCenter, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    node = models.ForeignKey(
        CostNode, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    period = models.ForeignKey(
        Period, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    component = models.CharField(max_length=16)
    line = models.CharField(max_length=5)
    rule = models.CharField(max_length=60)
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=19, decimal_places=4)
    base_amount = models.DecimalField(max_digits=19, decimal_places=4, null=True)
    commitment = models.ForeignKey(
        Commitment, models.PROTECT, null=True, related_name="+",
        db_constraint=False, db_index=False,
    )  # fmt: skip
    segments = models.CharField(max_length=MOST_CHARACTERS, db_default="")  # ledger/segments.py

    class Meta:
        default_permissions = ()
        constraints = [
            # An exchange or rounding difference moves value in the production's currency alone.
            models.CheckConstraint(
                condition=models.Q(component__in=VALUE_ONLY, amount=0, base_amount__isnull=False)
                & ~models.Q(base_amount=0)
                | ~models.Q(component__in=VALUE_ONLY) & ~models.Q(amount=0),
                name="posting_amount_not_zero",
            ),
            models.CheckConstraint(
                condition=~models.Q(account=models.F("counter_account")),
                name="posting_two_accounts",
            ),
        ]
        indexes = [
            models.Index(fields=["production", "account", "period"], name="posting_by_account"),
            models.Index(
                fields=["production", "commitment"],
                condition=models.Q(commitment__isnull=False),
                name="posting_by_commitment",
            ),
            models.Index(
                fields=["production", "batch"],
                condition=models.Q(base_amount__isnull=True),
                name="posting_without_rate",
            ),
            models.Index(
                fields=["production", "account", "period"],
                condition=~models.Q(segments=""),
                name="posting_coded",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.line_no}"


class BatchTotal(models.Model):
    """What a batch adds to an account: both legs, by cost centre, currency and period.

    `base_amount` is null where no rate into the production's currency is known yet.
    """

    production = models.ForeignKey(Production, models.PROTECT, related_name="+", db_index=False)
    batch = models.ForeignKey(Batch, models.PROTECT, related_name="+")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", db_index=False)
    book = models.SmallIntegerField()
    account = models.ForeignKey(Account, models.PROTECT, related_name="+", db_index=False)
    cost_center = models.ForeignKey(CostCenter, models.PROTECT, related_name="+", db_index=False)
    currency = models.CharField(max_length=3)
    period = models.ForeignKey(Period, models.PROTECT, related_name="+", db_index=False)
    amount = models.DecimalField(max_digits=23, decimal_places=4)
    base_amount = models.DecimalField(max_digits=23, decimal_places=4, null=True)
    lines = models.IntegerField()

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["production", "cost_center", "account"], name="total_by_center"),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id} {self.account_id}"


class LogHead(models.Model):
    """The end of a unit's log: its size, its RFC 6962 root and the tree's right edge."""

    pk = models.CompositePrimaryKey("production_id", "unit_id")
    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    size = models.BigIntegerField(default=0)
    root = models.BinaryField(max_length=32)
    edge = ArrayField(models.BinaryField(max_length=32), default=list)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.unit_id} at {self.size}"


class LogEntry(models.Model):
    """One line of a unit's log, hashed as the exact bytes stored."""

    pk = models.CompositePrimaryKey("production_id", "unit_id", "seq")
    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    seq = models.BigIntegerField()
    type = models.CharField(max_length=24)
    line = models.TextField()
    leaf = models.BinaryField(max_length=32)
    batch = models.OneToOneField(Batch, models.PROTECT, null=True, related_name="+")

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["production", "leaf"], name="entry_by_leaf")]

    def __str__(self) -> str:
        return f"{self.unit_id}#{self.seq}"


class SealedLeaves(models.Model):
    """The leaf hashes a batch was sealed with: they name the altered row, should one be."""

    batch = models.OneToOneField(Batch, models.PROTECT, primary_key=True, related_name="+")
    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    leaves = models.BinaryField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"leaves of batch {self.batch_id}"


class AttachmentKind(models.TextChoices):
    """What an attachment supports a cost with."""

    RECEIPT = "receipt", "Receipt"
    DEAL_MEMO = "deal memo", "Deal memo"
    PERMIT = "permit", "Permit"
    RATE_SHEET = "rate sheet", "Rate sheet"
    OTHER = "other", "Other"


class Attachment(models.Model):
    """A file that supports a transaction, or free of one, whatever `target` names.

    Its bytes are a source document's, kept once by content. `media_type` is what the first bytes
    are, whatever the file's name says. Only `journal.attach` makes one (sql/attachments.sql).
    """

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    document = models.ForeignKey(SourceDocument, models.PROTECT, related_name="+")
    sha256 = models.BinaryField(max_length=32)
    byte_size = models.BigIntegerField()
    media_type = models.CharField(max_length=40)
    name = models.CharField(max_length=150)
    kind = models.CharField(max_length=10, choices=AttachmentKind.choices)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    batch = models.ForeignKey(Batch, models.PROTECT, null=True, related_name="+")
    number = models.IntegerField(null=True)
    target = models.CharField(max_length=80, blank=True)
    actor = models.ForeignKey(User, models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["production", "batch", "number"], name="attachment_of"),
        ]

    def __str__(self) -> str:
        return self.name


class AttachmentWithdrawal(models.Model):
    """Who took an attachment back, and why. Its bytes stay and are opened no more."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+")
    attachment = models.OneToOneField(Attachment, models.PROTECT, related_name="+")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300)
    actor = models.ForeignKey(User, models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.attachment_id} withdrawn"


class LeafBucket(models.Model):
    """A batch's leaves that begin with one byte, for finding a row by the start of its hash.

    `entries` holds 8 bytes for each: the leaf's next four, and its place among the batch's leaves.
    """

    pk = models.CompositePrimaryKey("production_id", "bucket", "batch_id")
    production = models.ForeignKey(
        Production, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    bucket = models.SmallIntegerField()
    batch = models.ForeignKey(
        Batch, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    entries = models.BinaryField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.bucket:02x} of batch {self.batch_id}"


class Checkpoint(models.Model):
    """Where a unit's log stood, signed with a key that is not in the database."""

    production = models.ForeignKey(Production, models.PROTECT, related_name="+", db_index=False)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", db_index=False)
    size = models.BigIntegerField()
    root = models.BinaryField(max_length=32)
    note = models.TextField()
    signed_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["production", "unit", "size"], name="checkpoint_size"),
        ]

    def __str__(self) -> str:
        return f"{self.unit_id} at {self.size}"
