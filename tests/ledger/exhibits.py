"""Files to attach: true pictures and pages, and what only looks like them."""

import struct
import zlib

from ledger.attachments import attach, withdraw
from ledger.models import Attachment
from tests.access.house import read
from tests.factories import Film, acting, role


def png(text: bytes = b"") -> bytes:
    """A picture of one pixel; `text` is carried in a comment chunk."""

    def chunk(name: bytes, body: bytes) -> bytes:
        sum_ = zlib.crc32(name + body)
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", sum_)

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0\0")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(*part)
        for part in ((b"IHDR", head), (b"tEXt", b"c\0" + text), (b"IDAT", pixels), (b"IEND", b""))
    )


SCRIPT = b"<script>alert(document.domain)</script>"
PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html>" + SCRIPT


def places(film: Film) -> dict[str, tuple[int, int]]:
    """cost centre -> (batch, number) of one of its documents."""
    with role("owner"):
        return {
            center: (batch, number)
            for center, batch, number in read(
                "SELECT DISTINCT ON (c.code) c.code, t.batch_id, t.number FROM ledger_transaction t"
                " JOIN taxonomy_costcenter c ON c.id = t.cost_center_id"
                " WHERE t.production_id = %s ORDER BY c.code, t.batch_id, t.number",
                film.production.pk,
            )
        }


def attached(
    film: Film,
    person: str = "amir",
    data: bytes = PDF,
    *,
    name: str = "receipt.pdf",
    center: str = "CAM",
    target: str = "",
) -> Attachment:
    """A file that one of the cast has attached to a document of a cost centre, or to a target."""
    place = None if target else places(film)[center]
    with role("web"), acting(film, person):
        return attach(
            actor=film.cast[person], production=film.production, kind="receipt", name=name,
            data=data, place=place, target=target,
        )  # fmt: skip


def withdrawn(film: Film, attachment: Attachment, person: str = "amir") -> None:
    with role("web"), acting(film, person):
        withdraw(actor=film.cast[person], attachment=attachment, reason="The wrong receipt")
