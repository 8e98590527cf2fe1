"""Garmin Connect's website: the CSV that "Export CSV" gives of the list of activities.

Nobody documents it; what is known of it was seen. Type, date, favourite, title, distance, calories and time stand
first in every language; what follows depends on the sports in the list. Dates are the runner's clock; distances are in
the account's unit, which is not written; the decimal mark is the account's too; `--` is what was not measured.
"""

from collections.abc import Mapping
from typing import Final

from app.errors import UnreadableTrainingError
from app.readers.activities import Activity, Reader, Reading, Sport
from app.readers.content import Content
from app.readers.distance_units import METRES, Unit, UnitFound, check_unit, unit_of_ratios
from app.readers.platform_sports import sport_of_foreign_word, sport_of_platform
from app.readers.quantities import ascent_of, mm_of, ms_of_text
from app.readers.records import Record, clock_of_text, read_records
from app.readers.table_dates import day_order, moment_of_cell
from app.readers.tables import Row, column_key, columns_by_name, decimal_mark, first_rows, local_number, read_table

ID: Final = "garmin-csv"
_NAMES: Final[dict[str, str]] = {
    "Activity Type": "activitytype aktivitätstyp typedactivité tipodeactividad tipodeatividade tipodiattività "
    "tipoattività activiteitstype activiteittype typeactiviteit aktivitetstyp aktivitetstype typaktywności",
    "Date": "date datum fecha data dato start",
    "Distance": "distance distanz distancia distância distanza afstand distans distanse dystans odległość",
    "Time": "time zeit tiempo durée temps tempo tijd tid czas",
    "Elapsed Time": "elapsedtime verstrichenezeit tiempotranscurrido tempsécoulé duração tempotrascorso "
    "verstrekentijd totaltid",
    "Moving Time": "movingtime zeitinbewegung tiempoenmovimiento tempsdedéplacement tempoemmovimento "
    "tempoinmovimento beweegtijd färdtid",
    "Total Ascent": "totalascent elevgain elevationgain anstieggesamt positiverhöhenunterschied ascensototal "
    "ascensiontotale subidatotal ascesatotale totalestijging totalstigning",
    "Avg Run Cadence": "avgruncadence avgcadence øschrittfrequenzlaufen cadenciadecarreramedia "
    "cadencedecoursemoyenne cadênciadecorridamédia cadenzadicorsamedia cadenzacorsamedia gemiddeldeloopcadans",
    "Avg Stride Length": "avgstridelength øschrittlänge longitudmediadezancada longueurmoyennedesfoulées "
    "comprimentomédiodapassada lunghezzamediafalcata lunghezzamediadellafalcata gemiddeldestaplengte medelsteglängd",
}
_ENGLISH: Final = "activitytype"
_FIRST: Final = {"Activity Type": 0, "Date": 1, "Distance": 4, "Time": 6}
# As Garmin writes it, and as spreadsheets do in whose language it was opened and saved.
_BOOLEANS: Final = (
    "true false wahr falsch vrai faux verdadero falso vero waar onwaar verdadeiro prawda fałsz sant falskt"
)
_FAVOURITE: Final = frozenset(_BOOLEANS.split())
_NOT_MEASURED: Final = frozenset({"", "--"})
_STRIDE_MOST_M: Final = 2.5
_RUNNING: Final = frozenset({"run", "run_track", "run_treadmill"})
"""Where stride and cadence tell the distance; on trails they do so badly."""


def _is_data(row: Row) -> bool:
    """Whether a row is one activity's: a date, whether it is a favourite, a number and a time, each in its place."""
    cells = row.cells
    if len(cells) < 7 or cells[2].lower() not in _FAVOURITE:
        return False
    is_timed = cells[6] in _NOT_MEASURED or ms_of_text(cells[6]) is not None
    is_measured = cells[4] in _NOT_MEASURED or any(local_number(cells[4], mark=mark) is not None for mark in ".,")
    is_dated = moment_of_cell(cells[1], order=day_order([cells[1]]) or "dmy") is not None
    return is_timed and is_measured and is_dated


def _columns(rows: list[Row]) -> dict[str, int]:
    """Column to place, by order where the rows show it, else by name; empty where it is no such table."""
    if not rows:
        return {}
    if _is_data(rows[0]):
        return _FIRST
    named = columns_by_name(rows[0].cells, _NAMES)
    if len(rows) > 1 and _is_data(rows[1]):
        return named | _FIRST
    return named if {"Activity Type", "Date", "Distance", "Time"} <= named.keys() else {}


