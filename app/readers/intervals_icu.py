"""intervals.icu: activities as its API gives them, in JSON or in CSV, and the empty shells of those from Strava.

The format is that of https://intervals.icu/api-docs.html (Activity): metres and seconds, `start_date_local` without an
offset, `type` in Strava's words. Activities that came from Strava are an id and a source and nothing else.
"""

from collections.abc import Mapping
from typing import Final

from app.errors import UnreadableTrainingError
from app.readers.activities import Activity, Reader, Reading, Sport
from app.readers.content import Content
from app.readers.platform_sports import sport_of_platform
from app.readers.quantities import ascent_of, mm_of, ms_of
from app.readers.records import Record, clock_of_text, effort_of, id_of, in_list, read_records, utc_of_text
from app.readers.tables import first_rows, plain_number, read_table

ID: Final = "intervals-icu"
_LOOK_AT: Final = 20
_NAME_MOST: Final = 60
_CSV_MARKS: Final = frozenset({"id", "start_date_local", "type"})


def _is_one(told: object) -> bool:
    if not isinstance(told, Mapping) or "id" not in told or "resource_state" in told:
        return False
    if any(isinstance(name, str) and name.startswith("icu_") for name in told):
        return "start_date_local" in told or "type" in told
    return isinstance(told.get("source"), str) and not {"start_time", "workoutKey"} & told.keys()


def _header(content: Content) -> list[str]:
    """The columns of a CSV of intervals.icu's; empty where it is none."""
    rows = first_rows(content)
    header = rows[0].cells if rows else []
    return header if _CSV_MARKS.issubset(header) and {"moving_time", "elapsed_time"} & set(header) else []


def sniff(content: Content) -> bool:
    """Whether one of the first records has a member of intervals.icu's own, or is a shell; or the CSV's header."""
    told = content.json
    if isinstance(told, list):
        return any(_is_one(one) for one in told[:_LOOK_AT])
    return _is_one(told) if told is not None else bool(_header(content))


def read(content: Content) -> Reading:
    """One activity a record; a shell is none, and a finding.

    Raises:
        UnreadableTrainingError: there is neither a list, nor an object, nor a table of activities in it.
    """
    told = content.json
    if isinstance(told, list | Mapping):
        return read_records(in_list(told), _activity, content=content, reader=ID)
    header = _header(content)
    if not header:
        raise UnreadableTrainingError(content.name, "It is neither JSON nor CSV of intervals.icu's.")
    columns = {name: header.index(name) for name in header if name and len(name) <= _NAME_MOST}
    table, doubts = read_table(content, columns, first=2)
    reading = read_records(
        ((f"row {number}", _typed(cells)) for number, cells in table), _activity, content=content, reader=ID
    )
    return Reading(reading.activities, doubts + reading.findings)


def _typed(cells: dict[str, str]) -> dict[str, object]:
    """A row as the record that the API's JSON would be."""
    typed: dict[str, object] = {}
    for name, cell in cells.items():
        number = None if name in _CSV_MARKS else plain_number(cell)
        typed[name] = {"true": True, "false": False}.get(cell.lower(), cell if number is None else number)
    return typed


def _activity(record: Record) -> Activity | None:
    record.take("id", id_of, "id")
    record.take("started_at", utc_of_text, "start_date")
    record.take("clock_at_start", clock_of_text, "start_date_local")
    record.take("distance_mm", mm_of, "distance", "icu_distance")
    record.take("duration_ms", ms_of, "moving_time", "elapsed_time")
    record.take("elapsed_ms", ms_of, "elapsed_time")
    record.take("ascent_m", ascent_of, "total_elevation_gain")
    record.take("effort", effort_of, "icu_rpe", "perceived_exertion")
    if (record.text("source") or "").upper() == "MANUAL":
        record.mark_manual(path="source")
    if record.text("type") is None and record.known("duration_ms") is None and record.known("distance_mm") is None:
        record.doubt("empty-record")
        return None
    return record.activity(_sport(record), id_space="intervals.icu", device=record.text("device_name"))


def _sport(record: Record) -> Sport:
    sport = sport_of_platform(record.text("type"))
    return "run_treadmill" if sport == "run" and record.says("trainer") else sport


READER: Final = Reader(
    id=ID,
    title="intervals.icu",
    media_types=("application/vnd.joint-risk.intervals-icu+json", "application/vnd.joint-risk.intervals-icu+csv"),
    suffixes=(".json", ".csv"),
    sniff=sniff,
    read=read,
)
