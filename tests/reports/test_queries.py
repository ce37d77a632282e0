"""The audit explorer's box: what may be typed, and what is said of the rest."""

import pytest

from reports.queries import parse


def test_a_hash_or_filters_are_read_in_any_order() -> None:
    assert parse("ABCDEF").prefix == "abcdef"
    assert parse("  ").filters == {} and parse("").problems == []
    asked = parse("to:2026-01-11 actor:amir action:period.close from:2026-01-05")
    assert asked.problems == []
    assert asked.filters == {
        "actor": "amir", "action": "period.close", "from": "2026-01-05", "to": "2026-01-11",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "thing", "others"),
    [
        ("object:order PO-0001", ("order", "PO-0001"), {}),
        ("object:Invoice", ("invoice", ""), {}),
        ("object:vendor From Dusk Ltd: US actor:amir", ("vendor", "From Dusk Ltd: US"),
         {"actor": "amir"}),
        ("action:row object:change BC-0012", ("change", "12"), {"action": "row"}),
        ("object:budget v2", ("budget", "2"), {}), ("object:efc 7", ("efc", "7"), {}),
        ("object:posting 12/3", ("posting", "12/3"), {}),
        ("object:node 3310", ("node", "3310"), {}),
    ],
)  # fmt: skip
def test_an_object_is_a_kind_and_perhaps_which_one(
    text: str, thing: tuple[str, str], others: dict[str, str]
) -> None:
    asked = parse(text)
    assert (asked.problems, asked.thing) == ([], thing)
    assert {k: v for k, v in asked.filters.items() if k != "object"} == others


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("abcde", "6 to 64 digits"), ("a" * 65, "6 to 64 digits"), ("xyzxyz", "6 to 64 digits"),
        ("\u0661" * 6, "6 to 64 digits"), ("abcdef 123456", "found two"),
        ("abcdef actor:amir", "by itself"), ("who:amir", "expected one of actor"),
        ("from:yesterday", "a day such as"), ("to:2026-02-30", "a day such as"),
        ("from:20260105", "a day such as"), ("action:DROP", "an action such as"),
        ("actor:", "a part of a name"), ("action:", "an action such as"),
        ("object:", "object: expected one of advance"), ("object:row", "found 'row'"),
        ("object:posting 12", "posting 12/3"), ("object:batch x", "batch 12"),
        ("object:change seven", "change BC-7"), ("object:settlement A", "settlement 7"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_with_what_was_expected(text: str, said: str) -> None:
    assert said in " ".join(parse(text).problems)
