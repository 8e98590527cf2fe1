"""Every number of rule set 2026.1 stands in the evidence register, and none rests on memory."""

import csv
import math
import re
from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from statistics import NormalDist
from typing import NamedTuple

import pytest

from app.rule_sets.documents import published_document
from app.scoring.rule_set import Band, Conversion, Effect, Factor, Rate, RuleSetDocument

REGISTER = Path(__file__).parents[2] / "docs" / "evidence" / "register.csv"
COLUMNS = (
    "id,topic,measure,estimate,low,high,interval_note,n,design,population,outcome,citation,doi,pmid,verification,"
    "strength,used_as,note"
)
VERIFICATIONS = {"verified", "verified_secondary", "verified_direction", "computed", "memory"}
STRENGTHS = {"high", "moderate", "low", "very_low"}

RULES = RuleSetDocument.model_validate(published_document("2026.1"))

Row = dict[str, str]


def read_rows() -> list[Row]:
    with REGISTER.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


ROWS = read_rows()
REGISTERED = {row["id"]: row for row in ROWS}


class Placed(NamedTuple):
    """One effect of the rule set, and where it stands."""

    factor: Factor
    effect: Effect

    def __str__(self) -> str:
        return f"{self.factor.id}-{self.effect.register_row}"


def bands_of(factor: Factor) -> Iterator[Band]:
    yield from factor.bands
    for at_joint in factor.joints.values():
        yield from at_joint.bands or ()


EFFECTS = [Placed(factor, effect) for factor in RULES.factors for band in bands_of(factor) for effect in band.effects]
CONVERSIONS = [(placed, placed.effect.converted_from) for placed in EFFECTS if placed.effect.converted_from is not None]


def decimal_in(row: Row, column: str) -> Decimal | None:
    return Decimal(row[column]) if row[column] else None


def rows_named_in(note: str) -> list[Row]:
    """The rows that a note names, in their order there."""
    words = re.findall(r"[a-z][a-z0-9_]+", note)
    return [REGISTERED[word] for word in dict.fromkeys(words) if word in REGISTERED]


def rounded_as(number: float, like: Decimal) -> Decimal:
    return Decimal(repr(number)).quantize(like, rounding=ROUND_HALF_UP)


def names_in_rules() -> Iterator[tuple[str, str]]:
    """Every register row that the rules name, with what names it."""
    for placed in EFFECTS:
        yield placed.effect.register_row, f"factor:{placed.factor.id}"
    for advice in RULES.advice:
        yield from ((row, f"advice:{advice.id}") for row in advice.register_rows)
    for benefit in RULES.benefits:
        yield from ((row, f"benefit:{benefit.id}") for row in benefit.register_rows)
    yield from ((row, "rates") for row in RULES.rates.register_rows)


# The register itself ----------------------------------------------------------------------------------------------


def test_rows_are_whole_and_have_ids_of_their_own() -> None:
    assert [list(row) for row in ROWS if ",".join(row) != COLUMNS] == []
    assert len(REGISTERED) == len(ROWS)
    assert {row["verification"] for row in ROWS} <= VERIFICATIONS
    assert {row["strength"] for row in ROWS} <= STRENGTHS
    required = ("id", "topic", "measure", "interval_note", "design", "population", "outcome", "citation", "used_as")
    assert [(row["id"], column) for row in ROWS for column in required if not row[column].strip()] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_an_interval_is_whole_and_holds_its_estimate(row: Row) -> None:
    estimate, low, high = (decimal_in(row, column) for column in ("estimate", "low", "high"))

    if low is None or high is None:
        assert (low, high) == (None, None)
        assert "printed, 95 %" not in row["interval_note"]
    else:
        assert estimate is not None
        assert low <= estimate <= high


def test_only_the_direction_was_read_where_there_is_no_number() -> None:
    assert [row["id"] for row in ROWS if row["verification"] == "verified_direction" and row["estimate"]] == []


def test_the_register_says_what_leans_on_each_row() -> None:
    used: dict[str, list[str]] = {}
    for row, user in names_in_rules():
        if user not in used.setdefault(row, []):
            used[row].append(user)
    told = {
        row["id"]: [user for user in row["used_as"].split("; ") if not user.startswith("row:") and user != "not used"]
        for row in ROWS
    }

    assert {row: users for row, users in told.items() if users} == used


def test_a_row_that_another_is_worked_out_from_says_so_and_is_named_there() -> None:
    worked_out = [(row, user[4:]) for row in ROWS for user in row["used_as"].split("; ") if user.startswith("row:")]

    assert worked_out
    for row, user in worked_out:
        assert REGISTERED[user]["verification"] == "computed"
        named = rows_named_in(REGISTERED[user]["note"])
        assert row in named or row["topic"] == "rates", f"{user} does not name {row['id']}"


def test_one_work_has_one_citation_and_one_identifier() -> None:
    identifiers: dict[str, set[tuple[str, str]]] = {}
    for row in ROWS:
        identifiers.setdefault(row["citation"], set()).add((row["doi"], row["pmid"]))

    assert {citation: found for citation, found in identifiers.items() if len(found) > 1} == {}


