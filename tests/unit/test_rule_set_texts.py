"""What rule set 2026.1 says to runners: nothing that the evidence forbids, and everything that safety asks for."""

import re
from collections.abc import Iterator
from itertools import chain

import pytest

from app.features import FEATURES
from app.rule_sets.documents import check_document, published_document
from app.scoring.rule_set import Advice, Band, Condition, Flag, RuleSetDocument, Text

RULES = RuleSetDocument.model_validate(published_document("2026.1"))
FACTORS = {factor.id: factor for factor in RULES.factors}
ADVICE = {advice.id: advice for advice in RULES.advice}
FLAGS = {flag.id: flag for flag in RULES.flags}
BENEFITS = {benefit.id: benefit for benefit in RULES.benefits}

# Words that claim more than the sources allow, as whole words in any case.
FORBIDDEN = re.compile(
    r"\b(?:risk|limits?|safe(?:ly|r|st)?|predict\w*|clears?|clearance|prevent\w*|diagnos(?:e|es|ed|ing)"
    r"|treat(?:s|ed|ing|ment)?|cures?|heals?|guarantee\w*|years of life|more is better|longer life|live longer"
    r"|strengthens? the (?:spine|back|discs?)|wears? out|helps? (?:your )?joints?|sweet spot|danger zone|immune"
    r"|proves? that|protects? (?:your|the) (?:knee|back|joint))\b",
    re.IGNORECASE,
)
RED_FLAGS = {
    "emergency": """
        lb_ces_bladder_bowel lb_ces_saddle lb_ces_both_legs lb_ces_sexual lb_progressive_weakness lb_major_trauma
        lb_infection lb_chest_pain lb_aaa kn_hot_fever kn_cant_bear_weight kn_fast_swelling kn_deformed
        kn_no_straight_leg kn_cold_numb kn_calf_swollen_breathless gen_chest_syncope
    """,
    "prompt": """
        lb_leg_weakness lb_minor_trauma_osteoporosis lb_cancer lb_night_pain lb_lump lb_sacral_stress
        lb_one_leg_weakness kn_ottawa_age kn_ottawa_tender kn_ottawa_90 kn_locked kn_gives_way_after_injury
        kn_calf_swollen kn_night_weight kn_bone_stress gen_groin_impact gen_bone_stress
    """,
    "routine": """
        lb_new_pain_over_50 lb_new_pain_under_20 lb_inflammatory lb_not_better lb_one_leg_numbness kn_gives_way
        kn_inflamed kn_not_better
    """,
}
FROM_MEMORY = """
    lb_aaa lb_chest_pain lb_one_leg_numbness lb_one_leg_weakness kn_calf_swollen kn_calf_swollen_breathless
    kn_bone_stress gen_chest_syncope gen_groin_impact gen_bone_stress
"""
SORE_KNEE = ("strength_pfp", "load_education_pfp", "cadence_trial", "step_length_knee", "forward_lean")


def all_texts() -> Iterator[tuple[str, str]]:
    """Every sentence that a runner may read, with where it stands."""
    parts = chain(
        (("factors", part.id, part) for part in RULES.factors),
        (("advice", part.id, part) for part in RULES.advice),
        (("flags", part.id, part) for part in RULES.flags),
        (("benefits", part.id, part) for part in RULES.benefits),
    )
    for name, id, part in parts:
        for field in ("title", "text", "action", "question", "limits"):
            said: Text | None = getattr(part, field, None)
            if said is not None:
                yield from ((f"{name}-{id}-{field}-{language}", text) for language, text in said.items())
    for cut in RULES.levels.cuts:
        yield f"levels-{cut.id}", cut.headline["en"]
    for field in ("notice", "headline_not_assessed", "finding_first_year"):
        yield f"texts-{field}", getattr(RULES.texts, field)["en"]
    for factor in RULES.factors:
        yield from ((f"factors-{factor.id}-reason", at.reason) for at in factor.joints.values() if at.reason)


TEXTS = dict(all_texts())


def conditions_in(conditions: list[Condition]) -> Iterator[Condition]:
    for condition in conditions:
        yield condition
        yield from conditions_in(condition.all_ or [])


def silenced_by_flags(advice: Advice) -> set[str]:
    return {condition.flag for condition in conditions_in(advice.not_when) if condition.flag}


def asked_flags() -> dict[str, Flag]:
    return {id: flag for id, flag in FLAGS.items() if flag.question is not None}


def test_the_document_has_no_fault() -> None:
    assert check_document(published_document("2026.1")) == []


