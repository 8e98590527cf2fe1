"""Faults that show when runners are scored and compared: directions, dead parts, advice."""

from collections.abc import Callable
from typing import Any, Final

from tests.faulty.rule_set import Faulty, Json, Shown, all_of, effect, entry, put, says

URGENCY: Final = {"none": 0, "routine": 1, "prompt": 2, "emergency": 3}


# --- worse never lowers -----------------------------------------------------------------------------------------------


def _rounds_lower(factor: str, band: int) -> Callable[[Json], None]:
    """A band whose two effects come to a little more than the one before, and after rounding to a little less."""

    def change(written: Json) -> None:
        bands = entry(written, "factors", factor)["bands"]
        for place, effects in ((band - 1, (1000.6,)), (band, (500.49, 500.49))):
            edges = {name: told for name, told in bands[place].items() if name in ("from", "above", "share")}
            # 25 points a doubling, weight 0.75, in hundredths
            bands[place] = {**edges, "effects": [effect(round(2 ** (points / 1875), 6)) for points in effects]}

    return change


def _rival(rival: str, of: str, worse_when: str, *bands: Json) -> Callable[[Json], None]:
    """A second factor on a feature that another reads already, in a group of its own, the other way round."""

    def change(written: Json) -> None:
        model = entry(written, "factors", of)
        made = {**model, "id": rival, "group": rival, "worse_when": worse_when, "bands": list(bands)}
        written["factors"].append(made)

    return change


def _lower(joint: str) -> Callable[[Shown], bool]:
    return lambda shown: shown.scores(joint)[1] < shown.scores(joint)[0]


def _let_go(joint: str) -> Callable[[Shown], bool]:
    def shows(shown: Shown) -> bool:
        return [answer["joints"][joint]["status"] == "suspended" for answer in (shown.better, shown.worse)] == [
            True,
            False,
        ]

    return shows


def _calmer(shown: Shown) -> bool:
    better, worse = (URGENCY[answer["referral"]["urgency"] or "none"] for answer in (shown.better, shown.worse))
    return worse < better


def _lost(advice: str) -> Callable[[Shown], bool]:
    return lambda shown: advice in shown.advice("better") and advice not in shown.advice("worse")


def _without_flag(id: str) -> Callable[[Json], None]:
    def change(written: Json) -> None:
        written["flags"] = [flag for flag in written["flags"] if flag["id"] != id]

    return change


DIRECTION: Final = [
    *(
        Faulty(
            "direction", "worse-lowers-entry", f"/factors/{{{id}}}/bands/{band}", _rounds_lower(id, band), _lower(joint)
        )
        for id, band, joint in (
            ("session_spike", 2, "knee"),
            ("low_back_history", 2, "lower_back"),
            ("bmi_back", 2, "lower_back"),
        )
    ),
    Faulty(
        "direction",
        "worse-lowers-score",
        "/factors/{sleep_short}/worse_when",
        _rival(
            "sleep_long",
            "sleep_short",
            "higher",
            {"from": 0, "reference": True, "share": 0.9},
            {"from": 9, "share": 0.1, **effect(3)},
        ),
        _lower("knee"),
    ),
    Faulty(
        "direction",
        "worse-lowers-score",
        "/factors/{core_strength}/worse_when",
        _rival(
            "core_too_strong",
            "core_strength",
            "later",
            {"is": ["weak", "average"], "reference": True, "share": 0.9},
            {"is": "strong", "share": 0.1, **effect(4)},
        ),
        _lower("lower_back"),
    ),
    Faulty(
        "direction",
        "worse-lowers-score",
        "/factors/{bmi_back}/worse_when",
        _rival(
            "bmi_low",
            "bmi_back",
            "lower",
            {"from": 0, "share": 0.1, **effect(9)},
            {"from": 18.5, "reference": True, "share": 0.9},
        ),
        _lower("lower_back"),
    ),
    Faulty(
        "direction",
        "worse-lifts-suspension",
        "/flags/{knee_pain_6_7}/when",
        _without_flag("knee_pain_8_10"),
        _let_go("knee"),
    ),
    Faulty(
        "direction",
        "worse-lifts-suspension",
        "/flags/{lower_back_pain_6_7}/when",
        put("flags", "lower_back_pain_8_10", "effect", "note"),
        _let_go("lower_back"),
    ),
    Faulty(
        "direction",
        "worse-lifts-suspension",
        "/flags/{knee_surgery_uncleared}/when",
        put("flags", "knee_surgery_uncleared", "when/0/is", "cleared"),
        _let_go("knee"),
    ),
    Faulty(
        "direction",
        "worse-calms-referral",
        "/flags/{knee_pain_6_7}/when",
        all_of(
            put("flags", "knee_pain_6_7", "urgency", "prompt"), put("flags", "knee_pain_8_10", "urgency", "routine")
        ),
        _calmer,
    ),
    Faulty(
        "direction",
        "worse-calms-referral",
        "/flags/{lower_back_pain_6_7}/when",
        put("flags", "lower_back_pain_6_7", "urgency", "emergency"),
        _calmer,
    ),
    Faulty(
        "direction",
        "worse-calms-referral",
        "/flags/{lower_back_pain_at_rest}/when",
        put("flags", "lower_back_pain_at_rest", "when/0/is", "no"),
        _calmer,
    ),
    Faulty(
        "direction",
        "worse-loses-advice",
        "/advice/{cap_single_run}",
        put("advice", "cap_single_run", "when/0/in", "> 1.10"),
        _lost("cap_single_run"),
    ),
    Faulty(
        "direction",
        "worse-loses-advice",
        "/advice/{see_professional_back}",
        put("advice", "see_professional_back", "when/0/in", "≥ 1"),
        _lost("see_professional_back"),
    ),
    Faulty(
        "direction",
        "worse-loses-advice",
        "/advice/{other_sport}",
        all_of(
            put("advice", "other_sport", "when/0/in", "≥ 1"), put("advice", "other_sport", "sets/other_sport", "≥ 2")
        ),
        _lost("other_sport"),
    ),
]


