"""Faults that a document shows by itself: what does not hold together, sources, units, the scale."""

from collections.abc import Callable
from math import log2
from typing import Final

from tests.faulty.rule_set import Faulty, Json, Shown, effect, entry, put, raw_hundredths, source

CEILING: Final = {"high": 1, "moderate": 0.75, "low": 0.5, "very_low": 0.25}


def _above_ceiling(factor: str, joint: str) -> Callable[[Shown], bool]:
    def shows(shown: Shown) -> bool:
        line = shown.line(factor, joint)
        return bool(line["weight"] > CEILING[line["evidence"]])

    return shows


def _falls(factor: str, joint: str = "knee") -> Callable[[Shown], bool]:
    def shows(shown: Shown) -> bool:
        better, worse = (shown.line(factor, joint, of=of)["points_alone"] for of in ("better", "worse"))
        return bool(worse < better) and shown.scores(joint)[1] < shown.scores(joint)[0]

    return shows


def _shadowed_by_nobody(factor: str, joint: str = "knee") -> Callable[[Shown], bool]:
    """A factor that would carry points is shadowed, and no other of its group stands out."""

    def shows(shown: Shown) -> bool:
        line = shown.line(factor, joint)
        applied = [each for each in shown.answer["joints"][joint]["contributions"] if each["status"] == "applied"]
        return line["status"] == "shadowed" and line["points_alone"] != 0 and applied == []

    return shows


def _cited(id: str, holds: Callable[[Json], bool]) -> Callable[[Shown], bool]:
    return lambda shown: holds(shown.answer["sources"][id])


def _no_citation(id: str) -> Callable[[Shown], bool]:
    return _cited(id, lambda cited: not cited["citation"].strip())


def _has_doi(id: str, doi: str) -> Callable[[Shown], bool]:
    return _cited(id, lambda cited: bool(cited["doi"] == doi))


def _no_identifier(id: str) -> Callable[[Shown], bool]:
    return _cited(id, lambda cited: not any(cited.get(name) for name in ("doi", "pmid", "pmcid")))


def _no_outcome(factor: str, joint: str) -> Callable[[Shown], bool]:
    return lambda shown: shown.line(factor, joint)["published"][0]["outcome"] == ""


def _no_sources(advice: str) -> Callable[[Shown], bool]:
    return lambda shown: entry(shown.answer, "advice", advice)["sources"] == []


def _common(factor: str, band: int, share: float, published: Json) -> Callable[[Json], None]:
    """A band with this effect that so many stand in; the reference band takes what is left."""

    def change(written: Json) -> None:
        bands = entry(written, "factors", factor)["bands"]
        edges = {name: told for name, told in bands[band].items() if name in ("from", "above", "is")}
        bands[band] = {**edges, "share": share, **published}
        others = sum(each["share"] for each in bands if not each.get("reference") and each is not bands[band])
        (reference,) = (each for each in bands if each.get("reference"))
        scale = 1.0 if share + others <= 1 else (1 - share) / others
        for each in bands:
            if each is not bands[band] and each is not reference:
                each["share"] = round(each["share"] * scale / 2, 3)
        reference["share"] = 0
        reference["share"] = round(1 - sum(each["share"] for each in bands), 3)

    return change


def _base_is_off(joint: str) -> Callable[[Shown], bool]:
    return lambda shown: not 0 <= shown.answer["joints"][joint]["base"] <= 100


def _moves_too_far(factor: str, joint: str) -> Callable[[Shown], bool]:
    return lambda shown: abs(shown.line(factor, joint)["points_alone"]) > 100


def _is_printed_at_an_end(joint: str) -> Callable[[Shown], bool]:
    def shows(shown: Shown) -> bool:
        told = shown.answer["joints"][joint]
        return told["score"] in (0, 100) and not 0 <= raw_hundredths(told) <= 10_000

    return shows


