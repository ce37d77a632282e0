"""Text kept under keys that the database does not have, derived from the installation's secret."""

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def seal_of(purpose: bytes) -> MultiFernet:
    """What seals and opens for one purpose; what was sealed under an earlier secret opens too."""
    return MultiFernet(
        Fernet(urlsafe_b64encode(HKDF(SHA256(), 32, None, purpose).derive(key.encode())))
        for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    )