# Wording ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", TEXTS)
def test_no_sentence_claims_what_the_sources_do_not_allow(place: str) -> None:
    assert FORBIDDEN.findall(TEXTS[place]) == []


@pytest.mark.parametrize(
    "claim",
    ["It lowers Your Risk.", "a safe run", "Stay below the limit", "Stretching prevents injury", "It treats pain"],
)
def test_a_forbidden_claim_is_noticed(claim: str) -> None:
    assert FORBIDDEN.search(claim)


@pytest.mark.parametrize("place", TEXTS)
def test_sentences_are_short(place: str) -> None:
    sentences = re.split(r"(?<=[.!?:])\s+", TEXTS[place])

    assert max(len(re.findall(r"[\w.]+", sentence)) for sentence in sentences) <= 48


def test_the_notice_says_what_this_is_not() -> None:
    notice = RULES.texts.notice["en"]

    assert "not a diagnosis" in notice
    assert "see a doctor or a physiotherapist" in notice
    assert "Running is good for health, and it can overload knees and backs." in notice


def test_new_runners_are_told_how_new_runners_fare() -> None:
    assert "New runners as a group are hurt about twice as often per hour" in RULES.texts.finding_first_year["en"]


@pytest.mark.parametrize("level", [cut.id for cut in RULES.levels.cuts])
def test_a_headline_names_the_joint_and_whom_the_runner_is_compared_with(level: str) -> None:
    assert set(re.findall(r"\{\w+\}", TEXTS[f"levels-{level}"])) == {"{joint}", "{compared_with}"}


# Factors ----------------------------------------------------------------------------------------------------------


def test_levels_and_floor_are_those_of_the_design() -> None:
    assert [(cut.id, cut.from_) for cut in RULES.levels.cuts] == [
        ("low", 0),
        ("typical", 35),
        ("raised", 60),
        ("high", 80),
    ]
    assert str(RULES.levels.known_share_floor) == "0.1"


def test_contested_factors_say_so_in_their_limits() -> None:
    contested = {factor.id for factor in RULES.factors if factor.contested}
    self_rated = {factor.id for factor in RULES.factors if factor.group == "self_rated"}

    assert self_rated == {"core_strength", "posture", "warm_up"}
    assert contested == self_rated | {"weekly_progression_novice", "weekly_progression_unlogged"}
    assert all(FACTORS[id].limits["en"].startswith("Contested.") for id in self_rated)


def test_what_is_shown_without_weight_explains_why() -> None:
    weightless = {factor.id for factor in RULES.factors if all(at.weight == 0 for at in factor.joints.values())}

    assert weightless == {
        "acwr",
        "week_to_week",
        "weekly_distance",
        "weekly_duration",
        "running_days",
        "days_since_run",
    }
    assert all(FACTORS[id].limits["en"].startswith("Shown, and weighs nothing.") for id in weightless)


def test_age_sex_and_form_are_no_factors() -> None:
    unscored = {"age_years", "sex", "shoe_distance_m", "foot_posture", "plank_seconds", "body_mass_kg"}
    read = {factor.feature_of(joint) for factor in RULES.factors for joint in factor.joints}

    assert unscored <= set(FEATURES)
    assert read & unscored == set()


def test_an_over_edge_of_a_paper_excludes_the_edge() -> None:
    def edges(bands: list[Band]) -> list[tuple[str, str]]:
        return [("above", f"{b.above:g}") if b.from_ is None else ("from", f"{b.from_:g}") for b in bands]

    assert edges(FACTORS["session_spike"].bands) == [("from", "0"), ("above", "1.1"), ("above", "2")]
    assert edges(FACTORS["bmi_back"].bands) == [("from", "0"), ("from", "25"), ("from", "30")]
    assert edges(FACTORS["sleep_short"].bands) == [("from", "0"), ("from", "7")]


# Advice -----------------------------------------------------------------------------------------------------------


def test_there_is_advice_in_every_category() -> None:
    assert len(RULES.advice) >= 26
    assert {advice.category for advice in RULES.advice} == {
        "footwear",
        "progression",
        "strength",
        "warm_up",
        "form",
        "recovery",
        "professional",
    }


def test_every_changeable_factor_that_scores_has_advice_that_changes_it() -> None:
    scored = {f.id for f in RULES.factors if f.modifiable and any(at.weight for at in f.joints.values())}
    changed = {factor for advice in RULES.advice for factor in advice.sets}

    assert changed == scored


