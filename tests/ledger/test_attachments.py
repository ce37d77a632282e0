"""Attaching and withdrawing: by whom, where, what is kept, and what nobody gets past."""

import hashlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import transaction
from django.db.utils import DatabaseError

from access import context
from access.errors import Invalid, NotFoundHere
from ledger import selectors
from ledger.attachments import Withdrawn, attach, may_withdraw, withdraw
from ledger.models import PIECE_BYTES
from ledger.services import TooBig
from ledger.verify import verify_production
from tests.access.house import own_connection
from tests.factories import Cast, Film, acting, cost_line, cost_lines, import_data, make_film, role
from tests.ledger.exhibits import PDF, attached, places, png, withdrawn
from tests.ledger.raw_batches import query

IMPORTED = cost_lines(
    [cost_line(1), cost_line(2, account="2220", center="ART", vendor="KANARIENART")]
)


@pytest.fixture
def film(cast: Cast) -> Film:
    """A film with one cost of camera and one of art, from one file."""
    with role("owner"):
        made = make_film(cast)
    import_data(made, IMPORTED)
    return made


def entries(film: Film) -> list[tuple[str, dict[str, Any]]]:
    """(unit, row) of what the logs say of attachments."""
    with role("owner"):
        found = query(
            "SELECT u.code, e.line FROM ledger_logentry e JOIN taxonomy_unit u ON u.id = e.unit_id"
            " WHERE e.production_id = %s AND e.type = 'row' ORDER BY e.unit_id, e.seq",
            film.production.pk,
        )
    told = [(unit, json.loads(line)["data"]) for unit, line in found]
    return [(u, d["row"]) for u, d in told if d["table"].startswith("ledger_attachment")]


def findings(film: Film) -> list[str]:
    with role("owner"):
        return [
            f"{f.record}: {f.problem}" for f in verify_production(film.production).findings or []
        ]


def read_back(film: Film, person: str, attachment_id: int) -> bytes | None:
    """The bytes as a person reaches them, piece by piece; None where the attachment is hidden."""
    with role("web"), acting(film, person):
        found = selectors.attachment_by_id(film.production, attachment_id)
        return found and selectors.attachment_bytes(found, 0, found.byte_size)


def test_a_file_is_attached_to_a_document_and_logged_in_the_units_log(film: Film) -> None:
    made = attached(film, data=png(), name="C:\\scan\\lens.jpg")
    assert (made.name, made.media_type, made.byte_size) == ("lens.jpg", "image/png", len(png()))
    assert bytes(made.sha256) == hashlib.sha256(png()).digest()
    where = places(film)
    with role("web"), acting(film, "amir"):
        assert selectors.attachments_of(film.production, *where["CAM"]) == [made]
        assert selectors.attachments_of(film.production, *where["ART"]) == []
        assert selectors.free_attachments(film.production) == []
    ((unit, row),) = entries(film)
    assert (unit, row["name"], row["sha256"]) == (
        "MAIN", "lens.jpg", "\\x" + bytes(made.sha256).hex()
    )  # fmt: skip
    assert findings(film) == []


def test_a_file_that_belongs_to_no_cost_is_attached_to_what_it_names(film: Film) -> None:
    made = attached(film, target="PO-1007")
    with role("web"), acting(film, "lena"):
        assert selectors.free_attachments(film.production) == [made]
    assert [unit for unit, _ in entries(film)] == ["OFFICE"]


def test_bytes_are_kept_once_whoever_attaches_them_wherever(film: Film) -> None:
    one, other = attached(film), attached(film, "cho", name="again.pdf")
    assert one.document_id == other.document_id
    with role("owner"):
        assert query("SELECT count(*) FROM ledger_sourcedocument WHERE production_id = %s",
                     film.production.pk) == [(2,)]  # fmt: skip


@pytest.mark.parametrize("size", [1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 2_500_000])
def test_every_range_of_the_bytes_comes_back_as_it_was_handed_in(film: Film, size: int) -> None:
    data = bytes(n * 7 % 251 for n in range(size))
    made = attached(film, data=data, name="scan.bin")
    with role("web"), acting(film, "cho"):
        for first, end in (
            (0, size), (0, 1), (size - 1, size), (size // 3, size // 2 + 1),
            (max(0, PIECE_BYTES - 5), min(size, PIECE_BYTES + 5)),
        ):  # fmt: skip
            if first < end:
                assert selectors.attachment_bytes(made, first, end) == data[first:end]
    assert findings(film) == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"kind": "virus"}, "kind: expected one of receipt"),
        ({"data": b""}, "file: it is empty"),
        ({"target": "PO-7"}, "leave this empty"),
        ({"place": None}, "what it supports: expected 1 to 80"),
        ({"place": None, "target": "x" * 81}, "what it supports: expected 1 to 80"),
        ({"place": None, "target": "a\nb"}, "what it supports: expected 1 to 80"),
    ],
)
def test_what_cannot_be_taken_is_refused(film: Film, asked: dict[str, Any], said: str) -> None:
    given = {"kind": "receipt", "name": "n", "data": PDF, "place": places(film)["CAM"], **asked}
    with role("web"), acting(film, "amir"), pytest.raises(Invalid, match=said):
        attach(actor=film.cast["amir"], production=film.production, **given)
    assert entries(film) == []


