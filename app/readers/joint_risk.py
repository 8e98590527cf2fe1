"""Our own JSON: sessions as in `/training/sessions`, a training object, a score request, the answer of an import."""

from datetime import UTC, datetime
from typing import Final

from pydantic import ValidationError

from app.errors import UnreadableTrainingError
from app.readers.activities import Activity, Reader, Reading, ReadingFinding, origins
from app.readers.content import Content
from app.readers.quantities import ascent_of, mm_of, ms_of
from app.runners import Session

ID: Final = "joint-risk"
_MEMBERS: Final = frozenset(Session.model_fields)


def _sessions(told: object) -> tuple[str, list[object]] | None:
    """Where the sessions stand in what was sent, and they; None where there are none of ours."""
    place = ""
    if isinstance(told, dict) and isinstance(told.get("training"), dict):
        told, place = told["training"], "training."
    if isinstance(told, dict) and isinstance(told.get("sessions"), list):
        return f"{place}sessions", told["sessions"]
    if isinstance(told, list) and told and isinstance(told[0], dict) and told[0].keys() <= _MEMBERS:
        return "", told
    return None


def sniff(content: Content) -> bool:
    """Whether there are sessions of ours, of which the first has members of ours only."""
    found = _sessions(content.json)
    if found is None:
        return False
    first = found[1][0] if found[1] else {}
    return isinstance(first, dict) and first.keys() <= _MEMBERS


def read(content: Content) -> Reading:
    """One activity a session; a session that the service would refuse is left out, with a finding.

    Raises:
        UnreadableTrainingError: there are no sessions in it.
    """
    found = _sessions(content.json)
    if found is None:
        raise UnreadableTrainingError(content.name, "It is JSON, and holds no sessions.")
    place, sessions = found
    activities: list[Activity] = []
    refused = 0
    for number, told in enumerate(sessions):
        try:
            # Strictly, as over the wire: dates come as text.
            session = Session.model_validate(told)
        except ValidationError:
            refused += 1
            continue
        activities.append(_activity(session, content, f"{place}[{number}]"))
    findings = []
    if refused:
        detail = "Sessions that POST /v1/scores would refuse were left out."
        findings.append(ReadingFinding("not-an-activity", content.name, detail=detail, count=refused))
    return Reading(activities, findings)


def _activity(session: Session, content: Content, place: str) -> Activity:
    moment = session.started_at
    known: dict[str, object] = {
        "distance_mm": session.distance_m,
        "duration_ms": session.duration_s,
        "effort": session.effort,
    }
    known |= {"ascent_m": session.ascent_m, "effort": session.effort, "started_at": moment}
    known["started_on"] = session.started_on
    names = {"distance_mm": "distance_m", "duration_ms": "duration_s"}
    fields = {name: f"{place}.{names.get(name, name)}" for name, told in known.items() if told is not None}
    return Activity(
        source=content.name,
        reader=ID,
        sport="run",
        id=session.id,
        id_space=None if session.id is None else ID,
        started_at=moment,
        clock_at_start=_clock(moment),
        started_on=session.started_on,
        distance_mm=mm_of(session.distance_m),
        duration_ms=ms_of(session.duration_s),
        ascent_m=ascent_of(session.ascent_m),
        effort=session.effort,
        provenance=origins(content, ID, **fields),
    )


def _clock(moment: datetime | None) -> datetime | None:
    """The runner's clock; a moment in UTC ('Z') says nothing of it."""
    return None if moment is None or moment.utcoffset() == UTC.utcoffset(None) else moment.replace(tzinfo=None)


READER: Final = Reader(
    id=ID,
    title="Joint-risk's own JSON",
    media_types=("application/vnd.joint-risk.training+json", "application/json"),
    suffixes=(".json",),
    sniff=sniff,
    read=read,
)
