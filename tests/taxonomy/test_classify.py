import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonomy.classify import (
    HYBRIDS,
    LINES,
    OCCUPATIONS,
    Classification,
    classify,
    is_known_guild,
    normalise_guild,
    normalise_occupation,
    occupation_rule,
    side,
)

DEPARTMENTS = {"Camera": "BTL", "Cast": "ATL", "Editorial": "POST", "Insurance": "OTHER"}


def classified(**row: str) -> Classification:
    return classify(**row, department_lines=DEPARTMENTS)


# --- the occupation comes first


@pytest.mark.parametrize(
    "occupation",
    [
        "UPM",
        "U.P.M.",
        "Unit Production Manager, studio",
        "1st AD",
        "1st A.D.",
        "1AD",
        "First Assistant Director, distant",
        "2nd AD",
        "Key 2nd AD",
        "Key Second AD, studio",
        "2nd 2nd AD",
        "2nd-2nd A.D.",
        "22nd AD",
        "Second Second Assistant Director",
        "Stage Manager",
        "Associate Director",
        "First Asst. Director, 2nd unit",
    ],
)
def test_dga_production_staff_are_below_the_line(occupation: str) -> None:
    result = classified(occupation=occupation, guild="DGA")
    assert (result.line, result.disagrees) == ("BTL", "guild:DGA")
    assert result.rule.startswith("occupation:")


@pytest.mark.parametrize(
    "occupation",
    [
        "Background Actor",
        "BG",
        "Extra",
        "Stand-In",
        "stand in",
        "Photo Double",
        "SAG-AFTRA Background",
    ],
)
def test_sag_background_and_stand_ins_are_below_the_line(occupation: str) -> None:
    result = classified(occupation=occupation, guild="SAG-AFTRA", account_line="BTL")
    assert (result.line, result.disagrees) == ("BTL", "guild:SAG-AFTRA")


@pytest.mark.parametrize(
    "occupation", ["Writer-Producer", "Producer/Writer", "writer & director", "Actor, Producer"]
)
def test_a_hybrid_of_two_jobs_above_the_line_is_above_it(occupation: str) -> None:
    result = classified(occupation=occupation, account_line="BTL", department="Camera")
    assert (result.line, result.disagrees) == ("ATL", "account")


@pytest.mark.parametrize(
    "occupation",
    ["Director of Photography", "DP", "D.P.", "DoP", "DP/Operator", "Line Producer / UPM"],
)
def test_a_title_that_only_sounds_above_the_line_is_below_it(occupation: str) -> None:
    assert classified(occupation=occupation).line == "BTL"


@pytest.mark.parametrize("occupation", ["Director", "Day Performer", "Writer", "Key Grip", ""])
def test_an_occupation_where_its_guild_puts_it_has_no_rule_of_its_own(occupation: str) -> None:
    assert occupation_rule(occupation)[1] is None


def test_the_occupation_settles_the_side_and_the_account_the_tier_on_it() -> None:
    result = classified(occupation="Stage Manager", account_line="POST", guild="DGA")
    assert result == Classification("POST", "occupation:stage manager", "guild:DGA")


def test_a_upm_coded_above_the_line_is_named_as_a_disagreement() -> None:
    result = classified(occupation="UPM", account_line="ATL", guild="DGA")
    assert result == Classification("BTL", "occupation:unit production manager", "account")


def test_every_occupation_rule_gives_its_reason_and_is_found_by_its_own_name() -> None:
    for name, rule in OCCUPATIONS.items():
        assert normalise_occupation(name) == name
        assert rule.line in ("ATL", "BTL")
        assert len(rule.why) > 40
    for pair, rule in HYBRIDS:
        assert occupation_rule(" / ".join(sorted(pair)))[1] is rule
        assert occupation_rule("-".join(sorted(pair, reverse=True)))[1] is rule


# --- then account, guild, contract, department, default


def test_the_coded_account_goes_before_the_guild() -> None:
    result = classified(account_line="BTL", guild="SAG-AFTRA")
    assert result == Classification("BTL", "account", "guild:SAG-AFTRA")


@pytest.mark.parametrize("line", LINES)
def test_the_accounts_line_stands_as_coded(line: str) -> None:
    assert classified(account_line=line) == Classification(line, "account")


@pytest.mark.parametrize("guild", ["SAG", "DGA", "WGAW"])
def test_the_three_guilds_are_above_the_line(guild: str) -> None:
    result = classified(guild=guild, department="Camera")
    assert result == Classification("ATL", f"guild:{normalise_guild(guild)}", "department:Camera")


