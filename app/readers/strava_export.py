"""Strava's bulk export: `activities.csv`, of any year and in any language.

Nobody documents it; what is known of it was seen. Since 2019 its columns stand in one order in every language, and the
elapsed time and the distance stand twice: first as shown to people (kilometres, cut to two decimals, in the locale's
digits), later as numbers (seconds, metres). Dates are UTC, written as the language writes them. Before, there were ten
columns, `id` to `filename`, in metres.
"""

from collections.abc import Mapping
from typing import Final

from app.errors import UnreadableTrainingError
from app.readers.activities import Activity, Reader, Reading, Sport
from app.readers.content import Content
from app.readers.distance_units import METRES, Unit, UnitFound, check_unit, unit_of_ratios
from app.readers.platform_sports import sport_of_foreign_word, sport_of_platform
from app.readers.quantities import ascent_of, mm_of, ms_of, ms_of_text
from app.readers.records import Record, effort_of, id_of, read_records, utc_of_text
from app.readers.table_dates import day_order, moment_of_cell
from app.readers.tables import (
    Row,
    column_key,
    columns_by_name,
    decimal_mark,
    first_rows,
    local_number,
    plain_number,
    read_table,
    without_tags,
)

ID: Final = "strava-export"
_NAMES: Final[dict[str, str]] = {
    "Activity ID": "activityid id aktivitätsid activiteitsid iddelactivité iddeactividad iddelaactividad "
    "iddaatividade iddeatividade idattività iddellattività aktivitetsid",
    "Activity Date": "activitydate date aktivitätsdatum datumvanactiviteit datedelactivité fechadelaactividad "
    "fechadeactividad datadaatividade datadellattività dataattività aktivitetsdato",
    "Activity Type": "activitytype type aktivitätsart activiteitstype typedactivité tipodeactividad "
    "tipodeatividade tipodiattività tipoattività aktivitetstype",
    "Elapsed Time": "elapsedtime verstrichenezeit verstrekentijd tempsécoulé tiempotranscurrido tempodecorrido "
    "tempotrascorso varighed",
    "Moving Time": "movingtime bewegungszeit beweegtijd duréededéplacement tempsdedéplacement tiempoenmovimiento "
    "tempoemmovimento tempodemovimentação tempoinmovimento tidibevægelse",
    "Distance": "distance distanz afstand distancia distância distanza",
    "Average Speed": "averagespeed durchschnittlichegeschwindigkeit gemiddeldesnelheid vitessemoyenne velocidadmedia "
    "velocidadpromedio velocidademédia velocitàmedia",
    "Elevation Gain": "elevationgain höhenzunahme totalestijging hoogtewinst dénivelépositif desnivelpositivo "
    "ganhodeelevação dislivellopositivo",
    "Perceived Exertion": "perceivedexertion gefühlteanstrengung ervareninspanning effortperçu esfuerzopercibido "
    "esforçopercebido sforzopercepito opleveindsats oplevetindsats",
    "Filename": "filename dateiname bestandsnaam nomdufichier nombredelarchivo nombredearchivo nomedoarquivo "
    "nomedelfile nomefile",
}
_ENGLISH: Final = frozenset({"activitytype", "type"})
_ID_CELL_LEAST: Final = 5
_SECOND: Final = "Distance (second)"
_SECOND_ELAPSED: Final = "Elapsed Time (second)"
# Counted from where the elapsed time stands for the second time: beside it in every form, further on in the wide one.
_BESIDE: Final = {_SECOND_ELAPSED: 0, "Moving Time": 1, _SECOND: 2}
_FURTHER: Final = {"Filename": -3, "Average Speed": 4, "Elevation Gain": 5, "Perceived Exertion": 28}
_FROM_START: Final = {"Activity ID": 0, "Activity Date": 1, "Activity Type": 3, "Elapsed Time": 5, "Distance": 6}
_WIDE_SECOND: Final = (13, 15)
"""Where it stands in the wide form, without and with a heart rate and a private note among the first columns."""
_KILOMETRES_MOST: Final = 200.0
"""No runner's usual run is of more kilometres, nor of fewer metres."""
_DISAGREE_SHARE: Final = 0.02
_DISAGREE_M: Final = 20.0


