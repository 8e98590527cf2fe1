"""A canary runner: every field of a request told so that it would be known again wherever it came to light.

The fields are those of the request's own JSON Schema, so that a new one has to be told here before the tests pass.
Where a field has room for it, what a good request tells is a marker already: numbers of many digits, days long ago,
words that nobody uses. Choices, yes or no, and small whole numbers have no such room; they are markers where they are
wrong, as every other field is there too.
"""

import io
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.ipc

from app.runners import ScoreRequest

Json = dict[str, Any]

# Not in the form in which an unknown member may be named, so that it has no business in any answer.
WORD = "KanarienVogel"
FLAG = "kanarienvogel_symptom"
"""A symptom that no rule set knows, in the form in which they are written."""
NUMBER = 719_428_000_000
"""Wrong numbers begin here: out of every range, and nobody else's."""
ROW_ID = "row-1"
"""A row's id comes back with its answer, and so is none of the markers."""

TOLD: dict[str, object] = {
    "/as_of": "2013-04-19",
    "/runner/age_years": 41,
    "/runner/sex": "female",
    "/runner/height_m": 1.719421,
    "/runner/mass_kg": 61.719422,
    "/runner/running_years": 3.719423,
    "/runner/goal_event": "half_marathon",
    "/runner/knee/history": "recovered",
    "/runner/knee/months_since": 8,
    "/runner/knee/episodes": 2,
    "/runner/knee/pain_now": 2,
    "/runner/knee/pain_at_rest": False,
    "/runner/knee/surgery": "ligament",
    "/runner/knee/surgery_months_since": 25,
    "/runner/knee/cleared_to_run": True,
    "/runner/knee/symptoms/0": "kn_not_better",
    "/runner/lower_back/history": "recovered",
    "/runner/lower_back/months_since": 14,
    "/runner/lower_back/episodes": 1,
    "/runner/lower_back/pain_now": 1,
    "/runner/lower_back/pain_at_rest": False,
    "/runner/lower_back/surgery": "disc",
    "/runner/lower_back/surgery_months_since": 61,
    "/runner/lower_back/cleared_to_run": True,
    "/runner/lower_back/symptoms/0": "lb_not_better",
    "/runner/other_injury/history": "recovered",
    "/runner/other_injury/months_since": 5,
    "/runner/symptoms/0": "gen_bone_stress",
    "/runner/core_strength": "weak",
    "/runner/plank_seconds": 31_719.424,
    "/runner/posture": "fair",
    "/runner/foot_posture": "pronated",
    "/runner/shoes/pairs": 2,
    "/runner/shoes/cushioning": "firm",
    "/runner/shoes/support": "stability",
    "/runner/shoes/distance_m": 517_319.425,
    "/runner/shoes/comfortable": True,
    "/runner/strength_training/sessions_per_week": 1.719426,
    "/runner/strength_training/supervised": False,
    "/runner/strength_training/focus": "general",
    "/runner/warm_up": "sometimes",
    "/runner/sleep_hours": 6.719427,
    "/runner/other_sport_hours_per_week": 1.719428,
    "/runner/life_complaint": False,
    "/runner/pregnancy": "none",
    "/training/sessions/0/id": f"{WORD}-run",
    "/training/sessions/0/started_on": "2013-04-17",
    "/training/sessions/0/started_at": "2013-04-17T05:17:19+03:00",
    "/training/sessions/0/distance_m": 17_319.429,
    "/training/sessions/0/duration_s": 6_119.431,
    "/training/sessions/0/effort": 4.719432,
    "/training/sessions/0/ascent_m": 1_719.433,
    "/training/weekly_distance_m/0": 23_719.434,
    "/training/observed_from": "2013-01-29",
    "/training/time_zone": "Antarctica/Vostok",
    "/training/planned_run/on": "2013-04-21",
    "/training/planned_run/distance_m": 26_719.435,
    "/training/planned_run/duration_s": 9_719.436,
}
"""What a good request tells in each field, by JSON Pointer; 0 stands for every place of a list."""


@cache
def fields_of_the_request() -> dict[str, Json]:
    """Every field of a request that holds no others, by JSON Pointer, with its JSON Schema."""
    schema = ScoreRequest.model_json_schema()
    return dict(_leaves(schema, schema["$defs"], at=""))


def _leaves(schema: Json, definitions: Json, *, at: str) -> Iterator[tuple[str, Json]]:
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        for choice in schema["anyOf"]:
            if choice.get("type") != "null":
                yield from _leaves(choice, definitions, at=at)
    elif "properties" in schema:
        for name, member in schema["properties"].items():
            yield from _leaves(member, definitions, at=f"{at}/{name}")
    elif "items" in schema:
        yield from _leaves(schema["items"], definitions, at=f"{at}/0")
    else:
        yield at, schema


def has_room_for_a_marker(schema: Json) -> bool:
    """Whether what a good request tells in a field can be told from everything else that is written anywhere."""
    if schema["type"] == "number":
        return True
    return schema["type"] == "string" and "enum" not in schema and "pattern" not in schema


def as_request(told: dict[str, object]) -> Json:
    """The request of these fields."""
    request: Json = {}
    for pointer, value in told.items():
        *way, name = pointer.split("/")[1:]
        owner = request
        for step in way:
            owner = owner.setdefault(step, {})
        owner[name] = value
    listed: Json = _listed(request)
    return listed


def _listed(told: Any) -> Any:
    if not isinstance(told, dict):
        return told
    return [_listed(told["0"])] if told.keys() == {"0"} else {name: _listed(member) for name, member in told.items()}


