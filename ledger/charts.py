"""The chart as a document entered by hand needs it: the accounts it names, not all there are."""

from collections.abc import Collection

from django.db.models import Q

from access.models import Production
from ledger import selectors
from ledger.models import Account
from ledger.segments import Known
from taxonomy import selectors as taxonomy
from taxonomy.models import Unit


class Chart:
    """The accounts of a production and their nodes in one unit.

    With `codes` those are read, and the accounts that play a standard part; the whole chart only
    when an account is asked for that was not among them.
    """

    def __init__(self, production: Production, unit: Unit, codes: Collection[str] | None) -> None:
        self._production = production
        self._unit = unit
        self._is_whole = False
        self._segments: Known | None = None
        self._read(None if codes is None else {code.strip() for code in codes})

    def _read(self, codes: Collection[str] | None) -> None:
        rows = selectors.accounts(self._production)
        if codes is not None:
            rows = rows.filter(Q(code__in=codes) | ~Q(clearing_role=""))
        self._accounts = {a.code: a for a in rows}
        self._roles = {a.clearing_role: a for a in self._accounts.values() if a.clearing_role}
        self._nodes = taxonomy.leaf_nodes(self._production, self._unit, self._accounts)
        self._is_whole = codes is None

    def known_segments(self) -> Known:
        """The codes lines may carry, read when the first line carries one."""
        if self._segments is None:
            self._segments = selectors.known_segments(self._production)
        return self._segments

    def account(self, code: str) -> Account | None:
        """The account with exactly this code."""
        if code not in self._accounts and not self._is_whole:
            self._read(None)
        return self._accounts.get(code)

    def account_by_id(self, account_id: int) -> Account:
        """The account of a posted line."""
        found = next((a for a in self._accounts.values() if a.pk == account_id), None)
        if found is None and not self._is_whole:
            self._read(None)
            return self.account_by_id(account_id)
        assert found is not None, "every posting is to an account of its production"
        return found

    def role(self, role: str) -> Account | None:
        """The account that plays a standard part, where the chart has one."""
        return self._roles.get(role)

    def node_id(self, account: Account) -> int:
        """The node of an account in the unit."""
        key = self._unit.pk, account.code
        if key not in self._nodes and not self._is_whole:
            self._read(None)
        return self._nodes[key]