# From the rules to the register -----------------------------------------------------------------------------------


def test_every_row_that_the_rules_name_exists() -> None:
    assert {(row, user) for row, user in names_in_rules() if row not in REGISTERED} == set()


def test_nothing_in_the_rules_rests_on_memory() -> None:
    remembered = {id for id, row in REGISTERED.items() if row["verification"] == "memory"}

    assert remembered, "the register keeps what was only remembered, so that nobody takes it for read"
    assert {(row, user) for row, user in names_in_rules() if row in remembered} == set()


@pytest.mark.parametrize("placed", EFFECTS, ids=str)
def test_a_ratio_and_its_interval_are_those_of_its_row(placed: Placed) -> None:
    effect = placed.effect
    row = REGISTERED[effect.register_row]

    assert row["verification"] in {"verified", "computed"}
    assert effect.ratio == decimal_in(row, "estimate")
    if effect.interval == "assumed":
        assert (decimal_in(row, "low"), decimal_in(row, "high")) == (None, None), "an interval was printed: use it"
        assert effect.low == effect.ratio / 2
        assert effect.high == effect.ratio * 2
    else:
        assert (effect.low, effect.high) == (decimal_in(row, "low"), decimal_in(row, "high"))


@pytest.mark.parametrize("placed", EFFECTS, ids=str)
def test_an_interval_is_called_what_it_is(placed: Placed) -> None:
    row = REGISTERED[placed.effect.register_row]

    assert (placed.effect.interval == "derived") == (row["interval_note"] == "derived")
    assert (placed.effect.interval == "derived") == (row["verification"] == "computed")
    assert (placed.effect.interval == "printed") == row["interval_note"].startswith("printed")


@pytest.mark.parametrize("placed", EFFECTS, ids=str)
def test_the_work_behind_a_ratio_is_among_the_sources_of_its_factor(placed: Placed) -> None:
    row = REGISTERED[placed.effect.register_row]
    citations = {without_reason(RULES.sources[id].citation) for id in placed.factor.evidence.sources}

    assert row["citation"] in citations


def test_where_half_and_double_stand_in_the_limits_say_so() -> None:
    assumed = {placed.factor.id: placed.factor for placed in EFFECTS if placed.effect.interval == "assumed"}

    assert set(assumed) == {"previous_knee_problem", "current_complaint"}
    assert all("half and double were used" in factor.limits["en"] for factor in assumed.values())


def test_a_ratio_per_unit_counts_whole_units() -> None:
    (other_sport,) = (factor for factor in RULES.factors if factor.id == "other_sport")
    powers = {str(band.from_): [effect.power for effect in band.effects] for band in other_sport.bands}

    assert powers == {"0": [], "1": [1], "2": [2], "3": [3]}
    assert {placed.factor.id for placed in EFFECTS if placed.effect.power != 1} == {"other_sport"}


# What was worked out, worked out again ----------------------------------------------------------------------------


@pytest.mark.parametrize(("placed", "converted"), CONVERSIONS, ids=lambda given: str(given)[:60])
def test_a_converted_odds_ratio_is_shown_with_what_was_printed(placed: Placed, converted: Conversion) -> None:
    own = REGISTERED[placed.effect.register_row]
    printed, *_ = (row for row in rows_named_in(own["note"]) if row is not own)

    assert converted.measure == printed["measure"] == "OR"
    assert [converted.estimate, converted.low, converted.high] == [
        decimal_in(printed, column) for column in ("estimate", "low", "high")
    ]


@pytest.mark.parametrize(("placed", "converted"), CONVERSIONS, ids=lambda given: str(given)[:60])
def test_a_converted_odds_ratio_is_what_the_formula_gives(placed: Placed, converted: Conversion) -> None:
    share = converted.baseline_share
    effect = placed.effect

    assert share is not None
    odds_ratios = (converted.estimate, converted.low, converted.high)
    for odds_ratio, ratio in zip(odds_ratios, (effect.ratio, effect.low, effect.high), strict=True):
        assert odds_ratio is not None
        assert round(odds_ratio / (1 - share + share * odds_ratio), 2) == ratio


@pytest.mark.parametrize("id", ["session_spike_10_100_pooled", "prev_rri_pooled"])
def test_a_pooled_ratio_is_the_inverse_variance_mean_of_its_rows(id: str) -> None:
    pooled = REGISTERED[id]
    parts = [row for row in rows_named_in(pooled["note"]) if f"row:{id}" in row["used_as"].split("; ")]
    weights, logs = [], []
    for row in parts:
        estimate, low, high = (float(row[column]) for column in ("estimate", "low", "high"))
        logs.append(math.log(estimate))
        weights.append((math.log(high / low) / 3.92) ** -2)
    mean = sum(weight * log for weight, log in zip(weights, logs, strict=True)) / sum(weights)
    half = 1.96 * sum(weights) ** -0.5

    assert len(parts) >= 2
    for column, number in (("estimate", mean), ("low", mean - half), ("high", mean + half)):
        assert rounded_as(math.exp(number), Decimal("0.01")) == Decimal(pooled[column])


