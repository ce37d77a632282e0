"""Signing in, and the keys one signs in with: allauth's views in this house's pages.

The password or a passkey comes first, a second factor next where there is one; only then is
anybody signed in. Whoever needs a second factor and has none is led here to set one up.
"""

from typing import Any, cast

from allauth.account import views as account
from allauth.account.internal.stagekit import clear_login
from allauth.account.models import Login
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import views as mfa
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import forms as passkey_forms
from allauth.mfa.webauthn import views as passkeys
from allauth.mfa.webauthn.internal import auth
from allauth.mfa.webauthn.internal.flows import perform_passwordless_login
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from access import context, door, stepup
from access.models import User
from access.notices import note_and_tell

REAUTHENTICATE = "access/reauthenticate.html"


class SignIn(account.LoginView):
    """E-mail and password, or a passkey."""

    template_name = "access/sign_in.html"


@require_POST
def login_again(request: HttpRequest) -> HttpResponse:
    """Forget a sign-in that stands before its second factor, and begin anew."""
    if not request.user.is_authenticated:
        clear_login(request)
    return redirect("login")


class PasskeyForm(passkey_forms.LoginWebAuthnForm):
    """A passkey that says by itself whose it is."""

    def clean_credential(self) -> Authenticator:
        said = self.cleaned_data["credential"]
        wrong = get_adapter().validation_error("incorrect_code")
        try:
            auth.parse_authentication_response(said)
            user = auth.extract_user_from_response(said)
        except (AttributeError, KeyError):  # JSON of another shape than a browser sends
            raise wrong from None
        if not user.is_active:
            raise wrong
        # Their keys are read to check the signature; nothing else is, should it be wrong.
        context.enter(user_id=user.pk, production_id=context.NO_PRODUCTION)
        return auth.complete_authentication(user, said)


class SignInByPasskey(passkeys.LoginWebAuthnView):
    """A passkey instead of a password: something one has, and a finger, a face or a PIN."""

    def get_form_class(self) -> type[PasskeyForm]:
        return PasskeyForm

    def form_valid(self, form: PasskeyForm) -> HttpResponse:
        key = form.cleaned_data["credential"]
        asked = self.request.POST.get("next", "")
        going = asked if account.get_adapter().is_safe_url(asked) else None
        login = Login(user=key.user, redirect_url=going)
        return cast("HttpResponse", perform_passwordless_login(self.request, key, login))


class SecondFactor(mfa.AuthenticateView):
    """The code or passkey after the password."""

    template_name = "access/second_factor.html"

    def form_invalid(self, form: Any) -> HttpResponse:
        door.note(self.request, "wrong_factor", self.stage.login.user.email)
        response: HttpResponse = super().form_invalid(form)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        held = Authenticator.objects.filter(user_id=self.stage.login.user.pk)
        kinds = set(held.values_list("type", flat=True))
        found: dict[str, Any] = super().get_context_data(**kwargs)
        return {**found, "kinds": kinds}


class Keys(mfa.IndexView):
    """The keys a person signs in with."""

    template_name = "access/keys.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = _person(self.request)
        found: dict[str, Any] = super().get_context_data(**kwargs)
        return {
            **found,
            "enrolled": stepup.is_enrolled(user),
            "needed": stepup.is_needed(user),
            "passed": stepup.has_passed(self.request, user),
        }


class AddTotp(totp.ActivateTOTPView):
    """Set up an authenticator app by its first code."""

    template_name = "access/totp_add.html"

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        stepup.record_enrolment(self.request, _person(self.request), "totp")
        note_and_tell(self.request, _person(self.request), "key_added")
        return response


class RemoveTotp(totp.DeactivateTOTPView):
    template_name = "access/totp_remove.html"

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        note_and_tell(self.request, _person(self.request), "key_removed")
        return response


class AddPasskeyForm(passkey_forms.AddWebAuthnForm):
    """Every passkey asks for its owner and can sign in by itself, so there is nothing to choose."""

    passwordless = None


class AddPasskey(passkeys.AddWebAuthnView):
    """Set up a passkey by a gesture."""

    template_name = "access/passkey_add.html"

    def get_form_class(self) -> type[AddPasskeyForm]:
        return AddPasskeyForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().get_context_data(**kwargs)
        options = auth.begin_registration(self.request.user, passwordless=True)
        return {**found, "js_data": {"creation_options": options}}

    def form_valid(self, form: AddPasskeyForm) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        stepup.record_enrolment(self.request, _person(self.request), "webauthn")
        note_and_tell(self.request, _person(self.request), "key_added")
        return response


class RemovePasskey(passkeys.RemoveWebAuthnView):
    template_name = "access/passkey_remove.html"

    def form_valid(self, form: Any) -> HttpResponse:
        if not get_adapter().can_delete_authenticator(self.get_object()):
            said = get_adapter().error_messages["cannot_delete_authenticator"]
            messages.error(self.request, said)
            return redirect("mfa_index")
        response: HttpResponse = super().form_valid(form)
        note_and_tell(self.request, _person(self.request), "key_removed")
        return response


class RecoveryCodes(recovery.ViewRecoveryCodesView):
    template_name = "access/recovery_codes.html"


class NewRecoveryCodes(recovery.GenerateRecoveryCodesView):
    template_name = "access/recovery_generate.html"

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        note_and_tell(self.request, _person(self.request), "codes_made")
        return response


class ByPassword(account.ReauthenticateView):
    template_name = REAUTHENTICATE
    extra_context = {"by": "password"}


class ByCode(mfa.ReauthenticateView):
    template_name = REAUTHENTICATE
    extra_context = {"by": "code"}


class ByPasskey(passkeys.ReauthenticateWebAuthnView):
    template_name = REAUTHENTICATE
    extra_context = {"by": "passkey"}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().get_context_data(**kwargs)
        return {**found, "by": "passkey"}

    def form_invalid(self, form: Any) -> HttpResponse:
        for said in form.errors.get("credential", []):
            messages.error(self.request, said)
        return redirect(f"{reverse('mfa_reauthenticate_webauthn')}?{self.request.GET.urlencode()}")


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
