"""Above or below the line: which rule says so, and which rule would have said otherwise.

The precedence, highest first, for a row that has passed the schema:

1. occupation  the occupation's own rule, where it differs from its guild's, and hybrid roles
2. account     the line of the coded account: ATL, BTL, POST, OTHER, CONT or BOND
3. guild       SAG-AFTRA, DGA and WGA are above the line; no other guild says anything
4. contract    the line a deal or cap fixes for this cost, over the department's default
5. department  the chart's line for the department
6. default     below the line; the nightly run lists every such posting

Guild alone misreads real payroll: a DGA assistant director and a SAG-AFTRA stand-in are paid
below the line on every budget. A disagreement between rules moves no money: it is named on
the result so that a person can look at it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

LINES = ("ATL", "BTL", "POST", "OTHER", "CONT", "BOND")
ATL_GUILDS = frozenset({"SAG-AFTRA", "DGA", "WGA"})
NON_UNION = "non-union"


@dataclass(frozen=True, slots=True)
class Classification:
    """The line of a cost, the rule that gave it, and the first lower rule that disagrees."""

    line: str
    rule: str
    disagrees: str = ""


@dataclass(frozen=True, slots=True)
class OccupationRule:
    """An occupation that is not where its guild or its title would put it, and why."""

    line: str
    why: str


_DGA_STAFF = OccupationRule(
    "BTL",
    "The DGA Basic Agreement covers unit production managers and assistant directors, but "
    "budgets carry them in 2000 Production Staff, below the line.",
)
_DGA_STAGE = OccupationRule(
    "BTL",
    "DGA stage managers and associate directors of taped television are production staff, "
    "as assistant directors are on film.",
)
_SAG_BACKGROUND = OccupationRule(
    "BTL",
    "SAG-AFTRA covers background actors and stand-ins, but budgets carry them in 2100 "
    "Background, below the line; only principal performers sit in 1400 Cast.",
)
_CAMERA = OccupationRule(
    "BTL",
    "A director by title only: photography is IATSE Local 600 work in 3300 Camera, also when "
    "the same person operates.",
)
_ART = OccupationRule(
    "BTL", "A director by title only: IATSE Local 800 work in 2200 Art Department."
)
_LINE_PRODUCER_UPM = OccupationRule(
    "BTL",
    "A line producer hired under the DGA agreement as unit production manager is paid as one, "
    "in 2000 Production Staff.",
)
_ABOVE_WINS = OccupationRule(
    "ATL",
    "Two jobs above the line stay above it, whichever guild the deal names first; the writing, "
    "producing, directing or principal performing part decides.",
)

# By normalised name (see normalise_occupation). Only occupations whose line differs from what
# their guild or title suggests are here; for all others the coded account speaks.
OCCUPATIONS: dict[str, OccupationRule] = {
    "unit production manager": _DGA_STAFF,
    "production manager": _DGA_STAFF,
    "assistant unit production manager": _DGA_STAFF,
    "first assistant director": _DGA_STAFF,
    "key first assistant director": _DGA_STAFF,
    "second assistant director": _DGA_STAFF,
    "key second assistant director": _DGA_STAFF,
    "second second assistant director": _DGA_STAFF,
    "third assistant director": _DGA_STAFF,
    "additional second assistant director": _DGA_STAFF,
    "additional assistant director": _DGA_STAFF,
    "assistant director": _DGA_STAFF,
    "assistant director trainee": _DGA_STAFF,
    "stage manager": _DGA_STAGE,
    "first stage manager": _DGA_STAGE,
    "second stage manager": _DGA_STAGE,
    "associate director": _DGA_STAGE,
    "background": _SAG_BACKGROUND,
    "background actor": _SAG_BACKGROUND,
    "background artist": _SAG_BACKGROUND,
    "background performer": _SAG_BACKGROUND,
    "special ability background": _SAG_BACKGROUND,
    "special ability extra": _SAG_BACKGROUND,
    "extra": _SAG_BACKGROUND,
    "extras": _SAG_BACKGROUND,
    "photo double": _SAG_BACKGROUND,
    "stand in": _SAG_BACKGROUND,
    "standin": _SAG_BACKGROUND,
    "director of photography": _CAMERA,
    "cinematographer": _CAMERA,
    "art director": _ART,
    "assistant art director": _ART,
}

# Hybrid roles in order of precedence: the first pair whose two jobs are both held decides.
# Job order and the joining mark do not matter: "writer-producer" is "producer/writer".
HYBRIDS: tuple[tuple[frozenset[str], OccupationRule], ...] = (
    (frozenset({"director of photography", "camera operator"}), _CAMERA),
    (frozenset({"director of photography", "operator"}), _CAMERA),
    (frozenset({"line producer", "unit production manager"}), _LINE_PRODUCER_UPM),
    (frozenset({"unit production manager", "first assistant director"}), _DGA_STAFF),
    (frozenset({"writer", "executive producer"}), _ABOVE_WINS),
    (frozenset({"writer", "producer"}), _ABOVE_WINS),
    (frozenset({"writer", "director"}), _ABOVE_WINS),
    (frozenset({"director", "executive producer"}), _ABOVE_WINS),
    (frozenset({"director", "producer"}), _ABOVE_WINS),
    (frozenset({"actor", "director"}), _ABOVE_WINS),
    (frozenset({"actor", "producer"}), _ABOVE_WINS),
    (frozenset({"actor", "executive producer"}), _ABOVE_WINS),
    (frozenset({"actor", "writer"}), _ABOVE_WINS),
)

# Locals named without their international, as crew write them on start paperwork. Local 728 is
# left out: lighting in Los Angeles (IATSE), drivers in Georgia (Teamsters).
_TEAMSTERS_LOCALS = frozenset({"155", "391", "399", "727", "817"})
_IATSE_NUMBERS = """
33 44 52 80 161 476 477 479 480 481 484 487 488 491 492 600 665 667 669 695 700 705 706 720 729
764 798 800 829 839 871 873 884 891 892
"""
_IATSE_LOCALS = frozenset(_IATSE_NUMBERS.split())
_GUILD_NAMES = {
    "SAG-AFTRA": (
        "sag aftra sagaftra screenactorsguild screenactorsguildaftra aftrasag "
        "screenactorsguildamericanfederationoftelevisionandradioartists"
    ),
    "DGA": "dga directorsguild directorsguildofamerica",
    "WGA": (
        "wga wgaw wgae wgawest wgaeast writersguild writersguildofamerica "
        "writersguildofamericawest writersguildofamericaeast"
    ),
    "IATSE": "iatse ia iatselocal",
    "Teamsters": "teamsters teamster ibt ibtlocal teamsterslocal",
    NON_UNION: "nonunion nu none na nonaffiliated nonaffiliate",
}
_GUILDS = {key: guild for guild, keys in _GUILD_NAMES.items() for key in keys.split()}
_LOCAL = re.compile(
    r"(?P<union>iatse|ia|teamsters?|ibt|international brotherhood of teamsters)?"
    r"\s*(?:local|loc|l)?\s*(?:no)?\s*(?P<number>[0-9]{1,4})",
    re.ASCII,
)
_WORDS = re.compile(r"[a-z0-9]+", re.ASCII)
_JOINTS = re.compile(r"\s*(?:/|&|\+|-|,|\band\b)\s*", re.IGNORECASE)
_PLACES = frozenset({"studio", "distant", "location"})
_GUILD_WORDS = frozenset({"sag", "aftra", "dga", "union", "nonunion", "non"})
_SHORT = {
    "1st": "first",
    "2nd": "second",
    "3rd": "third",
    "22nd": "second second",
    "1ad": "first assistant director",
    "2ad": "second assistant director",
    "asst": "assistant",
    "dir": "director",
    "mgr": "manager",
    "upm": "unit production manager",
    "ad": "assistant director",
    "dp": "director of photography",
    "dop": "director of photography",
    "bg": "background",
    "ep": "executive producer",
    "actress": "actor",
    "screenwriter": "writer",
}


def classify(
    *,
    occupation: str = "",
    account_line: str = "",
    guild: str = "",
    contract_line: str = "",
    department: str = "",
    department_lines: Mapping[str, str],
) -> Classification:
    """The line of a cost by the settled precedence; every argument is as the row has it."""
    verdicts: list[tuple[str, str]] = []
    named, occupational = occupation_rule(occupation)
    if occupational:
        verdicts.append((f"occupation:{named}", occupational.line))
    if account_line:
        verdicts.append(("account", _known_line(account_line)))
    guild = normalise_guild(guild)
    if guild in ATL_GUILDS:
        verdicts.append((f"guild:{guild}", "ATL"))
    if contract_line:
        verdicts.append(("contract", _known_line(contract_line)))
    if department in department_lines:
        verdicts.append((f"department:{department}", _known_line(department_lines[department])))
    if not verdicts:
        return Classification("BTL", "default")
    rule, line = verdicts[0]
    disagrees = next((name for name, says in verdicts[1:] if side(says) != side(line)), "")
    if occupational and account_line and side(account_line) == side(line):
        line = account_line  # the occupation settles the side; the coded tier on it stands
    return Classification(line, rule, disagrees)


def side(line: str) -> str:
    """ATL, or BTL for everything else: post, other, contingency and bond are below the line."""
    return "ATL" if line == "ATL" else "BTL"


@lru_cache(maxsize=4096)
def occupation_rule(occupation: str) -> tuple[str, OccupationRule | None]:
    """The occupation's normalised name, and its own rule if it has one."""
    name = normalise_occupation(occupation)
    if rule := OCCUPATIONS.get(name):
        return name, rule
    jobs = {normalise_occupation(job) for job in _JOINTS.split(occupation)} - {""}
    for pair, rule in HYBRIDS:
        if pair <= jobs:
            return " and ".join(sorted(pair)), rule
    # A title that only a place or a comma sets apart: "First Assistant Director, 2nd unit".
    first = normalise_occupation(occupation.partition(",")[0])
    return (first, OCCUPATIONS[first]) if first in OCCUPATIONS else (name, None)


