"""XML screened before it is believed: no document type, no entities, no depth, known roots only.

The ECB's euro reference rates are the one document read here. Rates are not costs: each comes out
as a record held under E_SOURCE, so that a file sent to the wrong source is seen, never posted.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol
from xml.etree.ElementTree import ParseError

import defusedxml.ElementTree  # type: ignore[import-untyped]
from defusedxml.common import (  # type: ignore[import-untyped]
    DTDForbidden,
    EntitiesForbidden,
    ExternalReferenceForbidden,
)

from ingestion.formats.records import Reading, Record, RejectedFile, gather, no_records

MAX_DEPTH = 64
RATE_HEADER = ["currency", "rate"]

_GESMES = "http://www.gesmes.org/xml/2002-08-01}"
_ECB = "http://www.ecb.int/vocabulary/2002-08-01/eurofxref}"
_CAMT = "urn:iso:std:iso:20022:tech:xsd:camt."
XINCLUDE = "http://www.w3.org/2001/XInclude}"

_CURRENCY = re.compile(r"[A-Z]{3}")
# Nine digits before the point: the weakest currency ever quoted needs six.
_RATE = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,12})?")
_START_TAG = re.compile(rb"<(?:[^>\"']|\"[^\"]*\"|'[^']*')*+>")


class Listener(Protocol):
    """What reads the events of a screened document; a tag reads `namespace}name`."""

    def start(self, tag: str, attributes: dict[str, str]) -> object: ...
    def end(self, tag: str) -> object: ...
    def data(self, text: str) -> object: ...


class ScreenedParser:
    """A parser that hands events to a listener and rejects the file at the first trick."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._depth = 0
        self._parser = defusedxml.ElementTree.DefusedXMLParser(target=self, forbid_dtd=True)
        # The defused parser refuses; its way of building elements is left aside, because a sheet
        # of 100,000 rows has five million events and each would cost twice as much.
        expat = self._parser.parser
        expat.ordered_attributes = False
        expat.StartElementHandler = self._start
        expat.EndElementHandler = self._end
        expat.CharacterDataHandler = listener.data

    def feed(self, data: bytes) -> None:
        self._run(self._parser.feed, data)

    def finish(self) -> None:
        self._run(self._parser.close)

    @property
    def position(self) -> tuple[int, int]:
        """The line and the byte offset of the event being handled."""
        expat = self._parser.parser
        return expat.CurrentLineNumber, expat.CurrentByteIndex

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise RejectedFile(
                "E_XML_DEPTH",
                f"Elements are nested more than {MAX_DEPTH} deep, which no document read here is. "
                "Check what was exported.",
            )
        self._listener.start(tag, attributes)

    def _end(self, tag: str) -> None:
        self._listener.end(tag)
        self._depth -= 1

    def _run(self, step: Callable[..., object], *data: bytes) -> None:
        try:
            step(*data)
        except (DTDForbidden, EntitiesForbidden, ExternalReferenceForbidden) as error:
            raise RejectedFile(
                "E_XML_DTD",
                "The file declares a document type or an entity, which could read other files or "
                "swell without bound. Export it without a DOCTYPE.",
            ) from error
        except (ParseError, UnicodeDecodeError) as error:
            raise _not_well_formed(error) from error
        except (ValueError, LookupError) as error:
            if self._depth:
                raise  # From a listener: a bug of ours, not of the file.
            # Before the root: the declared encoding is one the parser does not know.
            raise _not_well_formed(error) from error


def _not_well_formed(error: Exception) -> RejectedFile:
    return RejectedFile(
        "E_XML",
        f"The file is not well-formed XML ({error}). Check that the export finished, and send it "
        "again.",
    )


class _Rate(NamedTuple):
    currency: str
    rate: str
    day: str
    line: int
    start: int


class _Document:
    """What is remembered of a document: its root, its includes, its rates."""

    def __init__(self) -> None:
        self.parser = ScreenedParser(self)
        self.root = ""
        self.has_include = False
        self.day = ""
        self.rates: list[_Rate] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.root = self.root or tag
        if tag.startswith(XINCLUDE):
            self.has_include = True
        if tag != f"{_ECB}Cube":
            return
        self.day = attributes.get("time", self.day)
        if "currency" in attributes or "rate" in attributes:
            line, start = self.parser.position
            currency, rate = attributes.get("currency", ""), attributes.get("rate", "")
            self.rates.append(_Rate(currency, rate, self.day, line, start))

    def end(self, tag: str) -> None:
        pass

    def data(self, text: str) -> None:
        pass


def read_xml(pieces: Iterable[bytes]) -> Reading:
    """Screen an XML file and read it if it is a list of euro reference rates."""
    data = gather(pieces)
    if not data.strip(b"\xef\xbb\xbf \t\r\n"):
        raise no_records("no bytes")
    if b"\0" in data[:4096]:
        raise RejectedFile(
            "E_ENCODING",
            "The XML holds NUL bytes, as UTF-16 does; only UTF-8 and single-byte encodings are "
            "read. Save it as UTF-8 and send it again.",
        )
    document = _Document()
    document.parser.feed(data)
    document.parser.finish()
    _refuse_unknown(document)
    _refuse_bad_rates(document.rates)
    days = sorted({rate.day for rate in document.rates})
    return Reading(
        "xml",
        list(RATE_HEADER),
        _held_rates(data, document.rates),
        [f"Euro reference rates of {', '.join(days[:5])}: held, for they are no cost lines."],
    )


def _refuse_unknown(document: _Document) -> None:
    if document.has_include:
        reason = "The file asks to include another file (XInclude), which is never done."
    elif document.root == f"{_GESMES}Envelope":
        return
    elif document.root.startswith(_CAMT):
        reason = (
            "This is a message of a bank (camt) of a kind that is not read: camt.052, .053 and "
            ".054 are, as bank statements."
        )
    else:
        reason = f"The root element {document.root[:120]!r} belongs to no document read here."
    raise RejectedFile("E_XML_SCHEMA", f"{reason} Send costs as CSV, XLSX or JSON.")


def _refuse_bad_rates(rates: list[_Rate]) -> None:
    if not rates:
        raise no_records("no rate")
    seen: set[tuple[str, str]] = set()
    for rate in rates:
        positive = _RATE.fullmatch(rate.rate) and rate.rate.strip("0.")
        if not positive or not _CURRENCY.fullmatch(rate.currency):
            fault = "is no positive decimal number with a three-letter currency"
        elif (rate.day, rate.currency) in seen:
            fault = "is the second for that currency and day"
        else:
            seen.add((rate.day, rate.currency))
            continue
        raise RejectedFile(
            "E_RATE",
            f"On line {rate.line} the rate {rate.rate[:40]!r} for {rate.currency[:40]!r} {fault}. "
            "No rate of this file is used; fetch the file again from its publisher.",
        )


def _held_rates(data: bytes, rates: list[_Rate]) -> Iterator[Record]:
    for row, rate in enumerate(rates, start=1):
        tag = _START_TAG.match(data, rate.start)
        end = tag.end() if tag else rate.start
        fields = [rate.currency, rate.rate]
        raw = data[rate.start : end]
        yield Record(row, rate.line, rate.start, end, fields, "E_SOURCE", raw)
