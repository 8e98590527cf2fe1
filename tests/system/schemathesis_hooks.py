"""What the tool that fuzzes the API cannot do by itself: write and read the media types of ours.

Without these no cohort, no stream and no training file would be sent, and no line of an answer would be looked at.
"""

import gzip
import json
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

import jsonschema_rs
import pyarrow as pa
import schemathesis
from schemathesis import Case, DeserializationContext, HookContext, Response, SerializationContext
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import IgnoredAuth

ROOT: Final = Path(__file__).resolve().parents[2]
SAMPLES: Final = ROOT / "tests" / "samples"
JSONL: Final = "application/jsonl"
ARROW: Final = "application/vnd.apache.arrow.stream"
CHANGES_MOST: Final = 3
MOST: Final = 0.75
OURS: Final = re.compile(r'"[0-9a-f]{32}"|"\d+"')
"""The ETag of a draft, and that of the activations."""


def _sample(name: str) -> Callable[[], bytes]:
    return (SAMPLES / name).read_bytes


def _zipped() -> bytes:
    whole = BytesIO()
    with ZipFile(whole, "w") as archive:
        archive.write(SAMPLES / "gpx" / "korita-zbevnica.gpx", "activities/1.gpx")
        archive.write(SAMPLES / "fit" / "Activity.fit", "activities/2.fit")
    return whole.getvalue()


def _record_batches() -> bytes:
    runners = [json.loads(file.read_bytes()) for file in sorted((ROOT / "examples").glob("*.json"))]
    table = pa.Table.from_pylist([{"id": str(number), **told} for number, told in enumerate(runners)])
    whole = pa.BufferOutputStream()
    with pa.ipc.new_stream(whole, table.schema) as writer:
        writer.write_table(table)
    written: bytes = whole.getvalue().to_pybytes()
    return written


REAL: Final[dict[str, Callable[[], bytes]]] = {
    ARROW: _record_batches,
    "application/vnd.ant.fit": _sample("fit/Activity.fit"),
    "application/vnd.garmin.fit": _sample("fit/garmin-fenix-5-run.fit"),
    "application/gpx+xml": _sample("gpx/korita-zbevnica.gpx"),
    "application/vnd.garmin.tcx+xml": _sample("tcx/sample.tcx"),
    "application/vnd.joint-risk.garmin-connect+csv": _sample("platforms/garmin-connect-km.csv"),
    "application/vnd.joint-risk.intervals-icu+csv": _sample("platforms/intervals-icu-activities.csv"),
    "application/vnd.joint-risk.strava-export+csv": _sample("platforms/strava-export-2024-en.csv"),
    "application/gzip": lambda: gzip.compress(_sample("gpx/korita-zbevnica.gpx")(), mtime=0),
    "application/zip": _zipped,
    "application/octet-stream": _sample("fit/Activity.fit"),
}
"""Something real where any bytes fit the description: else all would end at the first byte."""


@cache
def real_body(media_type: str) -> bytes:
    """A whole body of this media type."""
    return REAL[media_type]()


def _bytes_of(value: object) -> bytes:
    told = getattr(value, "data", value)
    if isinstance(told, bytes):
        return told
    return json.dumps(value, default=str).encode()


@schemathesis.serializer(JSONL)
def write_lines(context: SerializationContext, value: Any) -> bytes:
    """A line for what was generated, and around it up to two of the examples."""
    line = _bytes_of(value)
    told = random.Random(line)  # The same value is the same body, or no failure could be shown again.
    real = [json.dumps(json.loads(file.read_bytes())).encode() for file in sorted((ROOT / "examples").glob("*.json"))]
    rows = [line, *told.choices(real, k=told.randrange(3))]
    told.shuffle(rows)
    return b"\n".join(rows) + b"\n"


