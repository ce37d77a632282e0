"""What a master was: its versions with who made them, and how it stood at a past point."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import models

from access.models import Production
from ledger.models import Account, Period
from ledger.segment_tables import Segment
from ledger.statement_tables import BankAccount
from purchasing.models import Fund, PurchaseOrder, Vendor

# Kind -> the master, and the field people name one by.
KINDS: dict[str, tuple[type[models.Model], str]] = {
    "account": (Account, "code"),
    "bank-account": (BankAccount, "name"),
    "fund": (Fund, "custodian"),
    "order": (PurchaseOrder, "number"),
    "period": (Period, "number"),
    "segment": (Segment, "code"),
    "vendor": (Vendor, "name"),
}
_SAID = {"+": "made", "~": "changed", "-": "removed"}


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a record: when and by whom, all its fields, and what differs from before."""

    at: datetime
    by: str
    said: str
    fields: dict[str, str]
    changed: tuple[tuple[str, str, str], ...]


def record(production: Production, kind: str, key: int) -> models.Model | None:
    """The record with this id as it is now, if it is there for whoever asks."""
    model, _ = KINDS[kind]
    return model._default_manager.filter(production=production, pk=key).first()


def record_named(production: Production, kind: str, name: str) -> models.Model | None:
    """The record people call so: a segment by its code, or as `set=CAFE` where kinds share one."""
    model, field = KINDS[kind]
    if kind == "segment" and "=" in name:
        of_kind, _, name = name.partition("=")
        return Segment.objects.filter(
            production=production, kind=of_kind.lower(), code__iexact=name
        ).first()
    wanted = {f"{field}__iexact" if field != "number" or kind == "order" else field: name}
    return model._default_manager.filter(production=production, **wanted).first()


def versions(found: models.Model) -> list[Version]:
    """Every version of a record, the oldest first."""
    history: Any = type(found).history  # type: ignore[attr-defined]
    rows = history.filter(id=found.pk).select_related("history_user").order_by("history_id")
    made: list[Version] = []
    for row in rows:
        fields = {
            str(f.verbose_name): _shown(row, f)
            for f in type(found)._meta.concrete_fields
            if f.name not in {"id", "production"}
        }
        before = made[-1].fields if made else {}
        changed = tuple((n, before.get(n, ""), v) for n, v in fields.items() if before.get(n) != v)
        by = row.history_user.name if row.history_user else "the console"
        made.append(
            Version(row.history_date, by, _SAID[row.history_type], fields, changed if made else ())
        )
    return made


def _shown(row: Any, field: "models.Field[Any, Any]") -> str:
    if not field.is_relation:
        value = getattr(row, field.attname)
        return "" if value is None else str(value)
    try:
        return str(getattr(row, field.name) or "")
    except ObjectDoesNotExist:  # it names what whoever asks may not see
        return f"number {getattr(row, field.attname)}"


def as_of(every: list[Version], moment: datetime) -> Version | None:
    """The version that was true at a moment; None before the record was made."""
    past = [version for version in every if version.at <= moment]
    return past[-1] if past and past[-1].said != "removed" else None