WHOLE = as_request(TOLD)
"""A runner of whom everything is known, red flags included."""
WELL = as_request({pointer: value for pointer, value in TOLD.items() if "/symptoms/" not in pointer})
"""The same without the red flags, so that a score, advice and the next run are worked out."""
WRONG_WORDS = as_request({pointer: f"{WORD}{place}" for place, pointer in enumerate(fields_of_the_request())})
WRONG_NUMBERS = as_request({pointer: NUMBER + place for place, pointer in enumerate(fields_of_the_request())})
WRONG_NAMES = {**WELL, WORD: WORD, "runner": {**WELL["runner"], WORD: {WORD: NUMBER}}}
UNKNOWN_SYMPTOM = as_request(TOLD | {f"{part}/symptoms/0": FLAG for part in ("/runner", "/runner/knee")})


@cache
def markers() -> tuple[str, ...]:
    """How what was told would look, wherever it came to light."""
    found = [WORD, FLAG, str(NUMBER)[:9], f"{NUMBER / 10**11:.5f}"]
    for pointer, schema in fields_of_the_request().items():
        told = TOLD[pointer]
        if not has_room_for_a_marker(schema):
            continue
        found.append(str(told))
        if isinstance(told, float) and told >= 1000:
            found.append(str(round(told * 1000)))  # millimetres and milliseconds, as they are counted in
        elif schema.get("format") == "date-time":
            found.append(str(told)[:19])
    return tuple(found)


def words() -> list[str]:
    """What was chosen for the runner, where the word is one of its own; rule sets hold these too, and logs must not."""
    chosen = {told for told in TOLD.values() if isinstance(told, str) and told.replace("_", "").isalpha()}
    return sorted(word for word in chosen if "_" in word or len(word) > 7)


def found_in(text: bytes | str) -> list[str]:
    """Which markers stand in a text."""
    told = text.decode("latin-1") if isinstance(text, bytes) else text
    return [marker for marker in [*markers(), *PLACES] if marker in told]


# -------------------------------------------------------------------------------------------------- the bodies of calls

ARROW = "application/vnd.apache.arrow.stream"
JSON = "application/json"
JSONL = "application/jsonl"

GPX = f"""<?xml version="1.0"?><gpx version="1.1" creator="{WORD}" xmlns="http://www.topografix.com/GPX/1/1"><trk>
<name>{WORD}</name><type>running</type><trkseg>
<trkpt lat="46.71942" lon="11.71942"><time>2013-04-17T06:00:00Z</time></trkpt>
<trkpt lat="46.73942" lon="11.73942"><time>2013-04-17T06:20:00Z</time></trkpt></trkseg></trk></gpx>""".encode()
PLACES = ["46.71942", "11.71942", "46.7194", "11.7194"]


def row(request: Json) -> Json:
    return {"id": ROW_ID, "request": request}


def as_arrow(rows: list[Json]) -> bytes:
    """Rows as a stream of record batches."""
    table = pa.Table.from_pylist(rows)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def as_lines(*rows: Json | bytes) -> bytes:
    return b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows)


def bodies() -> list[tuple[str, bytes]]:
    """The runner in every media type, whole and in every way in which a request is refused; with its Content-Type."""
    whole = json.dumps(WHOLE).encode()
    receipt = {"answer_digest": f"sha256:{'0' * 64}", "covers": "numbers", "as_of": "2013-04-19", "min_evidence": None}
    wrong = [WRONG_WORDS, WRONG_NUMBERS, WRONG_NAMES, UNKNOWN_SYMPTOM]
    rows = [row(request) for request in (WHOLE, WELL, *wrong)]
    verified = {"request": WHOLE, "receipt": receipt, "rule_set": "2026.1"}
    return [
        (JSON, whole),
        (JSON, json.dumps(WELL).encode()),
        *((JSON, json.dumps(request).encode()) for request in wrong),
        (JSON, json.dumps({"items": rows}).encode()),
        (JSON, json.dumps({"items": rows[:2]}).encode()),
        (JSON, json.dumps(verified).encode()),
        (JSON, json.dumps({**verified, "request": WRONG_WORDS}).encode()),
        (JSON, json.dumps({"reason": WORD, "version": WORD, WORD: WHOLE}).encode()),
        (JSON, json.dumps([WHOLE["training"]["sessions"][0], WRONG_WORDS["training"]["sessions"][0]]).encode()),
        (JSON, f'["{WORD}"]'.encode()),
        (JSON, whole[:-40]),
        (JSON, json.dumps(WHOLE).encode("utf-16")),
        (JSON, b'{"runner":' * 5_000),
        (JSONL, as_lines(*rows, WELL, *wrong, whole[:-40], f'"{WORD}"'.encode())),
        (ARROW, as_arrow([{"id": ROW_ID, "request": json.dumps(each["request"])} for each in rows])),
        (ARROW, as_arrow([{"id": ROW_ID, **WELL}, {"id": ROW_ID, **WHOLE}])),
        (ARROW, as_arrow([{"id": ROW_ID, **WRONG_NUMBERS}])),
        (ARROW, as_arrow([{"id": ROW_ID, **WRONG_WORDS}])),
        (ARROW, as_arrow([{"id": ROW_ID, WORD: WORD}])),
        (ARROW, as_arrow([{"id": ROW_ID, **WELL}])[:-200]),
        ("application/yaml", whole),
        ("application/gpx+xml", GPX),
        ("application/gpx+xml", GPX[:-60]),
        (f"application/{WORD}", whole),
    ]
