from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonomy.chart import (
    COLUMNS,
    ROLES,
    AccountFormat,
    ChartProblem,
    ChartRow,
    check_chart,
    clearing_roles,
    department_codes,
    department_lines,
    infer_account_format,
    is_built_in,
    missing_roles,
    read_chart,
    standard_chart,
)

HEADER = ",".join(COLUMNS)
DASHED = AccountFormat("NNNN-NN-NN")
SMALL = f"""{HEADER}
2101,,Camera and lighting rentals,category,BTL,Camera,,debit,cost
2101-03-04,2101,Camera package rental,detail,BTL,Camera,rental,debit,cost
2101-13-45,2101,Lens rental,detail,BTL,Camera,rental,debit,cost
0101,,Story and rights,category,ATL,Writing,,debit,cost
0101-03-04,0101,Option payments,detail,ATL,Writing,purchase,debit,cost
"""


def problems_of(*lines: str, account_format: AccountFormat | None = None) -> list[ChartProblem]:
    return read_chart("\n".join([HEADER, *lines, ""]), account_format).problems


def the_problem(*lines: str, account_format: AccountFormat | None = None) -> ChartProblem:
    (problem,) = problems_of(*lines, account_format=account_format)
    return problem


def row(account: str = "3350", **changes: str) -> ChartRow:
    usual = ChartRow(account, "", "Rental", "detail", "BTL", "Camera", "rental", "debit", "cost")
    return replace(usual, **changes)


def balance_sheet(account: str, name: str) -> ChartRow:
    return ChartRow(account, "", name, "detail", "", "", "", "credit", "balance sheet")


# --- the charts we ship and were given


def test_the_standard_chart_is_sound() -> None:
    rows = standard_chart()
    assert check_chart(rows, AccountFormat("NNNN")) == []
    assert len(rows) == 435
    assert sum(not row.is_detail for row in rows) == 49
    assert sum(row.is_balance_sheet for row in rows) == 29


def test_the_standard_chart_is_a_fresh_list_every_time() -> None:
    standard_chart().clear()
    assert standard_chart()


def test_a_chart_with_dashed_accounts_is_read_and_its_categories_need_not_match() -> None:
    reading = read_chart(SMALL, DASHED)
    assert reading.problems == []
    assert [row.account for row in reading.rows if row.is_detail] == [
        "2101-03-04",
        "2101-13-45",
        "0101-03-04",
    ]
    assert [row.line_number for row in reading.rows] == [2, 3, 4, 5, 6]


# --- reading


def test_line_numbers_are_those_an_editor_shows() -> None:
    text = (
        f"\ufeff{HEADER}\r\n\r\n"
        '3350,,"A name on\r\ntwo lines",detail,BTL,Camera,,debit,cost\r\n'
        "3351,,,detail,BTL,Camera,,debit,cost"
    )
    problems = read_chart(text).problems
    assert [(problem.line_number, problem.column) for problem in problems] == [
        (3, "name"),
        (5, "name"),
    ]


def test_columns_may_stand_in_any_order_and_case() -> None:
    header = ",".join(column.upper().replace("_", " ") for column in reversed(COLUMNS))
    text = f"{header}\ncost,debit,rental,Camera,BTL,detail,Rental, ,3350\n"
    reading = read_chart(text)
    assert reading.problems == []
    assert reading.rows == [row()]


@pytest.mark.parametrize("text", ["", "\ufeff", "\n\n", " , \n"])
def test_an_empty_file_is_refused(text: str) -> None:
    (problem,) = read_chart(text).problems
    assert problem.expected == "a chart of accounts"


def test_a_header_alone_is_refused() -> None:
    (problem,) = read_chart(HEADER).problems
    assert problem.expected == "at least one account"


def test_missing_unknown_and_doubled_columns_are_all_named() -> None:
    problems = read_chart("account,parent,name,name,colour\n").problems
    said = {(problem.expected, problem.found) for problem in problems}
    assert ("one name", "2") in said
    assert ("a known column", "colour") in said
    assert ("the column statement", "") in said
    assert len(problems) == 8


def test_a_row_with_a_comma_too_many_is_named_and_the_rest_is_read() -> None:
    text = f"{SMALL}3350,,Stills, plates,detail,BTL,Camera,,debit,cost\n"
    reading = read_chart(text, DASHED)
    assert [(each.line_number, each.found) for each in reading.problems] == [(7, "10 cells")]
    assert len(reading.rows) == 5


def test_an_open_quote_is_named_where_it_begins() -> None:
    text = f'{SMALL}3350,,"Stills,detail,BTL,Camera,,debit,cost\n'
    (problem,) = read_chart(text, DASHED).problems
    assert (problem.line_number, problem.column) == (7, "row")


