"""Rows of an answer, counted from its bytes."""

import pytest

from readlog.rows import rows_in


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