def test_the_limit_is_held_by_the_service_and_by_the_database(film: Film) -> None:
    data = b"x" * (django_settings.MAX_ATTACHMENT_BYTES + 1)
    with pytest.raises(TooBig, match="26,214,400 is the most"):
        attached(film, data=data)
    place = places(film)["CAM"]
    with role("web"), acting(film, "amir"):
        for wrong in (data, b""):
            with (
                pytest.raises(DatabaseError, match="has 1 to 26214400 bytes"),
                transaction.atomic(),
            ):
                by_hand(film, place, wrong)


def by_hand(film: Film, place: tuple[int | None, int | None], data: bytes, target: str = "") -> int:
    """journal.attach by raw SQL, as an injection would call it."""
    ((made,),) = query(
        "SELECT journal.attach(%s, %s, %s, 'receipt', 'n', %s)", *place, target, data
    )
    return int(made)


@pytest.mark.parametrize(("person", "center"), [("cho", "ART"), ("ada", "CAM"), ("otto", "CAM")])
def test_nobody_attaches_outside_their_cost_centre(film: Film, person: str, center: str) -> None:
    place = places(film)[center]
    with pytest.raises(NotFoundHere):
        attached(film, person, center=center)
    with (
        role("web"),
        pytest.raises(DatabaseError, match=r"outside the cost centre|may see the cost"),
        acting(film, person),
    ):
        by_hand(film, place, PDF)
    assert entries(film) == []


@pytest.mark.parametrize("person", ["cho", "lena", "bea", "eve"])
def test_only_those_who_import_attach_to_no_cost(film: Film, person: str) -> None:
    with (
        role("web"),
        pytest.raises(DatabaseError, match="may see the cost, or import files"),
        acting(film, person),
    ):
        by_hand(film, (None, None), PDF, "PO-7")


def test_a_document_of_another_production_is_none(film: Film, other_film: Film) -> None:
    import_data(other_film, IMPORTED)
    place = places(other_film)["CAM"]
    with (
        role("web"),
        pytest.raises(DatabaseError, match="there is no such document"),
        acting(film, "amir"),
    ):
        by_hand(film, place, PDF)


def test_the_database_takes_no_other_kind(film: Film) -> None:
    place = places(film)["CAM"]
    with (
        role("web"),
        pytest.raises(DatabaseError, match="is of a known kind"),
        acting(film, "amir"),
    ):
        query("SELECT journal.attach(%s, %s, '', 'virus', 'n', %s)", *place, PDF)


@pytest.mark.parametrize("words", [(None, None, ""), (1, None, ""), (None, 1, "x")])
def test_an_attachment_has_a_place_or_a_target_and_not_both(
    film: Film, words: tuple[int | None, int | None, str]
) -> None:
    place = places(film)["CAM"]
    with role("web"), pytest.raises(DatabaseError), acting(film, "amir"):
        by_hand(film, words[:2], PDF, words[2])
    with (
        role("web"),
        pytest.raises(DatabaseError, match="supports a document or a target"),
        acting(film, "amir"),
    ):
        by_hand(film, place, PDF, "PO-7")


def test_who_sees_the_cost_sees_what_supports_it_and_its_bytes(film: Film) -> None:
    made = attached(film)
    for person, sees in {
        "amir": True, "lena": True, "cho": True, "ada": False, "bea": False, "eve": False,
        "otto": False,
    }.items():  # fmt: skip
        assert read_back(film, person, made.pk) == (PDF if sees else None), person
    free = attached(film, data=png(b"free"), target="Deal memo of the star")
    for person, sees in {"amir": True, "lena": True, "cho": False, "ada": False}.items():
        assert (read_back(film, person, free.pk) is not None) == sees, person


def test_imported_files_stay_hidden_from_a_department_head(film: Film) -> None:
    attached(film, "cho")
    with role("web"), acting(film, "cho"):
        pieces = query("SELECT data FROM ledger_sourcepiece")
        assert [bytes(data) for (data,) in pieces] == [PDF]
        with pytest.raises(DatabaseError, match="denied"), transaction.atomic():
            query(
                "INSERT INTO ledger_attachment (production_id, document_id, sha256, byte_size,"
                " media_type, name, kind, unit_id, batch_id, number, target, actor_id)"
                " SELECT production_id, 1, ''::bytea, 1, 'x', 'x', 'other', 1, batch_id, number,"
                " '', 1 FROM ledger_transaction"
            )
    with role("web"), acting(film, "ada"):
        assert query("SELECT count(*) FROM ledger_sourcepiece") == [(0,)]


