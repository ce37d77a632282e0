"""Addresses of signing in and of choosing a production. Names with mfa_ and account_ are those
allauth asks for; where it asks for a second name of a page, the first is the one that answers."""

from django.urls import path

from access import address_views, reset_views, signing_in, views

urlpatterns = [
    path("", views.productions, name="productions"),
    path("login/", signing_in.SignIn.as_view(), name="login"),
    path("login/", signing_in.SignIn.as_view(), name="account_login"),
    path("login/again/", signing_in.login_again, name="login_again"),
    path("login/second/", signing_in.SecondFactor.as_view(), name="mfa_authenticate"),
    path("login/passkey/", signing_in.SignInByPasskey.as_view(), name="mfa_login_webauthn"),
    path("login/forgotten/", reset_views.password_forgotten, name="password_forgotten"),
    path("login/forgotten/set/", reset_views.password_reset, name="password_reset"),
    path(
        "login/forgotten/<int:person>/<str:token>/",
        reset_views.password_reset_begin,
        name="password_reset_begin",
    ),
    path("logout/", views.logout, name="logout"),
    path("logout/", views.logout, name="account_logout"),
    path("me/again/", signing_in.ByPassword.as_view(), name="account_reauthenticate"),
    path("me/again/code/", signing_in.ByCode.as_view(), name="mfa_reauthenticate"),
    path("me/again/passkey/", signing_in.ByPasskey.as_view(), name="mfa_reauthenticate_webauthn"),
    path("me/keys/", signing_in.Keys.as_view(), name="mfa_index"),
    path("me/keys/", signing_in.Keys.as_view(), name="mfa_list_webauthn"),
    path("me/keys/passkey/", signing_in.AddPasskey.as_view(), name="mfa_add_webauthn"),
    path(
        "me/keys/passkey/<int:pk>/remove/",
        signing_in.RemovePasskey.as_view(),
        name="mfa_remove_webauthn",
    ),
    path("me/keys/app/", signing_in.AddTotp.as_view(), name="mfa_activate_totp"),
    path("me/keys/app/remove/", signing_in.RemoveTotp.as_view(), name="mfa_deactivate_totp"),
    path("me/keys/codes/", signing_in.RecoveryCodes.as_view(), name="mfa_view_recovery_codes"),
    path(
        "me/keys/codes/new/",
        signing_in.NewRecoveryCodes.as_view(),
        name="mfa_generate_recovery_codes",
    ),
    path("me/address/", address_views.address, name="address"),
    path("me/address/confirm/", address_views.address_confirm, name="address_confirm"),
    path("me/address/<str:token>/", address_views.address_begin, name="address_begin"),
    path("me/sessions/", views.sessions, name="sessions"),
    path("me/sessions/end/", views.session_end, name="session_end"),
    path("p/<slug:code>/", views.landing, name="landing"),
]
