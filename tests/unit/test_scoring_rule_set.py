"""What one part of a rule-set document alone can show to be wrong is refused by its model."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from app.scoring.rule_set import Band, Condition, Conversion, Effect, Factor, Flag, RuleSetDocument
from tests.unit.requests import Json, document

EFFECT: Json = {"ratio": 2, "low": 1.5, "high": 3, "register_row": "made_up"}
FLAG: Json = {
    "id": "dizzy", "joint": "knee", "effect": "note", "urgency": None, "text": "Dizzy.", "action": "Rest.",
    "basis": "source",
}  # fmt: skip


@pytest.mark.parametrize(
    ("model", "given", "told"),
    [
        (Effect, {**EFFECT, "low": 2.1}, "the interval does not hold the ratio"),
        (Effect, {**EFFECT, "high": 1.9}, "the interval does not hold the ratio"),
        (Effect, {**EFFECT, "ratio": 0}, "greater than 0"),
        (Effect, {**EFFECT, "ratio": float("nan")}, "finite number"),
        (Effect, {**EFFECT, "power": 25}, "less than or equal to 24"),
        (Effect, {**EFFECT, "weights": {"foot": 1}}, "'knee' or 'lower_back'"),
        (Band, {"share": 1, "from": 0, "above": 1}, "'from' or 'above', not both"),
        (Band, {"share": 1}, "needs 'from', 'above' or 'is'"),
        (Band, {"share": 1, "reference": True}, "needs 'from', 'above' or 'is'"),
        (Band, {"share": 0.5, "from": 0, "reference": True, **EFFECT}, "the reference band carries no ratio"),
        (Band, {"share": 1.1, "from": 0}, "less than or equal to 1"),
        (Band, {"share": -0.1, "from": 0}, "greater than or equal to 0"),
        (Band, {"share": 1, "is": []}, "at least 1 item"),
        (Band, {"share": 1, "from": 0, "until": 3}, "Extra inputs"),
        (Band, {"share": 1, "from": 0, "ratio": 2, "low": 1, "high": 3}, "register_row"),
        (Band, {"share": 1, "from": 0, "effects": 5, **EFFECT}, "valid list"),
        (Band, 5, "valid dictionary"),
        (Conversion, {"measure": "OR", "estimate": 2, "baseline_share": 1}, "less than 1"),
        (Condition, {}, "exactly one of"),
        (Condition, {"factor": "spike", "in": "raised", "flag": "dizzy"}, "exactly one of"),
        (Condition, {"factor": "spike"}, "'factor' goes with 'in'"),
        (Condition, {"flag": "dizzy", "in": "raised"}, "'factor' goes with 'in'"),
        (Condition, {"feature": "sleep_hours"}, "goes with a range or with 'is'"),
        (Condition, {"flag": "dizzy", "from": 1}, "goes with a range or with 'is'"),
        (Condition, {"flag": "dizzy", "is": "yes"}, "goes with a range or with 'is'"),
        (Condition, {"all": [{"flag": "dizzy"}]}, "at least 2 items"),
        (Condition, {"factor": "spike", "in": []}, "at least 1 item"),
        (Flag, FLAG, "either a 'question' or a 'when'"),
        (Flag, {**FLAG, "question": "Dizzy?", "when": [{"flag": "other"}]}, "either a 'question' or a 'when'"),
        (Flag, {**FLAG, "question": "Dizzy?", "effect": "suspend"}, "a flag that suspends has an urgency"),
        (Flag, {**FLAG, "question": ""}, "at least 1 character"),
        (Flag, {**FLAG, "question": {}}, "at least 1 item"),
    ],
)
def test_a_part_that_cannot_be_is_refused(model: Any, given: Any, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        model.model_validate(given)


@pytest.mark.parametrize(
    ("model", "given"),
    [
        (Effect, {**EFFECT, "low": 2, "high": 2}),
        (Band, {"share": 0, "from": 0, "is": "never"}),
        (Condition, {"feature": "sleep_hours", "from": 0, "below": 3}),
        (Flag, {**FLAG, "question": "Dizzy?"}),
        (Flag, {**FLAG, "when": [{"flag": "other"}]}),
        (Flag, {**FLAG, "question": "Dizzy?", "effect": "suspend", "urgency": "routine"}),
        (Flag, {**FLAG, "question": "Dizzy?", "effect": "not_assess"}),
    ],
)
def test_a_part_at_the_very_edge_is_taken(model: Any, given: Json) -> None:
    assert model.model_validate(given)


def test_a_number_is_the_decimal_that_was_written() -> None:
    effect = Effect.model_validate({**EFFECT, "ratio": 1.1, "low": 0.1, "high": "2.30"})
    assert (effect.ratio, effect.low, effect.high) == (Decimal("1.1"), Decimal("0.1"), Decimal("2.30"))


def test_a_band_may_hold_one_effect_in_short_beside_listed_ones() -> None:
    band = Band.model_validate({"share": 1, "above": 2, "effects": [EFFECT], **EFFECT, "ratio": 1.6})
    assert [effect.ratio for effect in band.effects] == [2, Decimal("1.6")]


def test_a_text_without_language_is_english_and_one_choice_is_a_list() -> None:
    flag = Flag.model_validate({**FLAG, "question": {"de": "Schwindel?"}})
    assert flag.text == {"en": "Dizzy."}
    assert flag.question == {"de": "Schwindel?"}
    assert Condition.model_validate({"feature": "warm_up", "is": "never"}).is_ == ["never"]


def test_a_factor_may_read_another_feature_and_other_bands_at_one_joint() -> None:
    pain: Factor = next(factor for factor in document().factors if factor.id == "current_complaint")
    assert (pain.feature_of("knee"), pain.feature_of("lower_back")) == ("knee_pain_now", "lower_back_pain_now")
    assert pain.bands_of("knee") != pain.bands_of("lower_back")
    assert pain.bands_of("knee") is pain.bands


def test_a_document_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        document().factors[0].id = "other"  # type: ignore[misc] # the refusal is what is tested
    with pytest.raises(ValidationError, match="Extra inputs"):
        RuleSetDocument.model_validate({**document().model_dump(by_alias=True), "version": "2026.1"})