def sniff(content: Content) -> bool:
    """Whether the first rows have the website's columns, by their order or by name."""
    return bool(_columns(first_rows(content)))


def read(content: Content) -> Reading:
    """One activity a row.

    Raises:
        UnreadableTrainingError: it is no table, or not of the website's columns.
    """
    rows = first_rows(content)
    columns = _columns(rows)
    if not columns:
        raise UnreadableTrainingError(content.name, "It is no CSV of Garmin Connect's, or has unknown columns.")
    has_header = not _is_data(rows[0])
    table, findings = read_table(content, columns, first=2 if has_header else 1)
    order = day_order(cells["Date"] for _, cells in table if "Date" in cells)
    mark = decimal_mark(cells["Distance"] for _, cells in table if "Distance" in cells)
    is_english = column_key(rows[0].cells[columns["Activity Type"]]) == _ENGLISH
    records = [(f"row {number}", _record(cells, order=order, mark=mark)) for number, cells in table]
    found = _unit([record for _, record in records])
    findings += check_unit(found, source=content.name)

    def map_record(record: Record) -> Activity:
        return _activity(record, unit=found.unit, is_english=is_english)

    reading = read_records(records, map_record, content=content, reader=ID)
    return Reading(reading.activities, findings + reading.findings)


def _record(cells: Mapping[str, str], *, order: str, mark: str) -> dict[str, object]:
    """A row with its numbers as numbers."""
    record: dict[str, object] = dict(cells)
    # Accounts before about 2016 have the day of the week in front.
    date = cells.get("Date", "")
    moment = moment_of_cell(date, order=order) or moment_of_cell(date.partition(",")[2], order=order)
    record["Date"] = None if moment is None else moment.replace(tzinfo=None).isoformat()
    for column in ("Distance", "Total Ascent", "Avg Run Cadence", "Avg Stride Length"):
        record[column] = local_number(cells.get(column, ""), mark=mark)
    return record


def _unit(records: list[dict[str, object]]) -> UnitFound:
    """Kilometres or miles, from what stride, cadence and time make of a run; strides are in metres in either."""
    ratios = []
    is_any = False
    for record in records:
        distance, ms = record["Distance"], ms_of_text(record.get("Time"))
        if not isinstance(distance, float) or distance < 1 or ms is None:
            continue
        is_any = True
        stride_m, steps_a_minute = record["Avg Stride Length"], record["Avg Run Cadence"]
        is_run = sport_of_platform(record.get("Activity Type")) in _RUNNING
        if is_run and isinstance(stride_m, float) and isinstance(steps_a_minute, float) and stride_m < _STRIDE_MOST_M:
            ratios.append(stride_m * steps_a_minute * (ms / 60_000) / distance)
    unit = unit_of_ratios(ratios)
    if unit in ("kilometres", "miles"):
        return UnitFound(unit, "arithmetic")
    return UnitFound("kilometres", "none" if is_any else "columns")


def _activity(record: Record, *, unit: Unit, is_english: bool) -> Activity:
    word, distance = record.text("Activity Type"), record.told["Distance"]
    is_foreign = not is_english and isinstance(distance, float) and distance > 0
    sport = sport_of_foreign_word(word) if is_foreign else sport_of_platform(word)
    unit_m = METRES[_unit_of(sport, unit=unit)]
    record.take("clock_at_start", clock_of_text, "Date")
    record.take("distance_mm", lambda told: mm_of(told, unit_m=unit_m), "Distance")
    record.take("duration_ms", ms_of_text, "Time", "Moving Time", "Elapsed Time")
    record.take("elapsed_ms", ms_of_text, "Elapsed Time")
    if unit == "kilometres":
        # Accounts in miles have their climbs in feet.
        record.take("ascent_m", ascent_of, "Total Ascent")
    return record.activity(sport, id_space="garmin")


def _unit_of(sport: Sport, *, unit: Unit) -> Unit:
    """Pools are told in metres by accounts in kilometres."""
    return "metres" if sport == "swim" and unit == "kilometres" else unit


READER: Final = Reader(
    id=ID,
    title="Garmin Connect CSV",
    media_types=("application/vnd.joint-risk.garmin-connect+csv",),
    suffixes=(".csv",),
    sniff=sniff,
    read=read,
)
