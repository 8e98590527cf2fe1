"""Runners to score in benchmarks: seeded, so that every run asks the same questions."""

import json
import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

AS_OF = date(2026, 11, 23)
EXAMPLE = Path(__file__).parent.parent / "examples" / "risky-runner.json"


def example_bodies() -> list[bytes]:
    """The one example runner of the README, again and again."""
    return [EXAMPLE.read_bytes()]


def sparse_bodies(count: int) -> list[bytes]:
    """What an app sends that knows a watch and a birthday: age, sex, experience and 20 sessions."""
    chance = random.Random(1)
    runners = []
    for _ in range(count):
        runner = {
            "age_years": chance.randint(18, 70),
            "sex": chance.choice(["female", "male"]),
            "running_years": chance.choice([0.5, 1, 2, 3, 5, 10]),
        }
        runners.append({"as_of": AS_OF.isoformat(), "runner": runner, "training": {"sessions": _sessions(chance)}})
    return [json.dumps(runner).encode() for runner in runners]


def full_bodies(count: int) -> list[bytes]:
    """Runners of whom nearly everything is known, each different, with 20 sessions and every second one with a plan."""
    chance = random.Random(2)
    return [json.dumps(_full(chance)).encode() for _ in range(count)]


def _sessions(chance: random.Random) -> list[dict[str, Any]]:
    usual = chance.uniform(5_000, 12_000)
    sessions = []
    for age in sorted(chance.sample(range(60), 20), reverse=True):
        metres = round(usual * chance.uniform(0.6, 1.5))
        started_on = (AS_OF - timedelta(days=age)).isoformat()
        sessions.append(
            {"started_on": started_on, "distance_m": metres, "duration_s": round(metres * chance.uniform(0.3, 0.42))}
        )
    return sessions


def _joint(chance: random.Random) -> dict[str, Any]:
    told: dict[str, Any] = {"pain_now": chance.choice([0, 0, 0, 0, 1, 2, 3]), "pain_at_rest": False, "symptoms": []}
    told["history"] = chance.choice(["never", "never", "recovered"])
    if told["history"] == "recovered":
        told |= {"months_since": chance.randint(1, 60), "episodes": chance.randint(1, 4)}
    return told


def _full(chance: random.Random) -> dict[str, Any]:
    runner: dict[str, Any] = {
        "age_years": chance.randint(18, 75),
        "sex": chance.choice(["female", "male"]),
        "height_m": round(chance.uniform(1.55, 1.95), 2),
        "mass_kg": round(chance.uniform(50, 100), 1),
        "running_years": chance.choice([0.5, 1, 2, 3, 5, 10]),
        "goal_event": chance.choice(["none", "5k", "10k", "half_marathon", "marathon"]),
        "knee": _joint(chance) | {"surgery": "none"},
        "lower_back": _joint(chance),
        "other_injury": chance.choice([{"history": "never"}, {"history": "recovered", "months_since": 5}]),
        "core_strength": chance.choice(["weak", "average", "strong"]),
        "posture": chance.choice(["poor", "fair", "good"]),
        "foot_posture": chance.choice(["pronated", "neutral", "supinated"]),
        "shoes": {
            "pairs": chance.randint(1, 3),
            "cushioning": chance.choice(["soft", "medium", "firm"]),
            "support": chance.choice(["neutral", "stability", "motion_control"]),
            "distance_m": chance.randint(0, 900) * 1000,
            "comfortable": True,
        },
        "strength_training": {
            "sessions_per_week": chance.randint(0, 3),
            "supervised": chance.random() < 0.1,
            "focus": chance.choice(["hip_core", "general"]),
        },
        "warm_up": chance.choice(["never", "sometimes", "usually"]),
        "sleep_hours": round(chance.uniform(5.5, 8.5), 1),
        "other_sport_hours_per_week": chance.randint(0, 4),
        "life_complaint": chance.random() < 0.2,
        "pregnancy": "none",
    }
    training: dict[str, Any] = {"sessions": _sessions(chance), "observed_from": "2026-09-01"}
    if chance.random() < 0.5:
        training["planned_run"] = {"on": "2026-11-25", "distance_m": chance.randint(5, 25) * 1000}
    return {"as_of": AS_OF.isoformat(), "runner": runner, "training": training}
