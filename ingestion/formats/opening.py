"""One door for every upload: what it is, who reads it, and what a person should know about it."""

from collections.abc import Iterable

from ingestion.formats.bai2_file import read_bai2
from ingestion.formats.camt_file import read_camt
from ingestion.formats.container import clean_name, detect, split_head, unpack_gzip
from ingestion.formats.csv_file import read_csv
from ingestion.formats.iif_file import read_iif
from ingestion.formats.json_file import read_json, read_json_page
from ingestion.formats.mt940_file import read_mt940
from ingestion.formats.ofx_file import read_ofx
from ingestion.formats.qif_file import read_qif
from ingestion.formats.records import Dialect, Reading, Recognise, RejectedFile, Shape
from ingestion.formats.xlsx_file import read_xlsx
from ingestion.formats.xml_file import read_xml


def open_file(
    name: str, pieces: Iterable[bytes], recognise: Recognise, dialect: Dialect
) -> Reading:
    """Open an upload by its name and its bytes; `recognise` None means columns without names.

    CSV streams; a bank's file (OFX, camt, BAI2, MT940, QIF) is known by how it begins and names its
    own statements. The other formats are held in memory up to 20 MiB. Spans of a .gz file are those
    of its unpacked content. JSON and XML name every value themselves, so `recognise` is not asked:
    what a row lacks shows row by row.
    """
    head, stream = split_head(pieces)
    file_format = detect(name, head)
    notes: list[str] = []
    if file_format == "gz":
        head, stream = split_head(unpack_gzip(stream))
        file_format = detect(clean_name(name).rpartition(".")[0], head)
        if file_format in {"gz", "xlsx"}:
            raise RejectedFile(
                "E_FILETYPE",
                "The gzip archive holds another archive. Send the file inside it by itself.",
            )
        notes.append("Unpacked from a gzip archive.")
    if file_format == "json":
        reading = _open_json(stream, dialect.shape)
    elif file_format == "xml":
        reading = read_xml(stream)
    elif file_format == "xlsx":
        reading = read_xlsx(stream, recognise)
    elif file_format == "iif":
        reading = read_iif(stream, recognise, dialect.encoding)
    elif file_format == "ofx":
        reading = read_ofx(stream)
    elif file_format == "camt":
        reading = read_camt(stream)
    elif file_format == "bai2":
        reading = read_bai2(stream)
    elif file_format == "mt940":
        reading = read_mt940(stream, dialect.encoding)
    elif file_format == "qif":
        reading = read_qif(stream, dialect.encoding, dialect.date_format)
    else:
        reading = _open_csv(stream, recognise, dialect)
    reading.notes[:0] = notes
    return reading


def _open_json(pieces: Iterable[bytes], shape: Shape | None) -> Reading:
    return read_json(pieces) if shape is None else read_json_page(pieces, shape)


def _open_csv(pieces: Iterable[bytes], recognise: Recognise, dialect: Dialect) -> Reading:
    opened = read_csv(pieces, recognise, dialect).open()
    separator = "a tab" if opened.delimiter == "\t" else repr(opened.delimiter)
    notes = [f"Read as {opened.encoding.upper()}, columns separated by {separator}."]
    if opened.header_line > 1:
        notes.append(f"The header is line {opened.header_line}; what stands above it is not read.")
    return Reading(
        "csv",
        opened.header,
        iter(opened),
        notes,
        encoding=opened.encoding,
        delimiter=opened.delimiter or ",",
    )