def test_nobody_is_advised_to_have_no_past() -> None:
    past = {"previous_running_injury", "previous_knee_problem", "low_back_history", "current_complaint", "bmi_back"}

    assert {id for id in past if FACTORS[id].modifiable} == set()


@pytest.mark.parametrize("advice", [a for a in RULES.advice if a.basis == "association"], ids=lambda advice: advice.id)
def test_an_association_says_that_it_shows_no_reason(advice: Advice) -> None:
    assert re.search(r"do(?:es)? not show that|does not show what", advice.text["en"])
    assert advice.sources


@pytest.mark.parametrize("advice", [a for a in RULES.advice if a.basis == "trial"], ids=lambda advice: advice.id)
def test_a_trial_is_named_with_its_source(advice: Advice) -> None:
    assert re.search(r"\b(?:trials?|tested)\b", advice.text["en"])
    assert advice.sources
    assert advice.register_rows


@pytest.mark.parametrize("id", ["no_posture_fix", "train_core", "warmup_optional"])
def test_advice_on_contested_habits_does_not_contradict_the_score(id: str) -> None:
    text = ADVICE[id].text["en"]
    words = ["One survey linked", "better studies found no link", "it counts a little here", "does no harm"]

    assert [part for part in words if part not in text] == []


@pytest.mark.parametrize("id", SORE_KNEE)
def test_front_of_knee_advice_speaks_of_a_sore_knee_when_running(id: str) -> None:
    text = ADVICE[id].text["en"]

    assert "sore knee" in text
    assert "when running" in text
    assert not re.search(r"patell|syndrome|runner's knee", text, re.IGNORECASE)


def test_the_pain_rule_is_silent_where_bone_night_or_leg_pain_speaks() -> None:
    bone = {"kn_bone_stress", "gen_bone_stress", "gen_groin_impact", "lb_sacral_stress"}
    night = {"kn_night_weight", "lb_night_pain", "knee_pain_at_rest", "lower_back_pain_at_rest"}
    leg = {"lb_one_leg_numbness", "lb_one_leg_weakness", "lb_leg_weakness", "kn_calf_swollen"}

    for id in ("pain_traffic", "pain_traffic_back"):
        assert silenced_by_flags(ADVICE[id]) >= bone | night | leg


def test_keep_moving_needs_a_back_without_any_flag_and_begins_with_walking() -> None:
    advice = ADVICE["back_keep_moving"]
    # It is given for pain of 1 to 3 only, so the flags of stronger pain cannot be up beside it.
    of_stronger_pain = {"lower_back_pain_6_7", "lower_back_pain_8_10"}
    of_the_back = {id for id, flag in FLAGS.items() if flag.joint == "lower_back"} - of_stronger_pain
    of_the_body = {id for id, flag in asked_flags().items() if flag.joint == "whole_body"}

    assert silenced_by_flags(advice) == of_the_back | of_the_body
    assert "Start with walking" in advice.text["en"]


def test_leaning_forward_is_silent_with_any_back_complaint() -> None:
    advice = ADVICE["forward_lean"]

    assert {condition.feature for condition in advice.not_when} == {"lower_back_pain_now", "lower_back_history"}
    assert any(c.feature == "lower_back_pain_now" and c.to == 0 for c in conditions_in(advice.when))


@pytest.mark.parametrize("id", ["soft_land", "cadence_trial", "step_length_knee"])
def test_softer_and_shorter_steps_are_silent_with_calf_trouble(id: str) -> None:
    assert silenced_by_flags(ADVICE[id]) >= {"kn_calf_swollen", "kn_calf_swollen_breathless"}
    assert "Not with a sore calf or Achilles tendon." in ADVICE[id].text["en"]


def test_the_next_runs_are_named_as_the_range_without_a_link() -> None:
    text = ADVICE["cap_single_run"].text["en"]

    assert "the longest run inside the range that was not linked with more injuries" in text
    assert ADVICE["cap_single_run"].sets == {"session_spike": "reference"}


# Red flags --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("urgency", RED_FLAGS)
def test_every_red_flag_is_asked_with_its_urgency(urgency: str) -> None:
    expected = set(RED_FLAGS[urgency].split())

    assert {id for id, flag in asked_flags().items() if flag.urgency == urgency} == expected


def test_every_asked_flag_takes_its_joint_out_of_scoring() -> None:
    assert {id for id, flag in asked_flags().items() if flag.effect != "suspend"} == set()
    prefix = {"lb": "lower_back", "kn": "knee", "gen": "whole_body"}
    assert {id for id, flag in asked_flags().items() if flag.joint != prefix[id.split("_")[0]]} == set()


