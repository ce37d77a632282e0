"""When two invoices are probably one."""

from decimal import Decimal

import pytest

from ingestion.gate.likeness import (
    Invoice,
    Lookalikes,
    is_same_number,
    is_similar_vendor,
    number_key,
    slips,
)


def invoice(vendor: str = "Arri Rental", number: str = "INV-0012", amount: str = "5.00",
            currency: str = "USD", *, is_by_hand: bool = False) -> Invoice:  # fmt: skip
    """An invoice with a few things other than usual."""
    return Invoice(vendor, number, Decimal(amount), currency, is_by_hand=is_by_hand)


def found(known: Invoice, mine: Invoice) -> bool:
    """Whether one is held for being like the other."""
    alike = Lookalikes()
    alike.add(known)
    return alike.of(mine) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("INV-0012", "INV 12"),
        ("INV-0012", "12"),
        ("inv0012", "Invoice No. 12"),
        ("2026/001", "2026-001"),
        ("2026-001", "2026001"),
        ("2026-001", "2026-1"),
        ("A-77/B", "a77b"),
        ("１２", "12"),
    ],
)
def test_a_number_written_otherwise_is_the_same_number(one: str, other: str) -> None:
    assert is_same_number(one, other)
    assert number_key(one) == number_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("12", "13"), ("10", "100"), ("101", "110"), ("A12", "B12"), ("12", "12A"), ("1-2", "2-1")],
)
def test_another_number_is_not_the_same(one: str, other: str) -> None:
    assert not is_same_number(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Arri Rental", "ARRI Rental, Inc."),
        ("Müller & Söhne GmbH", "Muller Sohne"),
        ("Smith, John", "John Smith"),
        ("Panavision", "Panavision Hollywood LLC"),
        ("Keslow Camera", "Kelsow Camera"),
        ("Sunbelt Rentals", "Sunbelt Rental"),
        ("J.L. Fisher", "JL Fisher Inc"),
        ("William F. White", "William F White International Inc."),
        ("Co.", "co"),
    ],
)
def test_a_vendor_written_otherwise_is_similar(one: str, other: str) -> None:
    assert is_similar_vendor(one, other)
    assert is_similar_vendor(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Arri", "Arte"),
        ("Uber", "Ubar"),
        ("Panavision", "Keslow Camera"),
        ("Smith Grip", "Smyth Props"),
        ("A", "B"),
        ("", "Arri"),
    ],
)
def test_another_vendor_is_not_similar(one: str, other: str) -> None:
    assert not is_similar_vendor(one, other)


@pytest.mark.parametrize(
    ("one", "other", "least"),
    [("abc", "abc", 0), ("abc", "acb", 1), ("abc", "abd", 1), ("abc", "abcd", 1), ("", "ab", 2),
     ("kitten", "sitting", 3)],
)  # fmt: skip
def test_slips_are_counted_as_a_person_would(one: str, other: str, least: int) -> None:
    assert slips(one, other, least)
    assert least == 0 or not slips(one, other, least - 1)


def test_number_amount_and_currency_must_all_agree() -> None:
    known = invoice()
    assert found(known, invoice("Arri Rental Inc", "12"))
    assert not found(known, invoice("Arri Rental Inc", "12", "5.01"))
    assert not found(known, invoice("Arri Rental Inc", "12", "-5.00"))
    assert not found(known, invoice("Arri Rental Inc", "12", currency="CAD"))
    assert not found(known, invoice("Arri Rental Inc", "13"))
    assert not found(known, invoice("Keslow", "12"))
    assert found(invoice(amount="5.0000"), invoice("Arri Rental Inc", "12", "5"))


def test_the_same_letters_are_the_same_document_and_no_look_alike() -> None:
    """Its lines are told apart by their document's key; two of them may well have one amount."""
    assert not found(invoice(), invoice())
    assert not found(invoice(), invoice("ARRI RENTAL"))
    assert found(invoice(is_by_hand=True), invoice())