@given(st.text(alphabet='a3,"\n\r ;é\x00', max_size=60))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    for body in (text, f"{HEADER}\n{text}"):
        reading = read_chart(body, DASHED)
        assert reading.rows or reading.problems


# --- checking


def test_a_problem_reads_as_a_sentence_with_its_remedy() -> None:
    problem = the_problem("3350,3300,Rental,detail,BTL,Camera,rental,debit,cost")
    assert str(problem) == (
        "Line 2, parent: expected an account of this chart, found '3300'. "
        "Add the category 3300, or correct the parent."
    )


@pytest.mark.parametrize(
    ("line", "column", "expected"),
    [
        ("3350,,,detail,BTL,Camera,,debit,cost", "name", "a name"),
        ("3350,,Rental,sub,BTL,Camera,,debit,cost", "level", "category or detail"),
        ("3350,,Rental,detail,BTL,Camera,,left,cost", "normal_side", "debit or credit"),
        ("3350,,Rental,detail,BTL,Camera,,debit,profit", "statement", "cost or balance sheet"),
        ("3350,,Rental,detail,BTL,,,debit,cost", "department", "a department"),
        ("0300,,Payables,detail,BTL,,,credit,balance sheet", "line", "nothing"),
        (",,Rental,detail,BTL,Camera,,debit,cost", "account", "an account code"),
        ("33 50,,Rental,detail,BTL,Camera,,debit,cost", "account", "plain characters"),
        ("３350,,Rental,detail,BTL,Camera,,debit,cost", "account", "plain characters"),
        ("12345678901234567,,R,detail,BTL,Camera,,debit,cost", "account", "at most 16 characters"),
    ],
)
def test_each_fault_of_a_row_is_named(line: str, column: str, expected: str) -> None:
    problem = the_problem(line)
    assert (problem.column, problem.expected) == (column, expected)
    assert problem.fix


def test_a_line_outside_the_vocabulary_is_named_with_the_word_that_was_meant() -> None:
    problem = the_problem("3350,,Rental,detail,btl,Camera,,debit,cost")
    assert (problem.column, problem.found, problem.fix) == ("line", "btl", "Write BTL.")
    assert problems_of("3350,,Rental,detail,,Camera,,debit,cost")[0].column == "line"


def test_an_unknown_kind_is_named() -> None:
    assert the_problem("3350,,Rental,detail,BTL,Camera,gift,debit,cost").column == "kind"


def test_a_code_used_twice_is_named_with_the_line_that_has_it() -> None:
    line = "3350,,Rental,detail,BTL,Camera,,debit,cost"
    problem = the_problem(line, line)
    assert (problem.line_number, problem.expected) == (3, "a code used once")
    assert "line 2" in problem.fix


def test_an_account_with_accounts_beneath_it_cannot_take_postings() -> None:
    problem = the_problem(
        "3300,,Camera,detail,BTL,Camera,,debit,cost",
        "3350,3300,Rental,detail,BTL,Camera,,debit,cost",
    )
    assert (problem.line_number, problem.column) == (2, "level")


def test_accounts_that_lie_beneath_each_other_are_named() -> None:
    problems = problems_of(
        "3300,3400,Camera,category,BTL,Camera,,debit,cost",
        "3400,3300,Sound,category,BTL,Sound,,debit,cost",
        "3500,3500,Cars,category,BTL,Cars,,debit,cost",
    )
    assert [problem.line_number for problem in problems] == [2, 3, 4]
    assert {problem.column for problem in problems} == {"parent"}


def test_a_detail_that_does_not_match_the_productions_format_is_named() -> None:
    problem = the_problem("2101-3-4,,Rental,detail,BTL,Camera,,debit,cost", account_format=DASHED)
    assert (problem.expected, problem.found) == ("NNNN-NN-NN", "2101-3-4")


def test_a_standard_balance_sheet_account_is_bound_by_no_format() -> None:
    assert not problems_of(
        "0300,,Accounts payable,detail,,,,credit,balance sheet",
        "BS-0310,,Payroll clearing,detail,,,,credit,balance sheet",
        account_format=DASHED,
    )
    assert problems_of("0300,,Payable,detail,BTL,Camera,,debit,cost", account_format=DASHED)
    assert problems_of("0999,,Other,detail,,,,credit,balance sheet", account_format=DASHED)


def test_all_problems_come_at_once_in_the_order_of_the_file() -> None:
    problems = problems_of(
        "1,9,,detail,BTL,Camera,,debit,cost",
        "2,,Rental,detail,BTL,Camera,,debit",
        "1,,Rental,other,XTL,Camera,,up,cost",
        account_format=AccountFormat("NNNN"),
    )
    assert [problem.line_number for problem in problems] == [2, 2, 2, 3, 4, 4, 4, 4]


