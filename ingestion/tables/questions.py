"""Questions that accounting puts to a department about what is held.

Beside `ingestion.models`, which has it.
"""

from django.db import models
from django.db.models.functions import Now

from access.models import Production, User
from taxonomy.models import CostCenter


class Question(models.Model):
    """A question to one person about a held row or a cause, in one department's name.

    `facts` are the row's fields, as they stood, where the row is that department's; else the person
    sees the words alone. Open, then answered by whom it was put to, or withdrawn; each once.
    """

    production = models.ForeignKey(Production, models.PROTECT, related_name="+", db_index=False)
    held_row = models.ForeignKey("ingestion.HeldRow", models.PROTECT, related_name="+", null=True)
    cause = models.CharField(max_length=300, blank=True)
    cost_center = models.ForeignKey(CostCenter, models.PROTECT, related_name="+", db_index=False)
    asked_of = models.ForeignKey(User, models.PROTECT, related_name="+")
    text = models.TextField()
    facts = models.JSONField(default=list)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=9, default="open")
    answer = models.TextField(blank=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="open", answer="", closed_at__isnull=True)
                | models.Q(state="answered", closed_at__isnull=False) & ~models.Q(answer="")
                | models.Q(state="withdrawn", answer="", closed_at__isnull=False),
                name="question_state",
            ),
            models.CheckConstraint(condition=~models.Q(text=""), name="question_says_something"),
        ]
        indexes = [models.Index(fields=["production", "-id"], name="questions")]

    def __str__(self) -> str:
        return f"question {self.pk}"
