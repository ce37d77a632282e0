"""Names on payroll lines, for those the database shows them to."""

import secrets
from collections.abc import Iterable

from access.models import Production
from ledger import pay
from ledger.payee_tables import Payee, PayKey

Known = dict[str, tuple[str, str]]  # token -> name and words


def known_payees(production: Production, vendors: Iterable[str]) -> Known:
    """What stands behind those of these vendors that are tokens, as far as the asker may see."""
    tokens = sorted({vendor for vendor in vendors if pay.is_token(vendor)})
    if not tokens:
        return {}
    found = Payee.objects.filter(production=production, token__in=tokens)
    return {p.token: (p.name, p.description) for p in found}


def shown(known: Known, vendor: str, description: str) -> tuple[str, str]:
    """A document's vendor and description in words: withheld where the asker may not see pay."""
    if not pay.is_token(vendor):
        return vendor, description
    name, words = known.get(vendor, (pay.NAME_WITHHELD, pay.WORDS_WITHHELD))
    return name, description or words


def is_withheld(known: Known, vendor: str) -> bool:
    """Whether a person's name stands behind the vendor that the asker may not see."""
    return pay.is_token(vendor) and vendor not in known


def pay_key(production: Production) -> bytes:
    """The production's key for the hashes of payroll documents, made when first asked for.

    Safe at once: whoever comes second reads what the first has kept.
    """
    found = PayKey.objects.filter(production=production).first()
    if found is None:
        made = PayKey(production=production, key=secrets.token_bytes(32))
        PayKey.objects.bulk_create([made], ignore_conflicts=True)
        found = PayKey.objects.get(production=production)
    return bytes(found.key)