def test_whoever_hands_in_the_bytes_of_an_imported_file_sees_only_what_they_had(
    film: Film,
) -> None:
    made = attached(film, "cho", IMPORTED, name="costs.csv")
    assert read_back(film, "cho", made.pk) == IMPORTED
    with role("web"), acting(film, "cho"):
        names = query("SELECT name FROM ledger_sourcedocument")
    assert names == [("costs.csv",)]


def test_a_withdrawn_attachment_is_opened_no_more_and_stays_on_record(film: Film) -> None:
    made = attached(film, "cho")
    withdrawn(film, made, "cho")
    assert read_back(film, "cho", made.pk) == b""
    with role("web"), acting(film, "lena"):
        taken = selectors.withdrawals([made])[made.pk]
        assert (taken.reason, taken.actor.name) == ("The wrong receipt", "Cho")
    assert [row.get("reason", "") for _, row in entries(film)] == ["", "The wrong receipt"]
    assert [unit for unit, _ in entries(film)] == ["MAIN", "MAIN"]
    with pytest.raises(Withdrawn, match="was withdrawn before"):
        withdrawn(film, made)
    with role("web"), pytest.raises(DatabaseError, match="unique"), acting(film, "amir"):
        query(
            "INSERT INTO ledger_attachmentwithdrawal (production_id, attachment_id, unit_id,"
            " reason, actor_id) VALUES (%s, %s, %s, 'again', %s)",
            film.production.pk, made.pk, made.unit_id, film.cast["amir"].pk,
        )  # fmt: skip
    assert findings(film) == []


@pytest.mark.parametrize("reason", ["", "  ", "a\nb", "x" * 301])
def test_a_withdrawal_needs_a_reason(film: Film, reason: str) -> None:
    made = attached(film)
    with role("web"), acting(film, "amir"), pytest.raises(Invalid, match="reason: expected"):
        withdraw(actor=film.cast["amir"], attachment=made, reason=reason)


WITHDRAW = (
    "INSERT INTO ledger_attachmentwithdrawal (production_id, attachment_id, unit_id, reason,"
    " actor_id) VALUES (%s, %s, %s, %s, %s)"
)


@pytest.mark.parametrize(
    ("person", "as_person", "reason", "said"),
    [
        ("lena", "lena", "x", "row-level security"),
        ("ada", "ada", "x", "row-level security"),
        ("otto", "otto", "x", "row-level security"),
        ("cho", "amir", "x", "row-level security"),
        ("cho", "cho", " ", "withdrawal_says_why"),
    ],
)
def test_the_database_lets_nobody_else_withdraw(
    film: Film, person: str, as_person: str, reason: str, said: str
) -> None:
    made = attached(film, "cho")
    assert may_withdraw(film.cast["cho"], made, frozenset())
    assert may_withdraw(film.cast["amir"], made, frozenset({"import_files"}))
    assert not may_withdraw(film.cast["lena"], made, frozenset({"view_costs"}))
    with role("web"), pytest.raises(DatabaseError, match=said), acting(film, person):
        query(WITHDRAW, film.production.pk, made.pk, made.unit_id, reason, film.cast[as_person].pk)


def test_an_attachment_of_another_production_is_not_withdrawn(film: Film, other_film: Film) -> None:
    import_data(other_film, IMPORTED)
    made = attached(other_film)
    with (
        role("web"),
        pytest.raises(DatabaseError, match="of another production"),
        acting(film, "amir"),
    ):
        query(WITHDRAW, film.production.pk, made.pk, made.unit_id, "x", film.cast["amir"].pk)


def as_web(film: Film, person: str) -> psycopg.Connection[tuple[Any, ...]]:
    """A session of the web role with an open transaction in which a person asks about the film."""
    session = own_connection("web")
    session.execute("BEGIN")
    signed = context.signed_context(
        user_id=film.cast[person].pk,
        production_id=film.production.pk,
        backend_pid=session.info.backend_pid,
        expires=int(time.time()) + 60,
    )
    session.execute("SELECT set_config('prodacct.context', %s, true)", [signed])
    return session


def test_the_same_bytes_attached_at_the_same_moment_are_kept_once(film: Film) -> None:
    """The second waits at the content's key until the first commits, and takes its document."""
    asked = [*places(film)["CAM"], b"the very same bytes"]
    call = "SELECT journal.attach(%s, %s, '', 'receipt', 'n', %s)"
    with as_web(film, "cho") as one, as_web(film, "amir") as other, ThreadPoolExecutor(1) as pool:
        one.execute(call, asked)
        waiting = pool.submit(other.execute, call, asked)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.5)
        one.execute("COMMIT")
        waiting.result(timeout=30)
        other.execute("COMMIT")
    with role("owner"):
        found = query(
            "SELECT count(*), count(DISTINCT document_id) FROM ledger_attachment"
            " WHERE production_id = %s",
            film.production.pk,
        )
    assert found == [(2, 1)]
    assert findings(film) == []