def normalise_occupation(occupation: str) -> str:
    """Lower case, abbreviations written out, marks, guild and place dropped."""
    words = _WORDS.findall(occupation.casefold().replace(".", ""))
    words = [_SHORT.get(word, word) for word in words]
    while len(words) > 1 and words[-1] in _PLACES:
        words.pop()
    while len(words) > 1 and words[0] in _GUILD_WORDS:
        del words[0]
    return " ".join(words)


@lru_cache(maxsize=4096)
def normalise_guild(guild: str) -> str:
    """The house spelling: SAG-AFTRA, DGA, WGA, IATSE 600, Teamsters 399, non-union.

    A name nobody knows comes back as written, without outer spaces: unknown agreements are
    an exception for a person, never a guess.
    """
    words = _WORDS.findall(guild.casefold().replace(".", ""))
    if known := _GUILDS.get("".join(words)):
        return known
    if match := _LOCAL.fullmatch(" ".join(words)):
        return _with_local(match["union"] or "", match["number"]) or guild.strip()
    return guild.strip()


def is_known_guild(guild: str) -> bool:
    """Whether a normalised guild is one of the house spellings."""
    union, _, local = guild.partition(" ")
    return guild in _GUILD_NAMES or (union in ("IATSE", "Teamsters") and local.isdecimal())


def _with_local(union: str, number: str) -> str:
    number = number.lstrip("0")
    if union.startswith("ia"):
        return f"IATSE {number}"
    if union:
        return f"Teamsters {number}"
    if number in _TEAMSTERS_LOCALS:
        return f"Teamsters {number}"
    return f"IATSE {number}" if number in _IATSE_LOCALS else ""


def _known_line(line: str) -> str:
    if line not in LINES:
        raise ValueError(f"{line!r} is not a line; it is one of {', '.join(LINES)}.")
    return line
