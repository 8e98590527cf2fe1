"""Strava's API: pages of an activity list, single activities in summary or in detail.

The format is that of https://developers.strava.com/docs/reference (SummaryActivity, DetailedActivity): metres and
seconds, `start_date` in UTC. `start_date_local` ends in 'Z' too, and is local all the same.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from app.errors import UnreadableTrainingError
from app.readers.activities import Activity, Reader, Reading, Sport
from app.readers.content import Content
from app.readers.platform_sports import sport_of_platform
from app.readers.quantities import ascent_of, clock_of, mm_of, ms_of
from app.readers.records import Record, clock_of_text, effort_of, id_of, in_list, look_up, read_records, utc_of_text
from app.runners.time_zones import load_time_zone

ID: Final = "strava"
_TIMES: Final = ("moving_time", "elapsed_time")
# A MetaActivity, as it stands where another object mentions one.
_META: Final = frozenset({"id", "resource_state", "visibility", "latlng"})


def _is_one(told: object) -> bool:
    if not isinstance(told, Mapping) or "id" not in told:
        return False
    if "start_date" in told and ("type" in told or "sport_type" in told) and any(name in told for name in _TIMES):
        return not any(str(name).startswith("icu_") for name in told)
    return "resource_state" in told and told.keys() <= _META


def sniff(content: Content) -> bool:
    """Whether the first record has a Strava activity's start, type and time."""
    told = content.json
    return _is_one(told[0] if isinstance(told, list) and told else told)


def read(content: Content) -> Reading:
    """One activity a record.

    Raises:
        UnreadableTrainingError: there is neither a list nor an object in it.
    """
    told = content.json
    if not isinstance(told, list | Mapping):
        raise UnreadableTrainingError(content.name, "It is no JSON of Strava's.")
    return read_records(in_list(told), _activity, content=content, reader=ID)


def _activity(record: Record) -> Activity | None:
    if record.told.keys() <= _META:
        record.doubt("empty-record")
        return None
    record.take("id", id_of, "id")
    record.take("started_at", utc_of_text, "start_date")
    record.take("clock_at_start", clock_of_text, "start_date_local")
    if record.known("clock_at_start") is None:
        _put_clock(record)
    record.take("distance_mm", mm_of, "distance")
    record.take("duration_ms", ms_of, *_TIMES)
    record.take("elapsed_ms", ms_of, "elapsed_time")
    record.take("ascent_m", ascent_of, "total_elevation_gain")
    record.take("effort", effort_of, "perceived_exertion")
    if record.says("manual"):
        record.mark_manual(path="manual")
    return record.activity(_sport(record), id_space="strava", device=record.text("device_name"))


def _sport(record: Record) -> Sport:
    sport = sport_of_platform(record.text("sport_type", "type"))
    return "run_treadmill" if sport == "run" and record.says("trainer") else sport


def _put_clock(record: Record) -> None:
    """The runner's clock from the offset, or from the zone's name; '(GMT-08:00)' before it knows no summer time."""
    moment: datetime | None = record.known("started_at")
    offset_s = look_up(record.told, "utc_offset")
    record.put("clock_at_start", clock_of(moment, offset_s=offset_s), path="utc_offset")
    told = record.text("timezone")
    zone = None if told is None else load_time_zone(told.rpartition(" ")[2])
    if moment is None or zone is None:
        return
    try:
        local = moment.astimezone(zone)
    except (ValueError, OverflowError):
        return
    record.put("clock_at_start", local.replace(tzinfo=None), path="timezone")


READER: Final = Reader(
    id=ID,
    title="Strava API",
    media_types=("application/vnd.joint-risk.strava+json",),
    suffixes=(".json",),
    sniff=sniff,
    read=read,
)