COHESION: Final = [
    Faulty(
        "cohesion",
        "above-ceiling",
        "/factors/{session_spike}/joints/knee/weight",
        put("factors", "session_spike", "joints/knee/weight", 0.9),
        _above_ceiling("session_spike", "knee"),
    ),
    Faulty(
        "cohesion",
        "above-ceiling",
        "/factors/{bmi_back}/joints/lower_back/weight",
        put("factors", "bmi_back", "joints/lower_back/weight", 1),
        _above_ceiling("bmi_back", "lower_back"),
    ),
    Faulty(
        "cohesion",
        "above-ceiling",
        "/factors/{previous_running_injury}/bands/0/weights",
        put("factors", "previous_running_injury", "bands/0/weights/knee", 1),
        lambda shown: shown.line("previous_running_injury")["points"] > 25 * 0.75 * log2(1.85) + 0.01,
    ),
    Faulty(
        "cohesion",
        "worse-lowers",
        "/factors/{session_spike}/bands/2",
        put("factors", "session_spike", "bands/2/ratio", 1.5),
        _falls("session_spike"),
    ),
    Faulty(
        "cohesion",
        "worse-lowers",
        "/factors/{previous_knee_problem}/bands/0",
        put("factors", "previous_knee_problem", "bands/1", {"above": 12, "share": 0.2, **effect(3.4)}),
        _falls("previous_knee_problem"),
    ),
    Faulty(
        "cohesion",
        "worse-lowers",
        "/factors/{other_sport}/bands/2",
        put("factors", "other_sport", "bands/3/power", 1),
        _falls("other_sport"),
    ),
    Faulty(
        "cohesion",
        "mixed-group",
        "/factors/{sleep_short}/group",
        put("factors", "shoe_rotation", "group", "recovery"),
        _shadowed_by_nobody("sleep_short"),
    ),
    Faulty(
        "cohesion",
        "mixed-group",
        "/factors/{long_event}/group",
        put("factors", "other_sport", "group", "long_event"),
        _shadowed_by_nobody("long_event"),
    ),
    Faulty(
        "cohesion",
        "mixed-group",
        "/factors/{exercise_programme_back}/group",
        put("factors", "core_strength", "group", "exercise_programme_back"),
        lambda shown: shown.line("exercise_programme_back", "lower_back")["status"] == "applied",
    ),
    Faulty(
        "cohesion",
        "missing-reason",
        "/factors/{bmi_back}/joints/lower_back",
        put("factors", "bmi_back", "joints/lower_back/weight", 0.5),
        lambda shown: (
            shown.line("bmi_back", "lower_back")["weight"] == 0.5
            and shown.line("bmi_back", "lower_back")["evidence"] == "moderate"
        ),
    ),
    Faulty(
        "cohesion",
        "no-grade",
        "/factors/{acwr}/bands/1",
        lambda written: entry(written, "factors", "acwr")["bands"].append({"above": 1.5, "share": 0, **effect(2)}),
        lambda shown: shown.line("acwr")["evidence"] is None and shown.line("acwr")["published"] != [],
    ),
    Faulty(
        "cohesion",
        "unknown-placeholder",
        "/benefits/{bone}/text",
        put("benefits", "bone", "text", "You ran {weekly_duration_min} minutes."),
        lambda shown: any("{weekly_duration_min}" in benefit["text"] for benefit in shown.answer["benefits"]),
    ),
    Faulty(
        "cohesion", "shares", "/factors/{sleep_short}/bands", put("factors", "sleep_short", "bands/0/share", 0.3), None
    ),
    *(
        Faulty("cohesion", "unknown-feature", path, change, None)
        for path, change in (
            ("/factors/{session_spike}/feature", put("factors", "session_spike", "feature", "session_spike_percent")),
            ("/factors/{weekly_distance}/feature", put("factors", "weekly_distance", "feature", "weekly_distance_km")),
            (
                "/factors/{current_complaint}/joints/lower_back/feature",
                put("factors", "current_complaint", "joints/lower_back/feature", "back_pain"),
            ),
        )
    ),
]

