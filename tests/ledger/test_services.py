"""Documents are received whole and stay as they were received."""

import pytest
from django.db import DatabaseError, connection

from ledger.models import SourceDocument
from tests.factories import Film, acting, cost_line, cost_lines, import_data, role


@pytest.mark.parametrize("who", ["web", "worker", "owner"])
def test_nothing_can_be_added_to_the_bytes_of_a_document_received_before(
    film: Film, who: str
) -> None:
    import_data(film, cost_lines([cost_line(1)]))
    with role("owner"):
        document = SourceDocument.objects.get(production=film.production)
    with (
        role(who),
        pytest.raises(DatabaseError, match="received before"),
        acting(film, "amir"),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "INSERT INTO ledger_sourcepiece (production_id, document_id, number, data)"
            " VALUES (%s, %s, 1, 'more')",
            [film.production.pk, document.pk],
        )