# --- nothing is dead --------------------------------------------------------------------------------------------------


def _add_band(factor: str, *, at: int | None = None, **band: Any) -> Callable[[Json], None]:
    """One band more, which nobody stands in, at the worse end of a factor that is worse when higher."""

    def change(written: Json) -> None:
        bands = entry(written, "factors", factor)["bands"]
        bands.insert(len(bands) if at is None else at, {"share": 0, **effect(9), **band})

    return change


def _nobody_in(factor: str, band: int) -> Callable[[Json], None]:
    """The share of a band goes to the reference band."""

    def change(written: Json) -> None:
        bands = entry(written, "factors", factor)["bands"]
        (reference,) = (each for each in bands if each.get("reference"))
        reference["share"] = round(reference["share"] + bands[band]["share"], 3)
        bands[band]["share"] = 0

    return change


def _counts(factor: str, joint: str) -> Callable[[Shown], bool]:
    """Somebody does stand in the band, and it carries points."""
    return lambda shown: shown.line(factor, joint)["status"] == "applied" and shown.line(factor, joint)["points"] != 0


def _never_in(band: str, factor: str, joint: str = "knee") -> Callable[[Shown], bool]:
    return lambda shown: shown.line(factor, joint)["band"] not in (band, None)


def _only(*factors: str) -> Callable[[Json], None]:
    """A rule set of a few factors that says nothing besides."""

    def change(written: Json) -> None:
        written.update(advice=[], flags=[], benefits=[], examples=[])
        written["factors"] = [factor for factor in written["factors"] if factor["id"] in factors]

    return change


def _no_level(level: str) -> Callable[[Shown], bool]:
    return lambda shown: shown.answer["summary"]["level"] not in (level, None)


def _no_advice(id: str) -> Callable[[Shown], bool]:
    return lambda shown: id not in shown.advice() and id in shown.advice("before")


def _no_reason(id: str) -> Callable[[Shown], bool]:
    return lambda shown: id not in shown.reasons()


def _no_benefit(id: str) -> Callable[[Shown], bool]:
    return lambda shown: id not in [benefit["id"] for benefit in shown.answer["benefits"]]