def damage(real: bytes, *, told: random.Random) -> bytes:
    """The same with a few bytes changed, or none."""
    changed = bytearray(real)
    for _ in range(told.randrange(CHANGES_MOST + 1)):
        changed[told.randrange(len(changed))] = told.randrange(256)
    return bytes(changed)


@schemathesis.serializer(*REAL)
def write_bytes(context: SerializationContext, value: Any) -> bytes:
    """Every other time what was generated; else something real, damaged or not.

    A stream of record batches stays whole: where one is damaged behind its beginning its answer is cut, as promised,
    which the tool takes for a service that is down. test_api_fuzz.py sends damaged ones by itself.
    """
    generated = _bytes_of(value)
    told = random.Random(generated)
    media_type = context.case.media_type or ""
    if media_type not in REAL or told.random() < 0.5:
        return generated
    return real_body(media_type) if media_type == ARROW else damage(real_body(media_type), told=told)


@cache
def _rule_set() -> str:
    document = json.loads((ROOT / "openapi" / "openapi.json").read_bytes())
    content = document["paths"]["/v1/rule-set-drafts/{name}"]["put"]["requestBody"]["content"]["application/json"]
    return json.dumps(content["examples"]["small-rule-set"]["value"])


@cache
def _line_validator(path: str, method: str) -> jsonschema_rs.Validator:
    document = json.loads((ROOT / "openapi" / "openapi.json").read_bytes())
    schema = document["paths"][path][method.lower()]["responses"]["200"]["content"][JSONL]["schema"]
    return jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]})


@schemathesis.deserializer(JSONL)
def read_lines(context: DeserializationContext, response: Response) -> Any:
    """The last line, for the tool to look at by itself; every other is held to the description here."""
    lines = [json.loads(line) for line in response.content.splitlines()]
    if not lines:
        raise NotImplementedError  # which is how the tool is told that there is nothing to look at
    validator = _line_validator(context.operation.path, context.operation.method)
    for number, line in enumerate(lines, start=1):
        try:
            validator.validate(line)
        except jsonschema_rs.ValidationError as fault:
            raise ValueError(f"line {number}: {fault.message}") from fault
    return lines[-1]


@schemathesis.hook
def map_case(context: HookContext, case: Case[Any]) -> Case[Any]:
    """Of what is well formed most leaves out what only answers can tell, and most drafts hold a whole rule set.

    Made up, an ETag, a digest or a cursor ends a sequence at once; random members alone could never be published, nor
    could the same rule set twice; and a random moment is never one for which something can be scheduled.
    """
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return case
    told = random.Random(repr((case.path_parameters, case.body, case.headers, case.query)))
    body: dict[str, Any] = {}
    if isinstance(case.body, dict):
        case.body = body = dict(case.body)  # an example is the same object in every case
    for place, name in (
        (case.headers, "If-Match"),
        (case.headers, "If-None-Match"),
        (case.query, "cursor"),
        (body, "draft_digest"),
    ):
        if place and name in place and not OURS.fullmatch(str(place[name])) and told.random() < MOST:
            place.pop(name)
    operation = case.operation.definition.raw.get("operationId")
    if operation == "save_draft" and body and told.random() < MOST:
        real = json.loads(_rule_set())
        real["texts"]["notice"] = f"Made up, as number {told.randrange(10**9)}."
        members = sorted(real.keys() & body.keys())
        changed = told.sample(members, min(told.randrange(2), len(members)))
        case.body = {**real, **{name: body[name] for name in changed}}
    if operation == "activate_rule_set" and body.get("effective_at") is not None and told.random() < MOST:
        body["effective_at"] = (datetime.now(UTC) + timedelta(hours=told.randrange(1, 1000))).isoformat()
    return case


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """Keeps all but a wrong key that is refused with 429: so many of them are sent that this is what they are told."""
    # `response` is that of the good key; what the wrong one was told stands in the message alone.
    return not (isinstance(failure, IgnoredAuth) and "got `429 Too Many Requests`" in failure.message)
