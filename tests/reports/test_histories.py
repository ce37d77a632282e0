"""What a master was: on its screen and from the command, as of any moment; own department only."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import reverse

from purchasing import orders
from purchasing.models import PurchaseOrder, Vendor
from reports.histories import as_of, versions
from tests.factories import Film
from tests.purchasing.desk import Browse
from tests.purchasing.office import Office, office


@pytest.fixture
def o(film: Film) -> Office:
    return office(film)


def address(film: Film, order: PurchaseOrder) -> str:
    return reverse("history", args=[film.code, "order", order.pk])


def test_an_order_tells_who_took_each_step(o: Office) -> None:
    order = o.opened()
    with o.acts():
        made = versions(order)
    assert [(v.said, v.by) for v in made] == [
        ("made", "Amir"), ("changed", "Lena"), ("changed", "Amir"),
    ]  # fmt: skip
    assert ("state", "draft", "approved") in made[1].changed
    assert ("approved by", "", "Lena") in made[1].changed
    assert ("state", "approved", "open") in made[2].changed


def test_a_past_point_is_the_version_that_was_true_then(o: Office) -> None:
    order = o.opened()
    with o.acts():
        made = versions(order)
    found = [as_of(made, v.at) for v in made]
    assert [v.fields["state"] for v in found if v] == ["draft", "approved", "open"]
    assert as_of(made, made[0].at - timedelta(seconds=1)) is None


def test_the_screen_shows_versions_and_the_record_as_of_a_moment(
    o: Office, film: Film, browse: Browse
) -> None:
    order = o.opened()
    with o.acts():
        approved_at = versions(order)[1].at
    amir = browse("amir")
    page = amir.get(address(film, order)).content.decode()
    assert "state draft &rarr; approved" in page
    then = amir.get(address(film, order), {"as_of": approved_at.isoformat()}).context["then"]
    assert then.fields["state"] == "approved"
    before = amir.get(address(film, order), {"as_of": "2020-01-01T00:00"}).content.decode()
    assert "It was not there on 01 Jan 2020" in before
    wrong = amir.get(address(film, order), {"as_of": "soon"}).content.decode()
    assert "expected a day and a time, found &#x27;soon&#x27;" in wrong


@pytest.mark.parametrize(("person", "status"), [("cho", 200), ("ada", 404), ("otto", 404)])
def test_a_history_is_seen_by_who_sees_the_record(
    o: Office, film: Film, browse: Browse, person: str, status: int
) -> None:
    assert browse(person).get(address(film, o.opened())).status_code == status


@pytest.mark.parametrize("path", ["nothing/1", "order/99999999999999999999", "order/987654321"])
def test_what_has_no_history_is_not_found(film: Film, browse: Browse, path: str) -> None:
    assert browse("amir").get(f"/p/{film.code}/history/{path}/").status_code == 404


def test_the_command_tells_the_same(o: Office, capsys: pytest.CaptureFixture[str]) -> None:
    o.vendor("ARRI")
    with o.acts():
        Vendor.objects.filter(name="ARRI").update(terms_days=10)
    code = o.film.code
    call_command("history", "vendor", "arri", "--production", code, "--json")
    told = json.loads(capsys.readouterr().out)
    assert [t["said"] for t in told] == ["made", "changed"]
    assert told[1]["changed"] == [["terms days", "30", "10"]]
    now = datetime.now(UTC).isoformat()
    call_command("history", "vendor", "ARRI", "--production", code, "--as-of", now)
    assert "terms days: 10" in capsys.readouterr().out
    for wrong, said in (
        (["vendor", "NOBODY"], "there is no vendor"),
        (["period", "one"], "named by its number"),
        (["vendor", "ARRI", "--as-of", "soon"], "expected a moment"),
        (["vendor", "ARRI", "--as-of", "2020-01-01"], "was not there"),
    ):
        with pytest.raises(CommandError, match=said):
            call_command("history", *wrong, "--production", code)


def test_a_segment_is_told_from_its_namesakes_of_other_kinds(
    o: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    o.segment("episode", "101")
    o.segment("location", "101")
    for asked in ("episode=101", "Location=101"):
        call_command("history", "segment", asked, "--production", o.film.code, "--json")
        (made,) = json.loads(capsys.readouterr().out)
        assert made["said"] == "made"
    now = datetime.now(UTC).isoformat()
    call_command("history", "segment", "location=101", "--production", o.film.code, "--as-of", now)
    assert "kind: location" in capsys.readouterr().out


def test_a_withdrawn_amendment_stays_in_the_history(o: Office) -> None:
    order = o.opened()
    with o.acts() as amir:
        lines = [orders.LinePlan("3310", "1", "7.00")]
        order = orders.amend_order(actor=amir, order=order, lines=lines, reason="less days")
    with o.acts() as amir:
        orders.withdraw_amendment(actor=amir, order=order)
        assert [v.fields["state"] for v in versions(order)[-2:]] == ["draft", "open"]
