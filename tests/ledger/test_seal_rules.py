"""What the seal refuses at commit, rule by rule, in raw SQL by the role that may post."""

import hashlib
from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest
from django.db.utils import DatabaseError, IntegrityError

from access import context
from ledger import services
from tests.factories import (
    Cast,
    Film,
    acting,
    cost_line,
    cost_lines,
    import_data,
    make_film,
    role,
)
from tests.ledger.raw_batches import (
    Values,
    Words,
    draft,
    header,
    insert,
    posting_values,
    query,
    transaction_values,
    words,
    write_batch,
)

COUNTS = "SELECT (SELECT count(*) FROM {} WHERE production_id = %s)"
LEDGER = ("ledger_batch", "ledger_transaction", "ledger_posting", "ledger_batchtotal",
          "ledger_logentry", "ledger_sealedleaves")  # fmt: skip
TEN, NINE = Decimal(10), Decimal(9)


def written(film: Film) -> dict[str, int]:
    """How many rows each table of the journal has; the logs' entries of batches alone."""
    with role("owner"):
        found = {t: query(COUNTS.format(t), film.production.pk)[0][0] for t in LEDGER}
        found["ledger_logentry"] -= query(
            "SELECT count(*) FROM ledger_logentry WHERE production_id = %s AND type <> 'post'",
            film.production.pk,
        )[0][0]
    return found


def test_a_right_batch_is_sealed_when_its_transaction_commits(film: Film) -> None:
    w = words(film)
    with role("worker"), acting(film, "amir"):
        write_batch(w, postings=[{}, {"amount": Decimal("-2.5")}])
        assert query("SELECT count(*) FROM ledger_logentry") == [(0,)]
    assert written(film) == {
        "ledger_batch": 1, "ledger_transaction": 1, "ledger_posting": 2, "ledger_batchtotal": 2,
        "ledger_logentry": 1, "ledger_sealedleaves": 1,
    }  # fmt: skip
    with role("owner"):
        totals = query(
            "SELECT amount, base_amount, lines FROM ledger_batchtotal WHERE production_id = %s"
            " ORDER BY amount",
            w.production,
        )
    assert totals == [(Decimal("-7.5"), Decimal("-7.5"), 2), (Decimal("7.5"), Decimal("7.5"), 2)]