SOURCES: Final = [
    *(
        Faulty("sources", "citation-missing", f"/sources/{id}/citation", source(id, citation=blank), _no_citation(id))
        for id, blank in (("frandsen-2025", " "), ("johnston-2020", ""), ("nhs-back-pain", "\t"))
    ),
    *(
        Faulty(
            "sources",
            "outcome-missing",
            f"/factors/{{{factor}}}/evidence/outcome",
            put("factors", factor, "evidence/outcome", ""),
            _no_outcome(factor, joint),
        )
        for factor, joint in (("session_spike", "knee"), ("bmi_back", "lower_back"), ("shoe_rotation", "knee"))
    ),
    Faulty(
        "sources",
        "measure-missing",
        "/factors/{sleep_short}/evidence/measure",
        put("factors", "sleep_short", "evidence/measure", " "),
        lambda shown: shown.line("sleep_short")["published"][0]["measure"] == " ",
    ),
    Faulty(
        "sources",
        "checked-on-no-day",
        "/factors/{sleep_short}/evidence/checked_on",
        put("factors", "sleep_short", "evidence/checked_on", "2026-02-30"),
        None,
    ),
    *(
        Faulty("sources", "doi-form", f"/sources/{id}/doi", source(id, doi=doi), _has_doi(id, doi))
        for id, doi in (
            ("frandsen-2025", "10.1136/bjsports-2024-109380."),
            ("johnston-2020", "10.1016/j.jsams.2019.10.013)"),
            ("malisoux-2015", "10.1111/sms.12154,"),
        )
    ),
    *(
        Faulty("sources", "doi-repeated", f"/sources/{id}/doi", source(id, doi=doi), _has_doi(id, doi))
        for id, doi in (
            ("malisoux-2015", "10.1016/j.jsams.2019.10.013"),
            ("zhang-2018", "10.1136/BJSPORTS-2024-109380"),
            ("steffens-2016", "10.1016/j.jsams.2019.10.013"),
        )
    ),
    *(
        Faulty(
            "sources",
            "identifier-missing",
            f"/sources/{id}",
            source(id, doi=None, pmid=None, pmcid=None),
            _no_identifier(id),
        )
        for id in ("frandsen-2025", "johnston-2020", "zhang-2018")
    ),
    *(
        Faulty(
            "sources",
            "source-missing",
            f"/advice/{{{advice}}}/sources",
            put("advice", advice, "sources", []),
            _no_sources(advice),
        )
        for advice in ("sleep7", "rotate_shoes", "back_walk")
    ),
    Faulty(
        "sources",
        "source-missing",
        "/flags/{kn_locked}/sources",
        put("flags", "kn_locked", "sources", []),
        lambda shown: shown.reasons() == ["kn_locked"] and not shown.answer["sources"].keys() & {"nhs-knee-pain"},
    ),
    Faulty(
        "sources",
        "source-unused",
        "/sources/doe-2020",
        lambda written: written["sources"].update({"doe-2020": {"citation": "Doe 2020", "pmid": "1"}}),
        None,
    ),
]

UNITS: Final = [
    Faulty(
        "units",
        "cut-in-other-unit",
        "/factors/{sleep_short}/bands/1",
        put("factors", "sleep_short", "bands/1/from", 420),
        lambda shown: shown.line("sleep_short")["number"] == 14 and shown.line("sleep_short")["band"] == "< 420",
    ),
    Faulty(
        "units",
        "cut-in-other-unit",
        "/factors/{weekly_distance}/bands/1",
        put(
            "factors",
            "weekly_distance",
            "bands",
            [{"from": 0, "reference": True, "share": 0.9}, {"above": 60, "share": 0.1}],
        ),
        lambda shown: (
            shown.line("weekly_distance")["band"] == "> 60" and shown.line("weekly_distance")["number"] <= 2000
        ),
    ),
    Faulty(
        "units",
        "cut-in-other-unit",
        "/advice/{core_not_fix}/when/0/below",
        put("advice", "core_not_fix", "when/0/below", 73500),
        lambda shown: "core_not_fix" in shown.advice(),
    ),
    Faulty(
        "units",
        "cut-in-other-unit",
        "/flags/{age_65_and_over}/when/0/from",
        put("flags", "age_65_and_over", "when/0/from", 780),
        lambda shown: "age-65-and-over" not in [finding["code"] for finding in shown.answer["findings"]],
    ),
]

BOUNDS: Final = [
    *(
        Faulty("bounds", "base-beyond-scale", "/factors", change, _base_is_off(joint))
        for joint, change in (
            ("lower_back", _common("low_back_history", 2, 0.9, effect(40))),
            ("knee", _common("previous_knee_problem", 0, 0.9, effect(30))),
            ("knee", _common("long_event", 1, 0.9, effect(30))),
        )
    ),
    *(
        Faulty(
            "bounds", "band-beyond-scale", f"/factors/{{{factor}}}/bands/{band}", change, _moves_too_far(factor, joint)
        )
        for factor, joint, band, change in (
            ("session_spike", "knee", 2, _common("session_spike", 2, 0.05, effect(400))),
            ("previous_knee_problem", "knee", 0, _common("previous_knee_problem", 0, 0.14, effect(999))),
            ("bmi_back", "lower_back", 2, _common("bmi_back", 2, 0.08, effect(300))),
        )
    ),
    *(
        Faulty("bounds", "crowd-beyond-scale", "/factors", change, _is_printed_at_an_end(joint))
        for joint, change in (
            ("knee", _common("sleep_short", 0, 0.35, effect(400))),
            ("knee", _common("life_stress", 1, 0.2, effect(800))),
            ("knee", _common("shoe_rotation", 1, 0.4, effect(0.001))),
        )
    ),
]