def _second_elapsed(header: list[str], named: Mapping[str, int]) -> int | None:
    """Where the elapsed time stands again, with the distance two columns on as it does in every form."""
    keys = [column_key(without_tags(cell)) for cell in header]
    elapsed = named.get("Elapsed Time", _FROM_START["Elapsed Time"])
    distance = named.get("Distance", _FROM_START["Distance"])
    if max(elapsed, distance) >= len(keys) or not keys[elapsed]:
        return None
    for place in range(max(elapsed, distance) + 1, len(keys) - 2):
        if keys[place] == keys[elapsed] and keys[place + 2] == keys[distance]:
            return place
    return None


def _is_data(row: Row) -> bool:
    """Whether a row is one activity's: an id, then a date."""
    cells = row.cells
    if len(cells) < 7 or not cells[0].isdecimal() or len(cells[0]) < _ID_CELL_LEAST:
        return False
    return moment_of_cell(cells[1], order=day_order([cells[1]]) or "dmy") is not None


def _columns(rows: list[Row]) -> dict[str, int]:
    """Column to place, by name and by the order of the wide form; empty where it is no such table."""
    if not rows:
        return {}
    header = rows[0].cells
    width = len(header)
    if _is_data(rows[0]):
        files = [cells.index(cell) for _, cells in rows for cell in cells if cell.startswith("activities/")]
        return _FROM_START | _placed(files[0] + 3, _BESIDE | _FURTHER, width=width) if files else {}
    named = columns_by_name(header, _NAMES)
    second = _second_elapsed(header, named)
    if second in _WIDE_SECOND and len(rows) > 1 and _is_data(rows[1]):
        named = _FROM_START | _placed(second, _FURTHER, width=width) | named
    is_known = {"Activity ID", "Activity Date", "Activity Type"} <= named.keys()
    if not is_known or not {"Elapsed Time", "Distance"} & named.keys():
        return {}
    return named if second is None else named | _placed(second, _BESIDE, width=width)


def _placed(second: int, columns: Mapping[str, int], *, width: int) -> dict[str, int]:
    return {column: second + further for column, further in columns.items() if 0 <= second + further < width}


def sniff(content: Content) -> bool:
    """Whether the first rows have the export's columns, by name or by their order."""
    return bool(_columns(first_rows(content)))


def read(content: Content) -> Reading:
    """One activity a row.

    Raises:
        UnreadableTrainingError: it is no table, or not of an export's columns.
    """
    rows = first_rows(content)
    columns = _columns(rows)
    if not columns:
        raise UnreadableTrainingError(content.name, "It is no activities.csv of Strava's, or has unknown columns.")
    table, findings = read_table(content, columns, first=1 if _is_data(rows[0]) else 2)
    order = day_order(cells["Activity Date"] for _, cells in table if "Activity Date" in cells)
    mark = decimal_mark(cells["Distance"] for _, cells in table if "Distance" in cells)
    is_english = column_key(rows[0].cells[columns["Activity Type"]]) in _ENGLISH
    records = [(f"row {number}", _record(cells, order=order, mark=mark)) for number, cells in table]
    found = _unit([record for _, record in records], is_old="elapsed_time" in rows[0].cells)
    findings += check_unit(found, source=content.name)
    tells_files = any("Filename" in cells for _, cells in table)

    def map_record(record: Record) -> Activity:
        if tells_files and "Filename" not in record.told:
            # Whatever was recorded left a file; what was typed in did not.
            record.mark_manual(path="Filename")
        return _activity(record, unit=found.unit, is_english=is_english)

    reading = read_records(records, map_record, content=content, reader=ID)
    return Reading(reading.activities, findings + reading.findings)


