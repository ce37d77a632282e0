"""Where allauth asks how this house does it: words, addresses, secrets at rest, who may sign in."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth_context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme

from access import context, door, stepup
from access.models import User
from access.sealing import seal_of

WRONG = "E-mail or password is not right, or the account is closed."
SECRETS = b"prodacct second factors at rest v1"
TOO_MANY = "Too many attempts. Wait five minutes, then try again."


class AccountAdapter(DefaultAccountAdapter):
    """Signing in. Nobody signs up by themselves, and no answer says whether an address is known."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": WRONG,
        "incorrect_password": "That is not your password.",
        "too_many_login_attempts": TOO_MANY,
        "rate_limited": TOO_MANY,
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Only back into this very host: not to another name it answers to."""
        request = allauth_context.request
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )

    def pre_login(self, request: HttpRequest, user: User, **told: Any) -> HttpResponse | None:
        """The password or passkey was right: from here on their own keys may be read."""
        if not user.is_active:
            return self.respond_user_inactive(request, user)
        context.enter(user_id=user.pk, production_id=context.NO_PRODUCTION)
        response: HttpResponse | None = super().pre_login(request, user, **told)
        return response

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Too many wrong guesses are refused before the password is even looked at."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            door.note(request, "held", credentials.get("email", ""))
            raise

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        door.note(request, "wrong_password", credentials.get("email", ""))

    def login(self, request: HttpRequest, user: User) -> None:
        """All steps are passed: a new session begins, and it says where it came from."""
        super().login(request, user)
        door.mark(request)
        door.note(request, "came_in", user.email)

    def respond_user_inactive(self, request: HttpRequest, user: User | None) -> HttpResponse:
        return redirect("login")

    def reauthenticate(self, user: User, password: str) -> bool:
        found = self.authenticate(allauth_context.request, email=user.email, password=password)
        return found is not None and found.pk == user.pk

    def get_reauthentication_methods(self, user: User) -> list[dict[str, Any]]:
        """Whoever has a second factor proves who they are by it: a password may be overseen."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        second = [m for m in methods if m["id"].startswith("mfa_")]
        # A passkey first: it is one gesture.
        return sorted(second, key=lambda m: m["id"], reverse=True) or methods

    def is_reauthentication_required(self, *, app: str = "") -> bool:
        request = allauth_context.request
        return not stepup.proved_lately(request, request.user)


class MFAAdapter(DefaultMFAAdapter):
    """Second factors: their secrets are kept under a key that the database does not have."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "That code or passkey is not right, or was used already.",
        "cannot_delete_authenticator": (
            "Your role asks for a second factor, and this is the only one. Add another first."
        ),
    }

    def encrypt(self, text: str) -> str:
        return seal_of(SECRETS).encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return seal_of(SECRETS).decrypt(encrypted_text.encode()).decode()

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Not the last one of a person whose role asks for one."""
        if not stepup.is_needed(authenticator.user):
            return True
        others = Authenticator.objects.filter(user_id=authenticator.user_id).exclude(
            pk=authenticator.pk
        )
        return bool(others.exclude(type=Authenticator.Type.RECOVERY_CODES).exists())

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        known = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return f"Passkey {known + 1}"