@pytest.mark.parametrize(("id", "p"), [("lbp_marathoners_posture", 0.041), ("lbp_marathoners_warm_up", 0.012)])
def test_an_interval_worked_out_from_a_p_value_is_what_the_p_value_gives(id: str, p: float) -> None:
    row = REGISTERED[id]
    log = math.log(float(row["estimate"]))
    standard_error = log / NormalDist().inv_cdf(1 - p / 2)

    assert f"p = {str(p)[1:]}" in row["note"]
    assert rounded_as(math.exp(log - 1.96 * standard_error), Decimal("0.01")) == Decimal(row["low"])
    assert rounded_as(math.exp(log + 1.96 * standard_error), Decimal("0.01")) == Decimal(row["high"])


@pytest.mark.parametrize(
    ("id", "exposed", "others"),
    [
        ("lbp_marathoners_strength", (13, 141), (23, 659)),
        ("lbp_marathoners_full", (21, 335), (15, 465)),
        ("lbp_marathoners_previous_injury", (3, 52), (33, 748)),
    ],
)
def test_a_crude_odds_ratio_is_what_the_counts_give(id: str, exposed: tuple[int, int], others: tuple[int, int]) -> None:
    row = REGISTERED[id]
    cells = (exposed[0], exposed[1] - exposed[0], others[0], others[1] - others[0])
    log = math.log(cells[0] * cells[3] / (cells[1] * cells[2]))
    half = 1.96 * math.sqrt(sum(1 / cell for cell in cells))

    for column, number in (("estimate", log), ("low", log - half), ("high", log + half)):
        assert rounded_as(math.exp(number), Decimal("0.01")) == Decimal(row[column])


# Rates and shares -------------------------------------------------------------------------------------------------

RATES = [
    ("rate_knee_first_year", RULES.rates.first_year.joints["knee"]),
    ("rate_knee_experienced", RULES.rates.experienced.joints["knee"]),
    ("rate_back_first_year", RULES.rates.first_year.joints["lower_back"]),
    ("rate_back_experienced", RULES.rates.experienced.joints["lower_back"]),
]


@pytest.mark.parametrize(("id", "rate"), RATES, ids=lambda given: given if isinstance(given, str) else "")
def test_a_rate_is_that_of_its_row(id: str, rate: Rate) -> None:
    row = REGISTERED[id]

    assert id in RULES.rates.register_rows
    assert [rate.average, rate.low, rate.high] == [decimal_in(row, column) for column in ("estimate", "low", "high")]


@pytest.mark.parametrize(
    ("id", "overall", "share"),
    [
        ("rate_knee_first_year", "rate_novice", "share_knee"),
        ("rate_knee_experienced", "rate_recreational", "share_knee"),
        ("rate_back_first_year", "rate_novice", "share_back"),
        ("rate_back_experienced", "rate_recreational", "share_back"),
    ],
)
def test_an_average_rate_is_the_overall_rate_times_the_share_of_the_joint(id: str, overall: str, share: str) -> None:
    product = Decimal(REGISTERED[overall]["estimate"]) * Decimal(REGISTERED[share]["estimate"])

    assert product.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP) == Decimal(REGISTERED[id]["estimate"])


@pytest.mark.parametrize(
    ("factor_id", "row_id"),
    [
        ("core_strength", "survey_share_strength"),
        ("posture", "survey_share_posture"),
        ("warm_up", "survey_share_warm_up"),
    ],
)
def test_a_share_that_is_not_assumed_is_that_of_its_row(factor_id: str, row_id: str) -> None:
    (factor,) = (factor for factor in RULES.factors if factor.id == factor_id)

    assert [band.share for band in factor.bands if not band.reference] == [decimal_in(REGISTERED[row_id], "estimate")]
    assert {factor.id for factor in RULES.factors if factor.shares_from not in {"assumed", "not scored"}} == {
        "core_strength",
        "posture",
        "warm_up",
    }


# Sources ----------------------------------------------------------------------------------------------------------


def without_reason(citation: str) -> str:
    return re.sub(r" \[[^]]+\]$", "", citation)


def cited(parts: Iterable[list[str]]) -> set[str]:
    return {source for sources in parts for source in sources}


def test_every_source_that_is_cited_is_listed_and_every_listed_one_is_cited() -> None:
    by_factors = cited(factor.evidence.sources for factor in RULES.factors)
    by_others = cited(part.sources for parts in (RULES.advice, RULES.flags, RULES.benefits) for part in parts)

    assert by_factors | by_others | set(RULES.rates.sources) == set(RULES.sources)


@pytest.mark.parametrize("id", RULES.sources)
def test_a_source_has_an_identifier_or_says_why_not(id: str) -> None:
    source = RULES.sources[id]

    assert bool(source.doi or source.pmid) != bool(re.search(r" \[no DOI: [^]]+\]$", source.citation))


def test_sources_and_register_agree_on_identifiers() -> None:
    told = {without_reason(source.citation): (source.doi or "", source.pmid or "") for source in RULES.sources.values()}

    assert [
        row["id"] for row in ROWS if row["citation"] in told and told[row["citation"]] != (row["doi"], row["pmid"])
    ] == []
