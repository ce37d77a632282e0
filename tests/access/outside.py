"""What a film has outside the house: a vendor's API that is read, a webhook; a view as another."""

from django.db import connection
from django.test import override_settings

from access import addresses
from alerts import services as alerts
from ingestion import feeds, selectors
from ingestion.connectors.terms import Terms
from ingestion.tables.feeds import Feed, FeedPage, FeedRun
from readlog import viewing
from taxonomy.selectors import units
from tests.factories import Film, acting, role

HOST = "api.example.org"


def add_feed(film: Film) -> int:
    """A vendor's API that Amir has read; its number."""
    terms = Terms(f"https://{HOST}/costs", (("amount", "amount"),), auth="header")
    with override_settings(OUTBOUND_HOSTS={HOST}), role("web"), acting(film, "amir"):
        feed = Feed(
            name="costs", source="cost-lines", unit=units(film.production)[0], is_active=False
        )
        asked = {"actor": film.cast["amir"], "production": film.production}
        return feeds.add_feed(**asked, feed=feed, terms=terms, secret="hush").pk


def listen_outside(film: Film) -> None:
    """A feed with its secret, a page of it, and a webhook."""
    made = {"production": film.production}
    feed_id = add_feed(film)
    with override_settings(OUTBOUND_HOSTS={HOST}), role("worker"), acting(film, "amir"):
        amir = film.cast["amir"]
        run = FeedRun.objects.create(**made, feed_id=feed_id, state="done", made_by=amir)
        document = selectors.imports(film.production)[0].document
        FeedPage.objects.create(**made, run=run, number=1, asked=b"", document=document, rows=1)
        alerts.set_hook(**made, actor=amir, url=f"https://{HOST}/told", secret="hush " * 4)


def do_ones_own(film: Film) -> None:
    """What people do with their own accounts."""
    ask_for_an_address(film)
    view_something(film)


def ask_for_an_address(film: Film) -> None:
    """Amir, Cho and Bea would like to sign in with other addresses."""
    for person in ("amir", "cho", "bea"):
        with role("web"), acting(film, person), connection.cursor() as cursor:
            token = addresses.hash_of(f"{person} {film.code}")
            cursor.execute("SELECT sec.address_asked(%s, 'new@example.org')", [token])


def view_something(film: Film) -> None:
    """Amir looked at the pages of the head of camera."""
    amir, cho = film.cast["amir"], film.cast["cho"]
    with role("web"), acting(film, "amir"):
        viewing.begin(
            actor=amir, person_id=cho.pk, reason="a question of theirs",
            mark=viewing.mark_of(film.code), came_from=("192.0.2.1", "Firefox"),
        )  # fmt: skip
