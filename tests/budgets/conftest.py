"""Films with a contingency account."""

import pytest

from tests.budgets.films import budget_film
from tests.factories import Cast, Film


@pytest.fixture
def film(cast: Cast) -> Film:
    """A production of the test's own, with an account for contingency."""
    return budget_film(cast)