# What is made wrong, and what the seal says of it. `o` is another production's words.
Broken = Callable[[Words, Words], Values]
RULES: dict[str, tuple[Broken, str]] = {
    "a control total that is off by a hundredth of a cent": (
        lambda w, o: {"batch": {"control_total": Decimal("10.0001")}}, "control totals"),
    "a control total with the sign of its rows": (
        lambda w, o: {"batch": {"control_total": -TEN}, "postings": [{"amount": -TEN}]},
        "control totals"),
    "one line more than it says": (lambda w, o: {"batch": {"line_count": 2}}, "control totals"),
    "a posting of another unit": (
        lambda w, o: {"postings": [{"unit_id": w.units["SECOND"]}]}, "outside its own unit"),
    "a unit of another production": (
        lambda w, o: {"batch": {"unit_id": o.units["MAIN"]},
                      "postings": [{"unit_id": o.units["MAIN"]}]}, "has no log"),
    "a posting of no document": (
        lambda w, o: {"postings": [{}, {"transaction_number": 2}]}, "outside its own unit"),
    "a posting in another period than its document": (
        lambda w, o: {"postings": [{"period_id": w.periods[3]}]}, "outside its own unit"),
    "an account there is not": (
        lambda w, o: {"postings": [{"account_id": 2**40}]}, "not a detail account"),
    "a counter account there is not": (
        lambda w, o: {"postings": [{"counter_account_id": 2**40}]}, "not a detail account"),
    "an account of another production": (
        lambda w, o: {"postings": [{"account_id": o.accounts["3310"]}]}, "not a detail account"),
    "a counter account of another production": (
        lambda w, o: {"postings": [{"counter_account_id": o.clearing["payables"]}]},
        "not a detail account"),
    "a category": (
        lambda w, o: {"postings": [{"account_id": w.accounts["3300"]}]}, "not a detail account"),
    "a category as counter account": (
        lambda w, o: {"postings": [{"counter_account_id": w.accounts["3300"]}]},
        "not a detail account"),
    "a posting in a cost centre of another production": (
        lambda w, o: {"postings": [{"cost_center_id": o.centers["CAM"]}]}, "cost centre or cost"),
    "a document in a cost centre of another production": (
        lambda w, o: {"transactions": [{"cost_center_id": o.centers["CAM"]}]}, "documents of"),
    "a cost node of another production": (
        lambda w, o: {"postings": [{"node_id": o.nodes["MAIN", "3310"]}]}, "cost centre or cost"),
    "a document without postings": (lambda w, o: {"transactions": [{}, {}]}, "without postings"),
    "one document more than it says": (
        lambda w, o: {"batch": {"transaction_count": 2}}, "1 documents of 2"),
    "a document of a file the batch does not name": (
        lambda w, o: {"transactions": [{"document_id": 1}]}, "of another file"),
    "a period of another production": (
        lambda w, o: {"transactions": [{"period_id": o.periods[2]}],
                      "postings": [{"period_id": o.periods[2]}]}, "not open: unknown"),
    "a closed period": (
        lambda w, o: {"transactions": [{"period_id": w.periods[1]}],
                      "postings": [{"period_id": w.periods[1]}]}, "not open: wk 1"),
    "one closed period among open ones": (
        lambda w, o: {"transactions": [{}, {"period_id": w.periods[1]}],
                      "postings": [{}, {"transaction_number": 2, "period_id": w.periods[1]}]},
        "not open: wk 1"),
    "a journal that leaves something in clearing": (
        lambda w, o: {"postings": legs(w, (TEN, -NINE))}, "does not balance: -1.0000 USD"),
    "a journal that balances only over two currencies": (
        lambda w, o: {"postings": [legs(w, (TEN,))[0],
                                   {**legs(w, (-TEN,))[0], "currency": "EUR",
                                    "base_amount": None}]},
        "does not balance"),
    "a journal that balances only over two books": (
        lambda w, o: {"postings": [legs(w, (TEN,))[0], {**legs(w, (-TEN,))[0], "book": 3}]},
        "does not balance"),
    "a journal that balances only over two documents": (
        lambda w, o: {"transactions": [{}, {}],
                      "postings": [legs(w, (TEN,))[0],
                                   {**legs(w, (-TEN,))[0], "transaction_number": 2}]},
        "does not balance"),
    "a journal that balances but not in the production's currency": (
        lambda w, o: {"postings": [legs(w, (TEN,))[0],
                                   {**legs(w, (-TEN,))[0], "base_amount": -NINE}]},
        "line 2 is in USD and is worth something else in USD"),
    "an amount of nothing": (
        lambda w, o: {"postings": [{"amount": Decimal(0)}]}, "posting_amount_not_zero"),
    "an amount that is no number": (
        lambda w, o: {"postings": [{"amount": Decimal("NaN")}]}, "posting_amounts_are_numbers"),
    "a base amount that is no number": (
        lambda w, o: {"postings": [{"base_amount": Decimal("NaN")}]},
        "posting_amounts_are_numbers"),
    "an amount without end": (
        lambda w, o: {"postings": [{"amount": Decimal("Infinity")}]}, "overflow|infinite"),
    "an account against itself": (
        lambda w, o: {"postings": [{"counter_account_id": w.accounts["3310"]}]},
        "posting_two_accounts"),
    "a segment the production has not": (
        lambda w, o: {"postings": [{}, {"segments": "location=NOLA set=CAFE"}]},
        "coded to location=NOLA, which is no segment of this production"),
    "segments in another order": (
        lambda w, o: {"postings": [{"segments": "set=CAFE location=NOLA"}]},
        "posting_segments_form"),
    "a segment of no kind": (
        lambda w, o: {"postings": [{"segments": "CAFE"}]}, "posting_segments_form"),
    "a segment in small letters": (
        lambda w, o: {"postings": [{"segments": "set=cafe"}]}, "posting_segments_form"),
    "segments with a space at their end": (
        lambda w, o: {"postings": [{"segments": "set=CAFE "}]}, "posting_segments_form"),
    "no postings at all": (
        lambda w, o: {"postings": [], "batch": {"line_count": 0}}, "batch_not_empty"),
    "no postings but a count of one": (
        lambda w, o: {"postings": [], "batch": {"line_count": 1}}, "control totals"),
    "a key that is no digest": (lambda w, o: {"batch": {"key": b"short"}}, "batch_not_empty"),
    "another production in its header": (
        lambda w, o: {"batch": {"production_id": o.production}}, "row-level security"),
    "a document of another production": (
        lambda w, o: {"transactions": [{"production_id": o.production}]}, "row-level security"),
    "a posting of another production": (
        lambda w, o: {"postings": [{"production_id": o.production}]}, "row-level security"),
    "a person there is not": (lambda w, o: {"batch": {"actor_id": 2**40}}, "actor_id"),
}  # fmt: skip


def legs(w: Words, amounts: Sequence[Decimal]) -> list[Values]:
    """The legs of a free journal: every one goes through the journal-clearing account."""
    clearing = w.clearing["journal_clearing"]
    return [
        {"amount": amount, "counter_account_id": clearing}
        if n % 2
        else {"amount": -amount, "account_id": clearing, "counter_account_id": w.accounts["3310"]}
        for n, amount in enumerate(amounts, 1)
    ]


