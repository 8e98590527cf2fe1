"""The twins of the features of the profile; what each means is said in `body.py`."""

from typing import Literal

import numpy as np

from app.features.body import LIGHT_FEMALE_G, LIGHT_MALE_G, SURGERY_MONTHS
from app.features.log_columns import ColumnFacts
from app.features.reading_columns import (
    BETWEEN,
    CHOICE,
    NUMBER,
    UNBOUNDED,
    UNKNOWN,
    DeriveColumn,
    RatioColumn,
    ReadingColumn,
    kinds,
)
from app.runners.told_columns import FieldColumn, Mask, Whole, profile_kinds

NO, YES = 0, 1
"""Places of the choices of a feature that answers no or yes."""


def told_choice(path: str, choices: tuple[str, ...]) -> DeriveColumn:
    """The twin of `body.told_choice`; `choices` are the feature's, in its own order."""
    place_of = np.array([choices.index(choice) for choice in profile_kinds()[path].choices], np.int64)

    def derive(facts: ColumnFacts) -> ReadingColumn:
        field = facts.field(path)
        return ReadingColumn(kinds(where=field.told, kind=CHOICE), choice=place_of[field.numbers])

    return derive


def told_number(path: str) -> DeriveColumn:
    """The twin of `body.told_number`."""
    denominator = 1 if profile_kinds()[path].sort == "whole" else 1000

    def derive(facts: ColumnFacts) -> ReadingColumn:
        field = facts.field(path)
        return ReadingColumn(kinds(where=field.told), RatioColumn(field.numbers, denominator))

    return derive


def told_yes_no(path: str) -> DeriveColumn:
    """The twin of `body.told_yes_no`."""

    def derive(facts: ColumnFacts) -> ReadingColumn:
        field = facts.field(path)
        return ReadingColumn(kinds(where=field.told, kind=CHOICE), choice=field.numbers)

    return derive


def _all_of(*parts: FieldColumn) -> ReadingColumn:
    """AND with unknowns: one no settles it, else one unknown leaves it open."""
    no: Mask = np.logical_or.reduce([part.told & (part.numbers == NO) for part in parts])
    open_: Mask = np.logical_or.reduce([~part.told for part in parts])
    kind = kinds(where=no | ~open_, kind=CHOICE)
    return ReadingColumn(kind, choice=np.where(no, NO, YES))


def _is(facts: ColumnFacts, path: str, wanted: str) -> FieldColumn:
    field = facts.field(path)
    return FieldColumn((field.numbers == profile_kinds()[path].choices.index(wanted)).astype(np.int64), field.told)


def _was(facts: ColumnFacts, path: str, wanted: str) -> Mask:
    """Whether a choice was told to be this one."""
    answer = _is(facts, path, wanted)
    was: Mask = np.logical_and(answer.told, answer.numbers == YES)
    return was


def months_since(part: Literal["knee", "other_injury"]) -> DeriveColumn:
    """The twin of `body.months_since_knee_problem` and of `body.months_since_other_injury`."""

    def derive(facts: ColumnFacts) -> ReadingColumn:
        months = facts.field(f"{part}.months_since")
        current = _was(facts, f"{part}.history", "current")
        kind = np.where(_was(facts, f"{part}.history", "recovered"), np.where(months.told, NUMBER, BETWEEN), UNKNOWN)
        kind = np.where(current, NUMBER, kind)
        kind = np.where(_was(facts, f"{part}.history", "never"), CHOICE, kind)
        number = np.where(current, 0, months.numbers)
        return ReadingColumn(kind, RatioColumn(number, 1), _endless(number), np.zeros(len(kind), np.int64))

    return derive


def _endless(like: Whole) -> RatioColumn:
    return RatioColumn(np.zeros(len(like), np.int64), np.full(len(like), UNBOUNDED))


def low_back_episodes(facts: ColumnFacts) -> ReadingColumn:
    """As `body.low_back_episodes`."""
    history, episodes = facts.field("lower_back.history"), facts.field("lower_back.episodes")
    never = _was(facts, "lower_back.history", "never")
    kind = np.where(history.told, np.where(never | episodes.told, NUMBER, BETWEEN), UNKNOWN)
    number = np.where(never, 0, np.maximum(episodes.numbers, 1))
    return ReadingColumn(kind, RatioColumn(number, 1), _endless(number))


def surgery_clearance(part: Literal["knee", "lower_back"]) -> DeriveColumn:
    """The twin of `body.surgery_clearance`."""
    none, cleared, uncleared = 0, 1, 2

    def derive(facts: ColumnFacts) -> ReadingColumn:
        months, word = facts.field(f"{part}.surgery_months_since"), facts.field(f"{part}.cleared_to_run")
        recent = ~months.told | (months.numbers < SURGERY_MONTHS)
        choice = np.where(recent & ~(word.told & (word.numbers == YES)), uncleared, cleared)
        choice = np.where(_was(facts, f"{part}.surgery", "none"), none, choice)
        return ReadingColumn(kinds(where=facts.field(f"{part}.surgery").told, kind=CHOICE), choice=choice)

    return derive


def body_mass_index(facts: ColumnFacts) -> ReadingColumn:
    """As `body.body_mass_index`."""
    height, mass = facts.field("height_m"), facts.field("mass_kg")
    return ReadingColumn(
        kinds(where=height.told & mass.told), RatioColumn(mass.numbers * 1000, np.maximum(height.numbers, 1) ** 2)
    )


def firm_shoe_light_runner(facts: ColumnFacts) -> ReadingColumn:
    """As `body.firm_shoe_light_runner`."""
    mass = facts.field("mass_kg")
    male, female = _was(facts, "sex", "male"), _was(facts, "sex", "female")
    light = mass.numbers < np.where(male, LIGHT_MALE_G, LIGHT_FEMALE_G)
    decides = male | female | light | (mass.numbers >= LIGHT_MALE_G)
    return _all_of(_is(facts, "shoes.cushioning", "firm"), FieldColumn(light.astype(np.int64), mass.told & decides))


def motion_control_pronated(facts: ColumnFacts) -> ReadingColumn:
    """As `body.motion_control_pronated`."""
    return _all_of(_is(facts, "foot_posture", "pronated"), _is(facts, "shoes.support", "motion_control"))


def supervised_hip_core(facts: ColumnFacts) -> ReadingColumn:
    """As `body.supervised_hip_core`."""
    sessions = facts.field("strength_training.sessions_per_week")
    trains = FieldColumn((sessions.numbers > 0).astype(np.int64), sessions.told)
    return _all_of(
        facts.field("strength_training.supervised"), _is(facts, "strength_training.focus", "hip_core"), trains
    )