DEAD_PARTS: Final = [
    Faulty(
        "dead-parts",
        "dead-band",
        "/factors/{current_complaint}/bands/3",
        _add_band("current_complaint", **{"from": 11}),
        _never_in("≥ 11", "current_complaint"),
    ),
    Faulty(
        "dead-parts",
        "dead-band",
        "/factors/{bmi_back}/bands/3",
        _add_band("bmi_back", above=600),
        _never_in("> 600", "bmi_back", "lower_back"),
    ),
    Faulty(
        "dead-parts",
        "dead-band",
        "/factors/{other_sport}/bands/4",
        _add_band("other_sport", **effect(0.848), power=4, above=100),
        _never_in("> 100", "other_sport"),
    ),
    *(
        Faulty(
            "dead-parts",
            "empty-band",
            f"/factors/{{{id}}}/bands/{band}/share",
            _nobody_in(id, band),
            _counts(id, joint),
        )
        for id, band, joint in (("sleep_short", 0, "knee"), ("bmi_back", 2, "lower_back"), ("shoe_rotation", 1, "knee"))
    ),
    Faulty(
        "dead-parts",
        "dead-level",
        "/levels/cuts/0",
        lambda written: written["levels"]["cuts"][1].update({"from": 1}),
        _no_level("low"),
    ),
    Faulty("dead-parts", "dead-level", "/levels/cuts/3", _only("bmi_back", "shoe_rotation"), _no_level("high")),
    Faulty("dead-parts", "dead-level", "/levels/cuts/2", _only("long_event", "other_sport"), _no_level("raised")),
    Faulty(
        "dead-parts",
        "dead-flag",
        "/flags/{knee_pain_6_7}",
        put(
            "flags",
            "knee_pain_6_7",
            "when",
            [{"all": [{"feature": "knee_pain_now", "from": 6}, {"feature": "knee_pain_now", "to": 5}]}],
        ),
        _no_reason("knee_pain_6_7"),
    ),
    Faulty(
        "dead-parts",
        "dead-flag",
        "/flags/{pregnancy}",
        put(
            "flags",
            "pregnancy",
            "when",
            [{"all": [{"feature": "pregnancy", "is": "pregnant"}, {"feature": "pregnancy", "is": "postpartum"}]}],
        ),
        _no_reason("pregnancy"),
    ),
    Faulty(
        "dead-parts",
        "dead-flag",
        "/flags/{under_18}",
        put("flags", "under_18", "when/0/below", 5),
        lambda shown: "under-18" not in [finding["code"] for finding in shown.answer["findings"]],
    ),
    Faulty(
        "dead-parts",
        "dead-advice",
        "/advice/{sleep7}",
        put("advice", "sleep7", "not_when", [{"feature": "sleep_hours", "below": 7}]),
        _no_advice("sleep7"),
    ),
    Faulty(
        "dead-parts",
        "dead-advice",
        "/advice/{stress_care}",
        put("advice", "stress_care", "when", [{"factor": "acwr", "in": "raised"}]),
        lambda shown: "stress_care" not in shown.advice(),
    ),
    Faulty(
        "dead-parts",
        "dead-advice",
        "/advice/{early_niggle}",
        put("advice", "early_niggle", "when", [{"flag": "kn_locked"}]),
        lambda shown: "early_niggle" not in shown.advice() and shown.reasons() == ["kn_locked"],
    ),
    Faulty(
        "dead-parts",
        "dead-benefit",
        "/benefits/{disability}",
        put("benefits", "disability", "when/0/from", 111),
        _no_benefit("disability"),
    ),
    Faulty(
        "dead-parts",
        "dead-benefit",
        "/benefits/{lbp_run}",
        put("benefits", "lbp_run", "when", [{"flag": "lb_cancer"}]),
        _no_benefit("lbp_run"),
    ),
    Faulty(
        "dead-parts",
        "dead-benefit",
        "/benefits/{met}",
        put(
            "benefits",
            "met",
            "when",
            [{"all": [{"feature": "weekly_met_min", "above": 10}, {"feature": "weekly_running_days", "below": 1}]}],
        ),
        _no_benefit("met"),
    ),
]


# --- advice -----------------------------------------------------------------------------------------------------------


def _blames(advice: str) -> Callable[[Shown], bool]:
    def shows(shown: Shown) -> bool:
        given = entry(shown.answer, "advice", advice)
        causes = [shown.line(id, joint) for id in given["because"] for joint in given["joints"]]
        return not all(line["modifiable"] for line in causes)

    return shows


def _harms(advice: str) -> Callable[[Shown], bool]:
    def shows(shown: Shown) -> bool:
        similar = entry(shown.answer, "advice", advice)["similar_runner_score"]
        return any(score > shown.answer["joints"][joint]["score"] for joint, score in similar.items())

    return shows


HABITS: Final = [
    Faulty(
        "habits",
        "advice-unchangeable",
        "/advice/{see_professional_back}/sets/low_back_history",
        put("advice", "see_professional_back", "sets", {"low_back_history": "reference"}),
        _blames("see_professional_back"),
    ),
    Faulty(
        "habits",
        "advice-unchangeable",
        "/advice/{early_niggle}/sets/current_complaint",
        put("advice", "early_niggle", "sets", {"current_complaint": "reference"}),
        _blames("early_niggle"),
    ),
    Faulty(
        "habits",
        "advice-unchangeable",
        "/advice/{sleep7}/sets/sleep_short",
        put("factors", "sleep_short", "modifiable", False),
        _blames("sleep7"),
    ),
    *(
        Faulty("habits", "association-unsaid", f"/advice/{{{id}}}/text", put("advice", id, "text", text), says(text))
        for id, text in (
            ("sleep7", "Sleep seven hours, and you stay well."),
            ("train_core", "A strong core is what your back needs."),
            ("cap_single_run", "Long runs are the reason for most trouble."),
        )
    ),
    *(
        Faulty(
            "habits",
            "advice-raises-score",
            f"/advice/{{{id}}}/sets",
            all_of(put("advice", id, "when", [when]), put("advice", id, "sets", sets)),
            _harms(id),
        )
        for id, when, sets in (
            ("rotate_shoes", {"factor": "shoe_rotation", "in": "≥ 2"}, {"shoe_rotation": "reference"}),
            ("other_sport", {"feature": "age_years", "from": 18}, {"life_stress": "yes"}),
            ("warmup_optional", {"factor": "warm_up", "in": "reference"}, {"warm_up": "never, sometimes"}),
        )
    ),
]