def test_flags_without_a_source_are_marked_as_safety_judgement() -> None:
    assert {id for id, flag in asked_flags().items() if flag.basis == "safety_judgement"} == set(FROM_MEMORY.split())
    assert {id for id, flag in FLAGS.items() if flag.basis == "source" and not flag.sources} == set()


@pytest.mark.parametrize("flag", RULES.flags, ids=lambda flag: flag.id)
def test_a_flag_says_what_to_do_as_fast_as_its_urgency_asks(flag: Flag) -> None:
    wanted = {
        "emergency": r"[Cc]all the emergency number",
        "prompt": r"See a doctor today",
        "routine": r"Book a GP|Ask your surgeon or physiotherapist whether you are ready to run|Ask your midwife",
        None: r"Ask|ask",
    }

    assert re.search(wanted[flag.urgency], flag.action["en"])
    if flag.question is not None:
        assert flag.question["en"].endswith("?")


@pytest.mark.parametrize("id", ["kn_ottawa_age", "kn_ottawa_tender", "kn_ottawa_90"])
def test_the_x_ray_questions_are_asked_only_after_a_blow_or_twist_of_this_week(id: str) -> None:
    question = FLAGS[id].question

    assert question is not None
    assert "a blow or a twist in the last 7 days" in question["en"]


@pytest.mark.parametrize(
    ("id", "words"),
    [
        ("lb_ces_both_legs", ["back pain with new pain, tingling or weakness", "spreads down both legs"]),
        ("lb_infection", ["new back pain with fever, chills or feeling seriously unwell"]),
        ("lb_cancer", ["new back pain", "cancer", "lost weight"]),
        ("kn_gives_way_after_injury", ["Since an injury"]),
        ("kn_gives_way", ["Without an injury"]),
        ("gen_bone_stress", ["stress fracture", "periods for three months"]),
    ],
)
def test_a_question_asks_for_all_that_makes_the_flag(id: str, words: list[str]) -> None:
    question = FLAGS[id].question

    assert question is not None
    assert [part for part in words if part not in question["en"]] == []


def test_pain_surgery_and_age_raise_their_flags_from_the_profile() -> None:
    derived = {id: (flag.joint, flag.effect, flag.urgency) for id, flag in FLAGS.items() if flag.question is None}
    by_joint = {
        f"{joint}_{what}": (joint, "suspend", urgency)
        for joint in ("knee", "lower_back")
        for what, urgency in (
            ("pain_6_7", "routine"),
            ("pain_8_10", "prompt"),
            ("pain_at_rest", "prompt"),
            ("surgery_uncleared", "routine"),
        )
    }

    assert derived == {
        **by_joint,
        "under_18": ("whole_body", "not_assess", None),
        "pregnancy": ("whole_body", "not_assess", "routine"),
        "age_65_and_over": ("whole_body", "note", None),
    }


# Benefits ---------------------------------------------------------------------------------------------------------


def test_the_catalogue_of_benefits_is_whole() -> None:
    assert set(BENEFITS) == {
        "mortality_lee",
        "mortality_pooled",
        "disability",
        "fitness",
        "knee_oa",
        "disc",
        "lbp_run",
        "bone",
        "who_minutes",
        "met",
    }


@pytest.mark.parametrize("id", ["mortality_lee", "mortality_pooled", "disability", "knee_oa"])
def test_an_observed_benefit_says_that_healthier_people_may_choose_to_run(id: str) -> None:
    assert "Healthier people may choose to run." in BENEFITS[id].text["en"]


@pytest.mark.parametrize(
    ("id", "whom"),
    [
        ("mortality_lee", "adults in the United States"),
        ("mortality_pooled", "adults"),
        ("disability", "people of 50 and over"),
        ("fitness", "adults who had not been active"),
        ("knee_oa", "hip and/or knee"),
        ("disc", "The study looked only once"),
        ("lbp_run", "40 adults with long-standing back pain who had not run before"),
        ("bone", "only at men"),
    ],
)
def test_a_benefit_says_whom_it_was_measured_in(id: str, whom: str) -> None:
    assert whom in BENEFITS[id].text["en"]


def test_minutes_have_a_target_and_met_minutes_have_none() -> None:
    assert "target" in BENEFITS["who_minutes"].text["en"]
    assert re.findall(r"\d+", BENEFITS["met"].text["en"].replace("last 7 days", "")) == []
    assert "target" not in BENEFITS["met"].text["en"]
