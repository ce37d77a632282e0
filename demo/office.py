"""What Night Ferry's accountant and line producer did with the budget, step by step."""

from collections.abc import Iterator
from contextlib import contextmanager

from access.context import acting
from access.models import Production, User
from budgets import changes, efc, versions
from demo import budget
from ledger.coding import NewSegment, add_segments
from ledger.selectors import known_segments

# Where and in what Night Ferry is shot; a feature has no episodes.
SEGMENTS = (
    NewSegment("location", "PIER", "North pier"),
    NewSegment("location", "STAGE4", "Stage 4"),
    NewSegment("set", "WHEELHOUSE", "Wheelhouse, interior"),
    NewSegment("set", "CARDECK", "Car deck"),
    NewSegment("set", "GALLEY", "Galley, interior"),
)


def name_segments(production: Production, accountant: User) -> None:
    """The codes lines may carry, on a film that has none yet."""
    with acting(user_id=accountant.pk, production_id=production.pk):
        if known_segments(production):
            return
        add_segments(actor=accountant, production=production, rows=SEGMENTS)


def lock_the_budget(production: Production, accountant: User, producer: User) -> str:
    """Import, approve, lock, draw on and estimate a film without a budget; a sentence about it."""

    @contextmanager
    def as_(person: User) -> Iterator[User]:
        with acting(user_id=person.pk, production_id=production.pk):
            yield person

    data = budget.budget_file()
    with as_(accountant) as actor:
        file = versions.BudgetFile(budget.FILE_NAME, data, "Green light")
        version = versions.import_budget(actor=actor, production=production, file=file)
    with as_(producer) as actor:
        versions.approve_version(actor=actor, version=version)
    with as_(accountant) as actor:
        versions.ask_lock(actor=actor, version=version)
    with as_(producer) as actor:
        versions.confirm_lock(
            actor=actor, version=version, typed_total=budget.total_of(data), day=budget.LOCKED_ON
        )
    for number, (day, reason, lines) in enumerate((*budget.DRAWS, budget.WAITING)):
        with as_(accountant) as actor:
            change = changes.request_change(
                actor=actor, production=production, kind="draw", day=day, reason=reason,
                lines=lines,
            )  # fmt: skip
        if number < len(budget.DRAWS):
            with as_(producer) as actor:
                changes.approve_change(actor=actor, change=change)
    for code, way, stated, day, reason in budget.ESTIMATES:
        with as_(accountant) as actor:
            efc.enter_efc(
                actor=actor, production=production,
                account=efc.account_to_forecast(production, code),
                asked=efc.Asked(way, stated, day, reason),
            )  # fmt: skip
    return f"Budget v{version.number} is locked at {budget.total_of(data)} {production.currency}"