@pytest.mark.parametrize("guild", ["IATSE 600", "Teamsters 399", "non-union", "AFM", ""])
def test_any_other_guild_leaves_it_to_the_department(guild: str) -> None:
    assert classified(guild=guild, department="Cast") == Classification("ATL", "department:Cast")
    assert classified(guild=guild) == Classification("BTL", "default")


def test_a_contractual_line_goes_before_the_departments_default() -> None:
    result = classified(contract_line="ATL", department="Camera")
    assert result == Classification("ATL", "contract", "department:Camera")


def test_an_unmapped_department_is_below_the_line_by_default() -> None:
    assert classified(department="Puppets") == Classification("BTL", "default")


def test_only_the_first_disagreeing_rule_is_named() -> None:
    result = classified(account_line="BTL", guild="WGA", department="Cast")
    assert result.disagrees == "guild:WGA"


def test_post_and_below_the_line_do_not_disagree() -> None:
    assert classified(account_line="BTL", department="Editorial").disagrees == ""


def test_only_atl_is_above_the_line() -> None:
    assert [side(line) for line in LINES] == ["ATL", "BTL", "BTL", "BTL", "BTL", "BTL"]


def test_a_line_outside_the_vocabulary_is_refused() -> None:
    with pytest.raises(ValueError, match="'above' is not a line"):
        classified(account_line="above")


@given(
    st.sampled_from(["", "UPM", "Key Grip", "Writer-Producer"]),
    st.sampled_from(["", *LINES]),
    st.sampled_from(["", "SAG", "IATSE 80"]),
    st.sampled_from(["", "Camera", "Cast", "Nobody"]),
)
def test_every_row_gets_a_line_and_the_rule_that_gave_it(
    occupation: str, account_line: str, guild: str, department: str
) -> None:
    row = {
        "occupation": occupation,
        "account_line": account_line,
        "guild": guild,
        "department": department,
    }
    result = classified(**row)
    assert result.line in LINES
    assert result.rule.split(":")[0] in ("occupation", "account", "guild", "department", "default")
    if result.disagrees:
        assert result.disagrees != result.rule
        kept = {"occupation": "", "account": "", "guild": "", "department": ""}
        name = result.disagrees.split(":")[0]
        key = "account_line" if name == "account" else name
        alone = classified(**{**dict.fromkeys(row, ""), key: row[key]})
        assert name in kept
        assert side(alone.line) != side(result.line)


# --- guild spellings


@pytest.mark.parametrize(
    ("written", "house"),
    [
        ("SAG", "SAG-AFTRA"),
        ("SAG-AFTRA", "SAG-AFTRA"),
        ("sag aftra", "SAG-AFTRA"),
        ("SAG/AFTRA", "SAG-AFTRA"),
        ("S.A.G.", "SAG-AFTRA"),
        ("DGA", "DGA"),
        ("Directors Guild of America", "DGA"),
        ("WGA", "WGA"),
        ("WGAW", "WGA"),
        ("WGAE", "WGA"),
        ("WGA West", "WGA"),
        ("IATSE", "IATSE"),
        ("I.A.T.S.E.", "IATSE"),
        ("IATSE 600", "IATSE 600"),
        ("iatse local 600", "IATSE 600"),
        ("IATSE Local No. 600", "IATSE 600"),
        ("IATSE-600", "IATSE 600"),
        ("Local 600", "IATSE 600"),
        ("600", "IATSE 600"),
        ("Teamsters 399", "Teamsters 399"),
        ("Teamsters Local 399", "Teamsters 399"),
        ("IBT 399", "Teamsters 399"),
        ("Local 399", "Teamsters 399"),
        ("Non-Union", "non-union"),
        ("nonunion", "non-union"),
        ("N/A", "non-union"),
    ],
)
def test_a_guild_is_known_by_every_usual_spelling(written: str, house: str) -> None:
    assert normalise_guild(written) == house
    assert normalise_guild(house) == house
    assert is_known_guild(house)


@pytest.mark.parametrize("written", ["Local 728", "Local 9999", "Puppeteers Guild", "SAGGING", ""])
def test_an_unknown_guild_is_kept_as_written_and_not_guessed(written: str) -> None:
    assert normalise_guild(f" {written} ") == written
    assert not is_known_guild(normalise_guild(written))
