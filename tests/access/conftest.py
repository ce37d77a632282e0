"""The two films every test of who may see what looks at. They are read, never changed."""

import pytest

from tests.access.house import House, build
from tests.factories import Cast


@pytest.fixture(scope="session")
def house(cast: Cast) -> House:
    """Two films with a row in every table, the same people on both, and Nina on the second."""
    return build(cast)
