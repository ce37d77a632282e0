"""What it costs that everybody sees their own: the context, the policies, a department's report."""

import statistics
import time
from typing import Any

from django.db import connection, transaction

from access import context
from access.models import User
from access.selectors import production_by_code
from access.services import add_person, console_person, give_membership
from taxonomy import selectors as taxonomy
from taxonomy.services import give_cost_center

TIMES = 15
SEALS = 200
PAGES = 40
_COUNT = "SELECT count(*) FROM ledger_posting"


def give_department(code: str) -> dict[str, Any]:
    """A department head of the production, and the cost centre with the most postings to head."""
    production, actor = production_by_code(code), console_person()
    assert production is not None
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT cost_center_id FROM ledger_posting WHERE production_id = %s"
            " GROUP BY 1 ORDER BY count(*) DESC LIMIT 1", [production.pk],
        )  # fmt: skip
        (center_id,) = cursor.fetchone()
    email = f"head.{code.lower()}@bench.example"
    head = add_person(actor=actor, email=email, name="Head of department", password=None)
    center = taxonomy.cost_centers(production).get(pk=center_id)
    give_membership(actor=actor, production=production, user=head, role="department_head")
    give_cost_center(actor=actor, user=head, cost_center=center)
    return {"production": production.pk, "person": head.pk, "center": center_id}


def plain_count(production: int, center: int) -> dict[str, Any]:
    """The department's postings counted by who sees all, by an index: no policy asks anything."""
    took = []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for _ in range(TIMES):
            start = time.perf_counter()
            cursor.execute(
                f"{_COUNT} WHERE production_id = %s AND cost_center_id = %s", [production, center]
            )
            (rows,) = cursor.fetchone()
            took.append((time.perf_counter() - start) * 1000)
    return {"ms": statistics.median(took), "rows": rows}


def head_report(code: str, person: int) -> dict[str, Any]:
    """The cost report as a department's head has it, through URL, role, policies and template."""
    from django.test import Client
    from django.urls import reverse

    client, took = Client(HTTP_HOST="localhost"), []
    sign_in(client, User.objects.get(pk=person))
    url = reverse("cost_report", args=[code])
    for _ in range(PAGES):
        start = time.perf_counter()
        answer = client.get(url)
        took.append((time.perf_counter() - start) * 1000)
        assert answer.status_code == 200, f"{url} answers {answer.status_code}"
    return {"p95_ms": statistics.quantiles(took, n=20)[-1]}


def sign_in(client: Any, person: User) -> None:
    """A session that has passed both factors, or, in a version that asks for one only, that one."""
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session["account_authentication_methods"] = [{"method": "mfa", "at": time.time()}]
    session["account_authentication_methods_user"] = str(person.pk)
    session.save()


def scoped(production: int, person: int) -> dict[str, Any]:
    """The same as the department's head, who may ask for all and is given the department."""
    counted, sealed = [], []
    for number in range(SEALS):
        with transaction.atomic(), connection.cursor() as cursor:
            start = time.perf_counter()
            context.enter(user_id=person, production_id=production)
            sealed.append((time.perf_counter() - start) * 1000)
            if number < TIMES:
                start = time.perf_counter()
                cursor.execute(_COUNT)
                (rows,) = cursor.fetchone()
                counted.append((time.perf_counter() - start) * 1000)
    return {
        "ms": statistics.median(counted), "rows": rows,
        "seal_ms": statistics.quantiles(sealed, n=20)[-1],
    }  # fmt: skip