def _record(cells: Mapping[str, str], *, order: str, mark: str) -> dict[str, object]:
    """A row with its numbers as numbers."""
    record: dict[str, object] = dict(cells)
    moment = moment_of_cell(cells.get("Activity Date", ""), order=order)
    record["Activity Date"] = None if moment is None else moment.isoformat()
    record["Distance"] = local_number(cells.get("Distance", ""), mark=mark)
    for column in (_SECOND, "Average Speed", "Elevation Gain", "Perceived Exertion"):
        record[column] = plain_number(cells.get(column, ""))
    for column in ("Elapsed Time", _SECOND_ELAPSED, "Moving Time"):
        told = cells.get(column, "")
        number = plain_number(told)
        ms = ms_of_text(told) if number is None else None
        record[column] = number if ms is None else ms / 1000
    return record


def _unit(records: list[dict[str, object]], *, is_old: bool) -> UnitFound:
    """The unit of the first distance, from the second, from speed and time, or else from its size."""
    shown = [
        (first, _number(record, _SECOND), _number(record, "Average Speed") * _seconds(record))
        for record in records
        if (first := _number(record, "Distance")) >= 1 and sport_of_platform(record.get("Activity Type")) != "swim"
    ]
    by_second = unit_of_ratios(second / first for first, second, _ in shown)
    by_speed = unit_of_ratios(travelled / first for first, _, travelled in shown)
    if by_second in ("kilometres", "miles"):
        return UnitFound(by_second, "columns")
    if by_speed is not None:
        return UnitFound(by_speed, "arithmetic")
    if is_old or not shown:
        return UnitFound("metres" if is_old else "kilometres", "columns")
    usual = sorted(first for first, _, _ in shown)
    return UnitFound("metres" if usual[len(usual) // 2] > _KILOMETRES_MOST else "kilometres", "none")


def _number(record: Mapping[str, object], column: str) -> float:
    told = record.get(column)
    return float(told) if isinstance(told, int | float) else 0.0


def _seconds(record: Mapping[str, object]) -> float:
    return _number(record, "Moving Time") or _number(record, _SECOND_ELAPSED) or _number(record, "Elapsed Time")


def _activity(record: Record, *, unit: Unit, is_english: bool) -> Activity:
    sport = _sport(record, is_english=is_english)
    record.take("id", id_of, "Activity ID")
    record.take("started_at", utc_of_text, "Activity Date")
    first_m = METRES["metres" if sport == "swim" and unit != "miles" else unit]
    first, second = _number(record.told, "Distance"), _number(record.told, _SECOND)
    if first and second > first * 10:
        # The second column is in metres; where it only repeats the first, it is in the first one's unit.
        record.take("distance_mm", mm_of, _SECOND)
        if abs(first * first_m - second) > max(_DISAGREE_M, _DISAGREE_SHARE * second):
            record.doubt("distance-disagrees", "Of the two distance columns the second counts.")
    record.take("distance_mm", lambda told: mm_of(told, unit_m=first_m), "Distance")
    record.take("distance_mm", mm_of, _SECOND)
    record.take("duration_ms", ms_of, "Moving Time", _SECOND_ELAPSED, "Elapsed Time")
    record.take("elapsed_ms", ms_of, _SECOND_ELAPSED, "Elapsed Time")
    record.take("ascent_m", ascent_of, "Elevation Gain")
    record.take("effort", effort_of, "Perceived Exertion")
    return record.activity(sport, id_space="strava")


def _sport(record: Record, *, is_english: bool) -> Sport:
    """A word that is not known is some other sport in English, and may be any in a language that is not known."""
    word = record.text("Activity Type")
    is_foreign = not is_english and _number(record.told, "Distance") > 0
    return sport_of_foreign_word(word) if is_foreign else sport_of_platform(word)


READER: Final = Reader(
    id=ID,
    title="Strava bulk export (activities.csv)",
    media_types=("application/vnd.joint-risk.strava-export+csv",),
    suffixes=(".csv",),
    sniff=sniff,
    read=read,
)