@pytest.fixture(scope="module")
def pair(cast: Cast) -> tuple[Film, Words, Words]:
    """A film whose first week is closed, and another film's words. Nothing ever posts to it."""
    with role("owner"):
        film, other = make_film(cast), make_film(cast)
        w, o = words(film), words(other)
    with role("web"), acting(film, "amir"):
        services.close_period(actor=film.cast["amir"], production=film.production, number=1)
    return film, w, o


@pytest.mark.parametrize("rule", RULES)
def test_nothing_is_posted_with(pair: tuple[Film, Words, Words], rule: str) -> None:
    film, w, o = pair
    broken, said = RULES[rule]
    with role("worker"), pytest.raises(DatabaseError, match=said), acting(film, "amir"):
        write_batch(w, **broken(w, o))
    assert set(written(film).values()) == {0}


def test_a_journal_whose_clearing_nets_to_zero_is_posted(film: Film) -> None:
    w = words(film)
    clearing = w.clearing["journal_clearing"]
    postings = [
        {"counter_account_id": clearing, "amount": Decimal("10.00")},
        {"counter_account_id": clearing, "amount": Decimal("2.50")},
        {"account_id": clearing, "counter_account_id": w.accounts["2220"],
         "amount": Decimal("12.50")},
    ]  # fmt: skip
    with role("worker"), acting(film, "amir"):
        write_batch(w, postings=postings)
    assert written(film)["ledger_batch"] == 1


def test_one_wrong_batch_undoes_the_whole_transaction(film: Film) -> None:
    w = words(film)
    with (
        role("worker"),
        pytest.raises(DatabaseError, match="control totals"),
        acting(film, "amir"),
    ):
        write_batch(w)
        write_batch(w, batch={"line_count": 9})
    assert set(written(film).values()) == {0}


def test_a_batch_is_of_the_file_it_names(film: Film, other_film: Film) -> None:
    files = {}
    for each in (film, other_film):
        batch = import_data(each, cost_lines([cost_line(1)]))
        files[each.code] = (batch.document_id, bytes(batch.document.sha256))
    w = words(film)
    for document, sha256 in (
        files[other_film.code],
        (files[film.code][0], b"x" * 32),
        (files[film.code][0], b""),
    ):
        with (
            role("worker"),
            pytest.raises(IntegrityError, match="names a file of another production, or"),
            acting(film, "amir"),
        ):
            write_batch(
                w,
                batch={"document_id": document, "document_sha256": sha256},
                transactions=[{"document_id": document}],
            )
    document, sha256 = files[film.code]
    with role("worker"), acting(film, "amir"):
        write_batch(
            w,
            batch={"document_id": document, "document_sha256": sha256},
            transactions=[{"document_id": document, "source_row": 2}],
        )


def test_a_context_of_another_production_at_commit_seals_nothing(
    film: Film, other_film: Film
) -> None:
    w = words(film)
    with (
        role("worker"),
        pytest.raises(DatabaseError, match="another production than the signed context"),
        acting(film, "amir"),
    ):
        write_batch(w)
        context.enter(user_id=w.actor, production_id=other_film.production.pk)
    with (
        role("worker"),
        pytest.raises(DatabaseError, match="another production than the signed context"),
        acting(film, "amir"),
    ):
        write_batch(w)
        query("SELECT set_config('prodacct.context', '', true)")
    assert set(written(film).values()) == {0}


# --- nothing is added later, nothing is posted twice -------------------------------------------


def add_posting(w: Words, batch_id: int) -> None:
    insert("public.ledger_posting", batch_id=batch_id, **posting_values(w, 2, {}))


def add_document(w: Words, batch_id: int) -> None:
    insert("public.ledger_transaction", **transaction_values(w, batch_id, 2))


@pytest.mark.parametrize("add", [add_posting, add_document])
@pytest.mark.parametrize("poster", [False, True], ids=["as the worker", "as the poster"])
def test_nothing_is_added_to_a_sealed_batch(
    film: Film, add: Callable[[Words, int], None], poster: bool
) -> None:
    w = words(film)
    with role("worker"):
        with acting(film, "amir"):
            batch_id = write_batch(w)
        with pytest.raises(DatabaseError, match="sealed, or not this"), acting(film, "amir"):
            if poster:
                query("SET LOCAL ROLE prodacct_poster")
            add(w, batch_id)


@pytest.mark.parametrize("add", [add_posting, add_document])
def test_nothing_is_added_after_a_seal_that_was_called_early(
    film: Film, add: Callable[[Words, int], None]
) -> None:
    w = words(film)
    with (
        role("worker"),
        pytest.raises(DatabaseError, match="sealed, or not this"),
        acting(film, "amir"),
    ):
        batch_id = write_batch(w)
        query("SET CONSTRAINTS ALL IMMEDIATE")
        add(w, batch_id)


