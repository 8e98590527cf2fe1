"""What counts as a claim, what does not, and how hard a text is to read."""

import pytest

from app.rule_sets.checks import CHECKS, check_written
from app.rule_sets.checks.draft import Draft
from app.rule_sets.checks.readability import count_words, reading_grade
from app.rule_sets.checks.texts import texts_of
from app.rule_sets.checks.wording import CLAIMS, GRADE_MOST, GRADE_OF_ALL_MOST, WORDS_LEAST, claims_in
from app.scoring.rule_set import RuleSetDocument
from tests.faulty.rule_set import entry, shipped
from tests.unit.requests import document


def claims(text: str) -> list[str]:
    return [claim for claim, _ in claims_in(text)]


CASES = [
    ("This diagnoses a torn meniscus.", "diagnosing"),
    ("The score is a diagnosis.", "diagnosing"),
    ("You have a stress fracture.", "diagnosing"),
    ("Hip exercise treats knee pain.", "treating"),
    ("A good therapy for backs.", "treating"),
    ("Running cures a bad back.", "curing"),
    ("It heals.", "curing"),
    ("Strong hips PREVENT injury.", "preventing"),
    ("Prevention of injuries is easy.", "preventing"),
    ("A shield against injury.", "preventing"),
    ("It protects your knee.", "preventing"),
    ("You are medically cleared to run.", "clearing"),
    ("It is safe to run.", "clearing"),
    ("Run safely with a score of 30.", "clearing"),
    ("You are fit to run.", "clearing"),
    ("We guarantee it.", "guaranteeing"),
    ("There is no risk.", "guaranteeing"),
    ("Stay injury-free.", "preventing"),
    ("You will get hurt.", "foretelling"),
    ("Your risk is high.", "foretelling"),
    ("You face a 20 % chance.", "foretelling"),
    ("Sleep lowers the risk.", "lowering risk"),
    ("It reduces your knee injuries.", "lowering risk"),
    ("Use this instead of a doctor.", "replacing care"),
    ("An FDA-approved score.", "approval"),
    ("Clinically proven.", "approval"),
]


@pytest.mark.parametrize(("text", "claim"), CASES)
def test_a_claim_is_noticed(text: str, claim: str) -> None:
    assert claim in claims(text)


@pytest.mark.parametrize(
    "text",
    [
        "This is not a diagnosis.",
        "It does not diagnose, treat or cure anything.",
        "Nobody has shown that it prevents injury.",
        "No trial found that shoes prevent injuries.",
        "It isn’t a treatment.",
        "Comfort has not been tested as a shield against injury.",
        "Does running prevent back pain?",
        "See a doctor for a look at 3.5 km/h.",
        "Protect at least seven hours of sleep a night.",
        "A secure shoe and a curious mind.",
    ],
)
def test_what_is_denied_asked_or_only_sounds_alike_is_no_claim(text: str) -> None:
    assert claims(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "It is not hard, and it prevents injury.",
        "It is not hard. It prevents injury.",
        "Not only does it feel good: it prevents injury.",
        "There is no doubt that it prevents injury.",
        "Not everybody knows this, but it prevents injury.",
        "It prevents injury and has no side effects.",
        "Never mind the weather when you go out for a long and easy run that prevents injury.",
    ],
)
def test_a_denial_elsewhere_does_not_excuse_a_claim(text: str) -> None:
    assert claims(text) == ["preventing"]


def test_a_claim_that_is_made_twice_in_a_text_is_told_once() -> None:
    written = shipped()
    entry(written, "advice", "back_walk")["text"] = "It heals. " * 3
    found = list(CHECKS["wording"].findings(Draft(RuleSetDocument.model_validate(written))))

    assert [each.code for each in found] == ["claim"]


def test_every_text_of_the_document_is_looked_at() -> None:
    written = shipped()
    paths = [said.path for said in texts_of(RuleSetDocument.model_validate(written)) if said.language == "en"]

    assert len(paths) == len(set(paths)) > 250
    for catalogue in ("factors", "advice", "flags", "benefits"):
        for number, part in enumerate(written[catalogue]):
            fields = {"title", "text", "action", "question", "limits"} & part.keys()
            assert {f"/{catalogue}/{number}/{field}" for field in fields} <= set(paths)


# Grades by the formula itself: 0.39 words a sentence + 11.8 syllables a word - 15.59.
@pytest.mark.parametrize(
    ("text", "words", "grade"),
    [
        ("", 0, 0),
        ("Run.", 1, 0),
        ("The cat sat on the mat.", 6, 0.39 * 6 + 11.8 * 1 - 15.59),
        ("Runners rest on Sunday. They sleep.", 6, 0.39 * 3 + 11.8 * 8 / 6 - 15.59),
        ("Physiotherapists recommend moderation.", 3, 0.39 * 3 + 11.8 * 12 / 3 - 15.59),
        ("In 5205 runners, 0.61 times as many.", 7, 0.39 * 7 + 11.8 * 9 / 7 - 15.59),
    ],
)
def test_the_grade_is_that_of_the_formula(text: str, words: int, grade: float) -> None:
    assert count_words(text) == words
    assert reading_grade(text) == pytest.approx(max(grade, 0))


def test_the_published_texts_keep_a_margin_to_what_is_too_hard() -> None:
    said = [each.text for each in texts_of(document()) if each.reader == "runner"]
    long = [text for text in said if count_words(text) >= WORDS_LEAST]

    assert len(long) > 150
    assert max(map(reading_grade, long)) <= GRADE_MOST - 1.5
    assert reading_grade(" ".join(said)) <= GRADE_OF_ALL_MOST - 3


def test_a_text_that_is_missing_stops_no_other_check() -> None:
    written = shipped()
    entry(written, "flags", "under_18")["text"] = {"de": "Zu jung."}
    written["texts"]["finding_first_year"] = {"de": "Das erste Jahr."}

    assert {each.code for each in check_written(written)} == {"missing-language", "language-unchecked"}


def test_every_kind_of_claim_has_a_case() -> None:
    assert {claim for _, claim in CASES} == set(CLAIMS)
