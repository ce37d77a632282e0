"""A film on which overrides can be signed."""

import pytest

from overrides import sealed_keys
from overrides.sealed_keys import Terms
from tests.factories import Cast
from tests.overrides.signing import Signing, founded


@pytest.fixture
def signing(cast: Cast) -> Signing:
    """A film of the test's own with a locked budget, signing rules and three keys."""
    return founded(cast)


@pytest.fixture(autouse=True)
def cheap_phrases(monkeypatch: pytest.MonkeyPatch) -> None:
    """New fallback keys are sealed at the least price the database takes, not at ours."""
    monkeypatch.setattr(sealed_keys, "TERMS", Terms(19456, 2, 1))