def test_a_table_of_ones_own_laid_before_the_batches_deceives_no_guard(film: Film) -> None:
    w = words(film)
    with role("worker"):
        with acting(film, "amir"):
            batch_id = write_batch(w)
        with pytest.raises(DatabaseError, match="sealed, or not this"), acting(film, "amir"):
            query(
                "CREATE TEMP TABLE ledger_batch AS SELECT %s::bigint id, %s::bigint production_id,"
                " pg_current_xact_id() xid",
                batch_id,
                w.production,
            )
            query("GRANT ALL ON ledger_batch TO PUBLIC")
            add_posting(w, batch_id)


def test_a_table_of_ones_own_laid_before_the_periods_opens_none(
    pair: tuple[Film, Words, Words],
) -> None:
    film, w, _ = pair
    closed = {"period_id": w.periods[1]}
    with role("worker"), pytest.raises(DatabaseError, match="not open: wk 1"), acting(film, "amir"):
        query("CREATE TEMP TABLE ledger_period ON COMMIT DROP AS TABLE ledger_period")
        query("UPDATE pg_temp.ledger_period SET state = 'open'")
        query("GRANT ALL ON pg_temp.ledger_period TO PUBLIC")
        write_batch(w, transactions=[closed], postings=[closed])


def test_nothing_posts_twice_by_key_by_document_or_by_source_row(film: Film) -> None:
    imported = import_data(film, cost_lines([cost_line(1)]))
    w = words(film)
    with role("owner"):
        ((key, document_key, row, sha256),) = query(
            "SELECT b.key, t.document_key, t.source_row, b.document_sha256 FROM ledger_batch b"
            " JOIN ledger_transaction t ON t.batch_id = b.id WHERE b.production_id = %s",
            w.production,
        )
    of_file = {"document_id": imported.document_id, "document_sha256": bytes(sha256)}
    for values, said in (
        ({"batch": {"key": bytes(key)}}, "batch_key"),
        ({"transactions": [{"document_key": bytes(document_key)}]}, "transaction_identity"),
        ({"batch": of_file,
          "transactions": [{"document_id": imported.document_id, "source_row": row}]},
         "transaction_source_row"),
    ):  # fmt: skip
        with role("worker"), pytest.raises(IntegrityError, match=said), acting(film, "amir"):
            write_batch(w, **values)


def test_the_same_documents_may_stand_in_two_films(film: Film, other_film: Film) -> None:
    key = hashlib.sha256(b"the same").digest()
    for each in (film, other_film):
        w = words(each)
        with role("worker"), acting(each, "amir"):
            write_batch(w, batch={"key": key}, transactions=[{"document_key": key}])
        assert written(each)["ledger_batch"] == 1


# --- posting by the service ---------------------------------------------------------------------


def test_the_service_posts_what_the_seal_accepts(film: Film) -> None:
    w = words(film)
    odd = "tab\t newline\n return\r backslash\\ \\N \u00e9\u4e2d 'quote'"
    with role("worker"), acting(film, "amir"):
        batch = services.post_batch(
            actor=film.cast["amir"],
            header=header(film, w),
            drafts=[draft(w, amounts=("10.00", "-0.0001"), vendor=odd), draft(w, vendor="\\N")],
        )
        assert (batch.transaction_count, batch.line_count) == (2, 3)
        assert batch.control_total == Decimal("20.0001")
    with role("owner"):
        assert query(
            "SELECT number, vendor FROM ledger_transaction WHERE batch_id = %s ORDER BY 1", batch.pk
        ) == [(1, odd), (2, "\\N")]
        assert query(
            "SELECT line_no, transaction_number, amount FROM ledger_posting"
            " WHERE batch_id = %s ORDER BY 1",
            batch.pk,
        ) == [(1, 1, TEN), (2, 1, Decimal("-0.0001")), (3, 2, TEN)]


def test_the_service_is_refused_at_commit_what_raw_sql_is_refused(film: Film) -> None:
    w = words(film)
    wrong = draft(w)._replace(period_id=w.periods[3])
    with (
        role("worker"),
        pytest.raises(IntegrityError, match="outside its own unit"),
        acting(film, "amir"),
    ):
        services.post_batch(actor=film.cast["amir"], header=header(film, w), drafts=[wrong])
    assert set(written(film).values()) == {0}


def test_a_batch_without_documents_is_our_own_mistake(film: Film) -> None:
    w = words(film)
    with role("worker"), pytest.raises(AssertionError, match="posts nothing"), acting(film, "amir"):
        services.post_batch(actor=film.cast["amir"], header=header(film, w), drafts=[])
