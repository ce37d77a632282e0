"""What a line is coded to besides its account: one text for one coding, and only known codes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.audit_rules import SEGMENTS, posting_of
from ledger.segments import CODE, KINDS, SegmentError, read, typed, written

KNOWN = {
    "episode": {"101": True, "102": True},
    "location": {"NOLA": True, "101": True, "LA": False},
    "set": {"CAFE": True, "INT-CAFE.2": True},
}
codes = st.dictionaries(st.sampled_from(list(KINDS)), st.from_regex(CODE, fullmatch=True))


@given(codes)
def test_a_coding_is_read_as_it_was_written_and_written_in_one_way(coded: dict[str, str]) -> None:
    text = written(coded)
    assert read(text) == coded
    assert written(dict(reversed(coded.items()))) == text
    if coded:
        assert posting_of(f"P3{text}(1{',' * 17})")["segments"] == text
        known = {kind: {code: True} for kind, code in coded.items()}
        assert typed(text.replace(" ", ", "), known) == text


@pytest.mark.parametrize(
    ("text", "coded"),
    [
        ("", ""),
        (" , ", ""),
        ("cafe", "set=CAFE"),
        ("cafe nola", "location=NOLA set=CAFE"),
        ("SET=int-cafe.2,Location=nola", "location=NOLA set=INT-CAFE.2"),
        ("102", "episode=102"),
        ("set=cafe set=CAFE", "set=CAFE"),
    ],
)
def test_codes_are_typed_with_or_without_their_kind(text: str, coded: str) -> None:
    assert typed(text, KNOWN) == coded


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("101", "101 is a code of several segments. Write episode=101 or location=101."),
        ("bar", "expected a code of this production's segments, found 'bar'"),
        ("set=bar", "expected a code of set, found 'BAR'"),
        ("insurance=1", "expected a segment of this production (episode, location, set)"),
        ("la", "location LA is not in use any more"),
        ("cafe int-cafe.2", "expected one set, found CAFE and INT-CAFE.2"),
        ("=", "expected a segment of this production"),
        ("set=", "expected a code of set, found ''"),
    ],
)
def test_what_is_not_the_productions_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(SegmentError, match=re.escape(said)):
        typed(text, KNOWN)


def test_a_retired_code_is_typed_only_where_it_is_already() -> None:
    assert typed("la cafe", KNOWN, "location=LA") == "location=LA set=CAFE"
    for kept in ("", "set=LA", "location=NOLA"):
        with pytest.raises(SegmentError, match="location LA is not in use any more"):
            typed("la", KNOWN, kept)


def test_a_code_that_only_one_kind_still_uses_needs_no_kind() -> None:
    known = {"location": {"PUB": False}, "set": {"PUB": True}}
    assert typed("pub", known) == "set=PUB"
    with pytest.raises(SegmentError, match="location PUB is not in use any more"):
        typed("location=pub", known)


def test_on_a_production_without_segments_none_can_be_typed() -> None:
    assert typed(" ", {}) == ""
    with pytest.raises(SegmentError, match="found 'cafe'"):
        typed("cafe", {})
    with pytest.raises(SegmentError, match=re.escape("(none), found 'set'")):
        typed("set=cafe", {})


@pytest.mark.parametrize(
    "coded",
    ["set=cafe", "CAFE", "set=", "set=CAFE ", " set=CAFE", "set=CAFE location=NOLA", "scene=1",
     "set=CAFE set=BAR", "location=NOLA  set=CAFE", "set=CAFE\n", "set=CAFE\nP2", " "],
)  # fmt: skip
def test_an_outsider_reads_no_coding_the_database_would_not_write(coded: str) -> None:
    with pytest.raises(ValueError, match="coded in another form"):
        posting_of(f"P3{coded}(1{',' * 17})")
    assert tuple(KINDS) == SEGMENTS
