"""Twenty ways to break one promise of 2026.1, each at a place that is drawn: what an author does by mistake."""

from collections.abc import Callable
from random import Random
from typing import Any, Final

from tests.faulty.rule_set import Json, entry, shipped

Break = Callable[[Json, Random], None]
"""Changes a document in one place; the place is drawn."""

CLAIMS: Final = (
    "It prevents injury.",
    "This treats your knee.",
    "You are safe to run.",
    "Your risk is low.",
    "It will heal.",
    "We guarantee it.",
)
HARD: Final = (
    "Notwithstanding considerable heterogeneity, individualised neuromuscular reconditioning necessitates "
    "progressively differentiated physiotherapeutic supervision."
)


def scored_pairs(written: Json) -> list[tuple[Json, str]]:
    """Every factor with a joint for which it weighs something."""
    return [
        (factor, joint)
        for factor in written["factors"]
        for joint, at in factor["joints"].items()
        if at["grade"] is not None
    ]


def risks(written: Json) -> list[tuple[Json, Json]]:
    """Every factor with one of its bands that carries a ratio above 1, written in the band."""
    return [(factor, band) for factor in written["factors"] for band in factor["bands"] if band.get("ratio", 0) > 1]


def put_weight_above_ceiling(written: Json, chance: Random) -> None:
    factor, joint = chance.choice(scored_pairs(written))
    factor["joints"][joint]["weight"] = round(factor["joints"][joint]["weight"] * 2 + chance.random() / 10, 3)


def let_a_risk_protect(written: Json, chance: Random) -> None:
    _, band = chance.choice(risks(written))
    band.update(ratio=0.5, low=0.25, high=1)


def lose_some_of_the_population(written: Json, chance: Random) -> None:
    factor = chance.choice(written["factors"])
    band = chance.choice(factor["bands"])
    band["share"] = round(band["share"] * 0.9 + 0.001, 4) if band["share"] < 1 else 0.9


def cite_nobody(written: Json, chance: Random) -> None:
    part = chance.choice([*written["advice"], *written["benefits"], *(f["evidence"] for f in written["factors"])])
    part["sources"] = [*part.get("sources", []), "nobody-1900"]


def forget_the_outcome(written: Json, chance: Random) -> None:
    chance.choice(written["factors"])["evidence"]["outcome"] = " "


def forget_the_citation(written: Json, chance: Random) -> None:
    written["sources"][chance.choice(sorted(written["sources"]))]["citation"] = ""


def mistype_a_doi(written: Json, chance: Random) -> None:
    with_doi = sorted(id for id, source in written["sources"].items() if "doi" in source)
    source = written["sources"][chance.choice(with_doi)]
    source["doi"] = chance.choice((source["doi"] + ".", "doi:" + source["doi"], source["doi"].replace("10.", "10", 1)))


def use_an_id_twice(written: Json, chance: Random) -> None:
    catalogue = written[chance.choice(("factors", "advice", "flags", "benefits"))]
    one, other = chance.sample(catalogue, 2)
    one["id"] = other["id"]


def mistype_a_feature(written: Json, chance: Random) -> None:
    chance.choice(written["factors"])["feature"] += "_km"


def give_an_id_to_another_feature(written: Json, chance: Random) -> None:
    # All answer "no" and "yes", so that the document still holds together.
    ids = ("life_stress", "firm_shoe_light_runner", "motion_control_pronated", "supervised_hip_core")
    one, other = (entry(written, "factors", id) for id in chance.sample(ids, 2))
    one["feature"], other["feature"] = other["feature"], one["feature"]


def forget_a_choice(written: Json, chance: Random) -> None:
    with_choices = [
        band for factor in written["factors"] for band in factor["bands"] if isinstance(band.get("is"), list)
    ]
    chance.choice(with_choices)["is"].pop()


def claim_too_much(written: Json, chance: Random) -> None:
    part = chance.choice([*written["advice"], *written["flags"], *written["benefits"]])
    part["text"] += " " + chance.choice(CLAIMS)


def write_for_professors(written: Json, chance: Random) -> None:
    part = chance.choice([*written["flags"], *written["benefits"]])
    part["text"] = HARD


def speak_another_language(written: Json, chance: Random) -> None:
    part = chance.choice([*written["advice"], *written["flags"], *written["benefits"]])
    part["text"] = {"de": "Nur auf Deutsch."}


def silence_an_advice(written: Json, chance: Random) -> None:
    advice = chance.choice([advice for advice in written["advice"] if len(advice["when"]) == 1])
    advice["not_when"] = [*advice.get("not_when", []), advice["when"][0]]


def advise_to_have_no_past(written: Json, chance: Random) -> None:
    past = ("previous_running_injury", "previous_knee_problem", "low_back_history", "current_complaint", "bmi_back")
    chance.choice(written["advice"]).setdefault("sets", {})[chance.choice(past)] = "reference"


def let_go_of_the_worst_pain(written: Json, chance: Random) -> None:
    flag = entry(written, "flags", chance.choice(("knee_pain_8_10", "lower_back_pain_8_10")))
    flag["when"][0]["to"] = chance.choice((8, 9))


def add_a_band_beyond_everybody(written: Json, chance: Random) -> None:
    beyond: dict[str, Any] = {"bmi_back": 700, "current_complaint": 11, "low_back_history": 2000}
    id_ = chance.choice(sorted(beyond))
    band = {"above": beyond[id_], "share": 0, "ratio": 30, "low": 15, "high": 60, "register_row": "made_up"}
    entry(written, "factors", id_)["bands"].append(band)


def shift_a_level_out_of_order(written: Json, chance: Random) -> None:
    number = chance.choice((1, 2))
    written["levels"]["cuts"][number]["from"] = written["levels"]["cuts"][number + 1]["from"] + chance.randrange(1, 15)


def miscount_an_example(written: Json, chance: Random) -> None:
    counted = [
        (example, joint)
        for example in written["examples"]
        for joint, score in example["scores"].items()
        if score is not None
    ]
    example, joint = chance.choice(counted)
    example["scores"][joint] += chance.choice((-1, 1))


BREAKS: Final[tuple[Break, ...]] = (
    put_weight_above_ceiling,
    let_a_risk_protect,
    lose_some_of_the_population,
    cite_nobody,
    forget_the_outcome,
    forget_the_citation,
    mistype_a_doi,
    use_an_id_twice,
    mistype_a_feature,
    give_an_id_to_another_feature,
    forget_a_choice,
    claim_too_much,
    write_for_professors,
    speak_another_language,
    silence_an_advice,
    advise_to_have_no_past,
    let_go_of_the_worst_pain,
    add_a_band_beyond_everybody,
    shift_a_level_out_of_order,
    miscount_an_example,
)


def broken(change: Break, *, seed: int) -> Json:
    """2026.1 with one promise broken at a place that the seed draws."""
    written = shipped()
    change(written, Random(f"{change.__name__} {seed}"))
    return written
