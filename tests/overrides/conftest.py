"""A film on which overrides can be signed."""

import pytest

from tests.factories import Cast
from tests.overrides.signing import Signing, founded


@pytest.fixture
def signing(cast: Cast) -> Signing:
    """A film of the test's own with a locked budget, signing rules and three keys."""
    return founded(cast)