# --- account formats


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        ("NNNN-NN-NN", "2101-03-04", "2101-3-4"),
        ("NNNN-NN-NN", "2101-13-45", "2101-03-04 "),
        ("NNNN-NN-NN", "0101-03-04", "2101-03-04\n"),
        ("NNNN-NN-NN", "2101-03-04", "２101-03-04"),
        ("NNNN-NN-NN", "2101-03-04", "2101‑03‑04"),
        ("NNNN-NN-NN", "2101-03-04", "21010304"),
        ("NNNN-NN-NN", "2101-03-04", "=2101-03-04"),
        ("NNNN", "2501", "\u0662\u0665\u0660\u0661"),
        ("NNN-NN", "101-01", "101.01"),
        ("AN-NN", "A1-01", "a1-01"),
        ("XX-NN", "A1-01", "?1-01"),
        ("NN.NN", "06.25", "06x25"),
    ],
)
def test_an_account_matches_its_format_to_the_dash(pattern: str, good: str, bad: str) -> None:
    assert AccountFormat(pattern).matches(good)
    assert not AccountFormat(pattern).matches(bad)


@pytest.mark.parametrize("pattern", ["", "N" * 17, "NN NN", "NN–NN", "--", "NN\n"])
def test_a_format_nobody_could_type_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"format|place"):
        AccountFormat(pattern)


@pytest.mark.parametrize(
    ("codes", "pattern"),
    [
        (["2501", "3350"], "NNNN"),
        (["101-01", "102-95"], "NNN-NN"),
        (["A1-01", "B2-99"], "AN-NN"),
        (["A1-01", "12-99"], "XN-NN"),
        (["2501", "250"], None),
        (["25-01", "25.01"], None),
        (["Ä1", "Ä2"], None),
        (["", ""], None),
        ([], None),
    ],
)
def test_a_format_is_inferred_only_where_all_details_agree(
    codes: list[str], pattern: str | None
) -> None:
    found = infer_account_format([row(code) for code in codes])
    assert (found.pattern if found else None) == pattern


def test_categories_and_built_in_accounts_have_no_say_in_the_format() -> None:
    rows = read_chart(SMALL).rows
    assert infer_account_format([*rows, *missing_roles(rows)]) == DASHED
    assert infer_account_format(standard_chart()) == AccountFormat("NNNN")


@given(st.text(alphabet="NAX-.", min_size=1, max_size=16).filter(lambda p: set(p) & set("NAX")))
def test_an_inferred_format_admits_every_code_it_was_drawn_from(pattern: str) -> None:
    codes = [pattern.translate(str.maketrans("NAX", three)) for three in ("1BC", "2D3", "9Z0")]
    found = infer_account_format([row(code) for code in codes])
    assert found
    assert all(found.matches(code) for code in codes)
    assert found.pattern == pattern


# --- departments


def test_every_department_of_the_standard_chart_has_its_own_three_letters() -> None:
    names = list(dict.fromkeys(row.department for row in standard_chart() if row.department))
    codes = department_codes(names)
    assert len(set(codes.values())) == len(names) == 48
    assert all(len(code) == 3 and code.isalpha() and code.isupper() for code in codes.values())
    assert {name: codes[name] for name in ("Camera", "Cast", "Art", "Grip")} == {
        "Camera": "CAM",
        "Cast": "CAS",
        "Art": "ART",
        "Grip": "GRI",
    }


@pytest.mark.parametrize(
    ("names", "codes"),
    [
        (["Construction", "Costume", "Contingency"], ["CON", "COS", "CNT"]),
        (["Contingency", "Costume", "Construction"], ["CON", "COS", "CNS"]),
        (["Post lab", "Post sound", "Post fringes"], ["PLA", "PSO", "PFR"]),
        (["ATL travel", "BTL travel", "ATL misc"], ["ATR", "BTR", "AMI"]),
        (["Visual effects", "Special effects"], ["VFX", "SFX"]),
        (["Health and safety", "Décor", "VR"], ["HSA", "DEC", "VR"]),
        (["Camera", "CAMERA", "camera"], ["CAM", "CMR", "CAE"]),
        (["101", "102", "カメラ"], ["DEP", "DEP2", "DEP3"]),
    ],
)
def test_department_codes_are_what_a_person_would_guess(names: list[str], codes: list[str]) -> None:
    assert list(department_codes(names).values()) == codes


NAMES = st.lists(st.text(max_size=12) | st.text(alphabet="ab C", max_size=4), max_size=40)


@given(NAMES)
def test_no_two_departments_share_a_code(names: list[str]) -> None:
    codes = department_codes(names)
    assert list(codes) == list(dict.fromkeys(names))
    assert len(set(codes.values())) == len(codes)
    for code in codes.values():
        assert 1 <= len(code) <= 6
        assert code.isascii() and code.isalnum() and code == code.upper()


