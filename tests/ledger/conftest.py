"""A film to tamper with. Whoever alters it undoes it in the same transaction."""

import pytest

from ledger.checkpoints import checkpoint_production
from tests.factories import Cast, Film, cost_line, cost_lines, import_data, make_film, role
from tests.ledger.banking import banked, line, taken
from tests.ledger.exhibits import PDF, attached, withdrawn


@pytest.fixture(scope="session")
def imported(cast: Cast) -> Film:
    """A film with two imports on one unit and one on another, two attachments, both withdrawn, and
    a bank's statement of three lines; every test undoes what it does."""
    with role("owner"):
        made = make_film(cast)
    first = [cost_line(n, amount=f"{n}.25") for n in range(1, 6)]
    import_data(made, cost_lines([*first, cost_line(1), cost_line(9, amount="wrong")]))
    import_data(made, cost_lines([cost_line(20, account="2220", center="ART")]))
    import_data(made, cost_lines([cost_line(30)]), unit="SECOND")
    for number in (1, 2):
        withdrawn(made, attached(made, data=PDF + b"%d" % number, name="costs.csv"))
    taken(made, banked(made), line(1, "-5.25", "one"), line(2, "9.00", "two"), line(3, "1", "3"))
    with role("worker"):
        checkpoint_production(production=made.production)
    return made
