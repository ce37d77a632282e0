"""Rows of an answer, counted from its bytes."""

import pytest

from readlog.rows import rows_in, rows_worth


@pytest.mark.parametrize(
    ("kind", "body", "rows"),
    [
        (
            "text/html; charset=utf-8",
            b"<thead><tr></thead><tbody><tr><tr class=x></tbody>",
            2,
        ),
        ("text/html", b"<tbody><tr></tbody><p><tbody class=a>\n<tr></tbody><tfoot><tr>", 2),
        ("text/html", b"<p>Nothing", 0),
        ("text/csv; charset=utf-8", b'a,b\r\n1,"2"\r\n3,4\r\n', 2),
        ("text/csv", b"", 0),
        ("application/json", b'{"rows": [1, 2, 3]}', 3),
        ("application/json", b'{"results": []}', 0),
        ("application/json", b"[1]", 1),
        ("application/json", b'{"state": "posted"}', None),
        ("application/json", b"{", None),
        ("application/pdf", b"%PDF", None),
        ("", b"", None),
    ],
)
def test_the_rows_of_an_answer_are_counted_where_they_can_be(
    kind: str, body: bytes, rows: int | None
) -> None:
    assert rows_in(kind, body) == rows


@pytest.mark.parametrize(
    ("content_type", "body", "rows"),
    [
        ("text/html; charset=utf-8", b"<table><tr><td>1</td></tr><tr class=x></tr></table>", 2),
        ("text/csv", b"a,b\n1,2\n", 2),
        ("application/json", b'{"rows": [1, 2, 3]}', 3),
        ("application/json", b'{"state": "open"}', 1),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"x" * 1000, 10),
        ("application/octet-stream", b"x" * 4000, 2),
        ("image/png", b"x", 0),
    ],
)
def test_everything_that_is_read_counts_for_something(
    content_type: str, body: bytes, rows: int
) -> None:
    assert rows_worth(content_type, body) == rows
