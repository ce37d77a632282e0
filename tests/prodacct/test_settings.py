"""What Django itself says of the settings, as a deployment has them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import run_checks

ROOT = Path(__file__).resolve().parents[2]
# As in README, "Real servers": behind TLS, under a name of its own, past one proxy.
DEPLOYED = {
    "PRODACCT_ROLE": "web",
    "PRODACCT_HTTPS": "1",
    "PRODACCT_HOSTS": "books.example.com",
    "PRODACCT_ORIGINS": "https://books.example.com",
    "PRODACCT_PROXIES": "1",
}


def test_behind_tls_the_deployment_check_finds_nothing_and_nothing_is_silenced() -> None:
    checked = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT, env={**os.environ, **DEPLOYED}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr
    assert "no issues (0 silenced)" in checked.stdout


def test_without_tls_the_deployment_check_names_what_is_missing() -> None:
    found = {message.id for message in run_checks(include_deployment_checks=True)}
    assert found == {"security.W004", "security.W008", "security.W012", "security.W016"}


# What a request is answered before any view: its own page, or a redirect to https.
ASKED = """
import django
django.setup()
from django.http import HttpResponse
from django.middleware.security import SecurityMiddleware
from django.test import RequestFactory
answered = SecurityMiddleware(lambda request: HttpResponse())
for headers in ({}, {"x-forwarded-proto": "http"}, {"x-forwarded-proto": "https"}):
    request = RequestFactory().get("/login/", SERVER_NAME="books.example.com", headers=headers)
    response = answered(request)
    print(response.status_code, response.get("Strict-Transport-Security", ""))
"""
HSTS = "max-age=31536000; includeSubDomains; preload"


@pytest.mark.parametrize(
    ("proxies", "said"),
    [("1", ["301 ", "301 ", f"200 {HSTS}"]), ("0", ["301 ", "301 ", "301 "])],
)
def test_a_request_is_taken_for_encrypted_when_a_proxy_of_ours_says_so(
    proxies: str, said: list[str]
) -> None:
    env = {
        **os.environ, **DEPLOYED, "PRODACCT_PROXIES": proxies,
        "DJANGO_SETTINGS_MODULE": "prodacct.settings",
    }  # fmt: skip
    asked = subprocess.run(
        [sys.executable, "-c", ASKED], cwd=ROOT, env=env, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert asked.stdout.splitlines() == said