@given(NAMES, NAMES)
def test_a_department_added_at_the_end_changes_no_earlier_code(
    names: list[str], more: list[str]
) -> None:
    before = department_codes(names)
    after = department_codes([*names, *more])
    assert {name: after[name] for name in before} == before


def test_two_thousand_departments_of_one_name_still_fit_in_six_characters() -> None:
    codes = department_codes([f"A {number}" for number in range(2000)])
    assert len(set(codes.values())) == 2000
    assert max(map(len, codes.values())) == 6


def test_a_departments_line_is_that_of_its_first_account() -> None:
    lines = department_lines([*standard_chart(), row(department="Cast", line="BTL")])
    assert (lines["Cast"], lines["Camera"], lines["Editorial"]) == ("ATL", "BTL", "POST")
    assert lines["Contingency"] == "CONT"
    assert "" not in lines


# --- the balance-sheet accounts postings go through


def test_the_standard_chart_plays_every_role() -> None:
    assert clearing_roles(standard_chart()) == {
        "bank": "0100",
        "petty_cash": "0150",
        "card_clearing": "0160",
        "payables": "0300",
        "payroll_clearing": "0310",
        "payroll_withholding": "0312",
        "payroll_fringes": "0315",
        "fx_unrealised": "0500",
        "fx_rounding": "0510",
        "fx_realised": "7015",
        "book_control": "0950",
        "journal_clearing": "0900",
    }
    assert missing_roles(standard_chart()) == []


def test_a_chart_of_costs_alone_is_given_the_built_in_accounts() -> None:
    rows = read_chart(SMALL).rows
    assert clearing_roles(rows) == {}
    added = missing_roles(rows)
    codes = "0100 0150 0160 0300 0310 0312 0315 0500 0510 7015 0900 0950"
    assert " ".join(row.account for row in added) == codes
    assert all(is_built_in(row) for row in added)
    assert check_chart([*rows, *added], DASHED) == []
    assert set(clearing_roles([*rows, *added])) == set(ROLES)


def test_a_role_is_found_by_name_under_another_number() -> None:
    rows = [
        balance_sheet("9-100", "Trade creditors"),
        balance_sheet("9-200", "P-card clearing"),
        balance_sheet("9-300", "Payroll clearing"),
    ]
    assert clearing_roles(rows) == {
        "payables": "9-100",
        "card_clearing": "9-200",
        "payroll_clearing": "9-300",
    }


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("Payroll deductions withheld", "payroll_withholding"),
        ("Payroll withholding taxes payable", "payroll_withholding"),
        ("Deductions withheld from wages", "payroll_withholding"),
        ("Payroll taxes payable", "payroll_fringes"),
        ("Payroll clearing", "payroll_clearing"),
    ],
)
def test_what_payroll_owes_is_told_apart_by_name(name: str, role: str) -> None:
    assert clearing_roles([balance_sheet("9-300", name)]) == {role: "9-300"}


def test_tax_withheld_from_a_vendor_is_not_a_deduction_from_wages() -> None:
    assert clearing_roles([balance_sheet("9-320", "Withholding tax payable")]) == {}


def test_a_standard_number_under_a_foreign_name_still_plays_its_role() -> None:
    assert clearing_roles([balance_sheet("0300", "Crediteuren")]) == {"payables": "0300"}


def test_an_account_named_for_one_role_does_not_play_another_by_its_number() -> None:
    assert clearing_roles([balance_sheet("0150", "Production bank")]) == {"bank": "0150"}


def test_costs_and_categories_play_no_role() -> None:
    rows = [row("0300", name="Accounts payable"), balance_sheet("0310", "Payroll clearing")]
    rows[1] = replace(rows[1], level="category")
    assert clearing_roles(rows) == {}


def test_the_realised_exchange_difference_is_a_cost_found_by_its_name_alone() -> None:
    named = row("6-900", name="Foreign exchange difference, realized")
    assert clearing_roles([named]) == {"fx_realised": "6-900"}
    assert clearing_roles([row("7015", name="Bank charges")]) == {}
    in_the_sheet = balance_sheet("0505", "Realised foreign exchange")
    assert clearing_roles([in_the_sheet]) == {"fx_realised": "0505"}


def test_a_number_the_chart_uses_for_something_else_is_set_apart() -> None:
    rows = [row("0300", name="Story"), row("0100", name="Rights")]
    added = missing_roles(rows)
    assert {row.account for row in added} >= {"BS-0300", "BS-0100", "0150"}
    assert check_chart([*rows, *added], AccountFormat("NNNN")) == []
    assert set(clearing_roles([*rows, *added])) == set(ROLES)
    assert missing_roles([*rows, *added]) == []
