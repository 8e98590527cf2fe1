"""Platforms' tables: units that nothing names, languages, old and cut columns, and dialects of any spreadsheet."""

import csv
import io
from unicodedata import normalize

import pytest

from app.errors import UnreadableTrainingError
from app.readers import READERS, read_content
from app.readers.content import Content
from app.readers.table_dates import day_order, moment_of_cell
from app.readers.tables import decimal_mark, local_number
from tests.unit.platform_samples import codes, only, read, sample

GARMIN = "Activity Type,Date,Favorite,Title,Distance,Calories,Time,Avg Run Cadence,Avg Stride Length\n"


def _cells(name: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(sample(name).text, newline="")))


def _written(rows: list[list[str]], delimiter: str = ",") -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue()


def test_stravas_second_distance_counts_and_the_first_is_for_people() -> None:
    run = read_content(sample("strava-export-de.csv")).activities[0]
    assert run.distance_mm == 8_214_600
    assert run.provenance["distance_mm"].field == "row 2.Distance (second)"
    assert run.provenance["duration_ms"].field == "row 2.Moving Time"


def test_the_widest_sample_has_94_columns_and_html_in_a_header_cell() -> None:
    (header, *_) = _cells("strava-export-2024-en.csv")
    assert len(header) == 94
    assert "<span" in header[44]


@pytest.mark.parametrize("name", ["strava-export-2024-en.csv", "strava-export-de.csv", "strava-export-nl.csv"])
def test_a_wide_export_is_read_without_its_header(name: str) -> None:
    rows = _cells(name)
    whole, headless = (read(_written(told), reader="strava-export") for told in (rows, rows[1:]))
    assert [run.distance_mm for run in headless.activities] == [run.distance_mm for run in whole.activities]
    assert [run.started_at for run in headless.activities] == [run.started_at for run in whole.activities]
    assert [run.effort for run in headless.activities] == [run.effort for run in whole.activities]


def test_a_wide_export_in_a_language_that_nobody_wrote_down_is_read_by_its_order() -> None:
    rows = _cells("strava-export-de.csv")
    elapsed, distance = rows[0][5], rows[0][6]
    rows[0] = [f"ĉ{place}" for place in range(len(rows[0]))]
    for place in (5, 15):
        rows[0][place] = f"ĉ{elapsed}"
    for place in (6, 17):
        rows[0][place] = f"ĉ{distance}"
    for row in rows[1:]:
        row[3] = f"ĉ{row[3]}"
    reading = read(_written(rows), reader="strava-export")
    assert [run.distance_mm for run in reading.activities[:3]] == [8_214_600, 5_012_300, 21_097_800]
    assert {run.sport for run in reading.activities} == {"unknown"}
    assert reading.activities[0].effort == 4.0


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", ["strava-export-de.csv", "garmin-connect-de.csv"])
def test_a_spreadsheets_separators_and_encodings_do_not_matter(name: str, delimiter: str, encoding: str) -> None:
    raw = _written(_cells(name), delimiter=delimiter).encode(encoding)
    reading = read_content(Content(raw, name="x.csv"))
    assert [run.distance_mm for run in reading.activities] == [
        run.distance_mm for run in read_content(sample(name)).activities
    ]


def _old(*rows: str) -> str:
    return "Activity ID,Activity Date,Activity Name,Activity Type,Elapsed Time,Distance\n" + "\n".join(rows)


@pytest.mark.parametrize(
    ("distance", "mm", "unit"),
    [("8.21", 8_210_000, "kilometres"), ("8214.6", 8_214_600, "metres"), ('"1,025.5"', 1_025_500, "metres")],
)
def test_a_single_distance_without_speed_goes_by_its_size_and_says_so(distance: str, mm: int, unit: str) -> None:
    reading = read(_old(f'160001,"Nov 2, 2026, 5:40:12 AM",x,Run,2790,{distance}'), reader="strava-export")
    assert only(reading).distance_mm == mm
    (found,) = reading.findings
    assert found.code == "unit-guessed"
    assert unit in found.detail


@pytest.mark.parametrize(
    ("distance", "mm", "findings"),
    [("8.21", 8_210_000, {}), ("5.10", 8_207_654, {"unit-guessed": 1}), ("8214.6", 8_214_600, {})],
)
def test_a_single_distance_with_speed_is_in_the_unit_that_agrees_with_it(
    distance: str, mm: int, findings: dict[str, int]
) -> None:
    header = "Activity ID,Activity Date,Activity Name,Activity Type,Moving Time,Distance,Average Speed\n"
    row = f'160001,"Nov 2, 2026, 5:40:12 AM",x,Run,2712,{distance},3.029\n'
    reading = read(header + row, reader="strava-export")
    assert only(reading).distance_mm == mm
    assert codes(reading) == findings


def test_a_second_distance_that_only_repeats_the_first_is_not_taken_for_metres() -> None:
    rows = _cells("strava-export-de.csv")
    for row in rows[1:]:
        row[17] = row[6].replace(",", ".")
    reading = read(_written(rows), reader="strava-export")
    assert [run.distance_mm for run in reading.activities[:3]] == [8_210_000, 5_010_000, 21_090_000]


def test_two_distances_that_differ_are_a_finding() -> None:
    rows = _cells("strava-export-2024-en.csv")
    rows[1][17] = "9999.0"
    reading = read(_written(rows), reader="strava-export")
    assert reading.activities[0].distance_mm == 9_999_000
    assert codes(reading) == {"distance-disagrees": 1}


@pytest.mark.parametrize(
    ("name", "unit"), [("garmin-connect-miles.csv", "miles"), ("garmin-connect-fr-no-stride.csv", "kilometres")]
)
def test_garmins_unit_is_worked_out_from_strides_or_said_to_be_taken(name: str, unit: str) -> None:
    (found,) = read_content(sample(name)).findings
    assert (found.code, found.count) == ("unit-guessed", 1)
    assert unit in found.detail


def test_garmins_kilometres_are_no_doubt_where_strides_say_so() -> None:
    assert read_content(sample("garmin-connect-km.csv")).findings == []


def test_climbs_of_an_account_in_miles_are_feet_and_left_out() -> None:
    assert {run.ascent_m for run in read_content(sample("garmin-connect-miles.csv")).activities} == {None}


@pytest.mark.parametrize(
    ("time", "ms"), [("00:45:12", 2_712_000), ("45:12", 2_712_000), ("4:47.8", 287_800), ("00:04:06,7", 246_700)]
)
def test_garmins_times_with_hours_or_fractions(time: str, ms: int) -> None:
    row = f'Running,2026-11-02 06:40:12,false,x,"8.21","410","{time}","168","1.08"\n'
    assert only(read(GARMIN + row, reader="garmin-csv")).duration_ms == ms


def test_what_garmin_did_not_measure_is_unknown() -> None:
    reading = read(GARMIN + "Running,2026-11-02 06:40:12,false,x,--,--,--,--,--\n", reader="garmin-csv")
    run = only(reading)
    assert (run.distance_mm, run.duration_ms, str(run.clock_at_start)) == (None, None, "2026-11-02 06:40:12")


def test_garmins_pool_is_in_metres() -> None:
    rows = 'Pool Swim,2026-11-02 06:40:12,false,x,"1,500","300","00:40:00","--","--"\n'
    assert only(read(GARMIN + rows, reader="garmin-csv")).distance_mm == 1_500_000


def test_garmins_table_of_ten_years_ago_is_read_by_name() -> None:
    told = 'Activity Name,Activity Type,Start,Time,Distance\nx,Running,"Mon, Jun 30, 2014 7:03 AM",20:46,"2,94"\n'
    run = only(read(told, reader="garmin-csv"))
    assert (run.distance_mm, run.duration_ms, str(run.clock_at_start)) == (2_940_000, 1_246_000, "2014-06-30 07:03:00")


@pytest.mark.parametrize(
    ("first", "second", "clock"),
    [("07/04/2026 15:36", "25/04/2026 15:36", "2026-04-07"), ("7/4/2026 15:36", "7/25/2026 15:36", "2026-07-04")],
)
def test_day_and_month_stand_as_the_rest_of_the_column_shows(first: str, second: str, clock: str) -> None:
    rows = "".join(f"Running,{date},false,x,8.21,410,00:45:12,168,1.08\n" for date in (first, second))
    run = read(GARMIN + rows, reader="garmin-csv").activities[0]
    assert str(run.clock_at_start).startswith(clock)


def test_a_day_that_may_be_a_month_is_not_guessed() -> None:
    row = "Running,7/4/2026 15:36,false,x,8.21,410,00:45:12,168,1.08\n"
    assert only(read(GARMIN + row, reader="garmin-csv")).clock_at_start is None


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("Sep 20, 2026, 2:12:12 PM", "2026-09-20 14:12:12"),
        ("Sep 20, 2026, 12:00:05\u202fAM", "2026-09-20 00:00:05"),
        ("20 Sept 2026, 14:12:12", "2026-09-20 14:12:12"),
        ("20.09.2026, 14:12:12", "2026-09-20 14:12:12"),
        ("9 mei 2026, 00:03:01", "2026-05-09 00:03:01"),
        ("6 mrt. 2024 14:23:15", "2024-03-06 14:23:15"),
        ("3 févr. 2026 à 13:50:09", "2026-02-03 13:50:09"),
        ("20 juil. 2026, 10:05:32", "2026-07-20 10:05:32"),
        ("2 oct 2026, 8:06:13", "2026-10-02 08:06:13"),
        ("25 de out. de 2026 11:33:58", "2026-10-25 11:33:58"),
        ("22 giu 2026, 05:51:26", "2026-06-22 05:51:26"),
        ("12. mars 2026 kl. 07.15", "2026-03-12 07:15:00"),
        ("lun., 30 juin 2014 7:03", "2014-06-30 07:03:00"),
        ("2018-11-27 19:11:32", "2018-11-27 19:11:32"),
        ("20. Sep 1926, 14:12", "None"),
        ("31 feb 2026, 10:00:00", "None"),
        ("20 jui 2026, 10:00:00", "None"),
        ("Sep 20, 2026, 14:12:12 PM", "None"),
        ("99999999999999999999", "None"),
        ("", "None"),
    ],
)
def test_dates_of_a_dozen_languages(told: str, expected: str) -> None:
    assert str(moment_of_cell(told, order=day_order([told]))) == expected


@pytest.mark.parametrize(
    ("cells", "told", "expected"),
    [
        (["5,81", "1,025"], "1,025", 1.025),
        (["5.81", "1,025"], "1,025", 1025.0),
        (["1.025,30"], "1.025", 1025.0),
        (["12,71", "1 025,30"], "1\u202f025,30", 1025.3),
        (["5.81"], "1'025.3", 1025.3),
        (["--", "0"], "0", 0.0),
        (["5.81"], "5:41", None),
        (["5.81"], "-3", None),
        (["5.81"], "nan", None),
        (["5.81"], "9" * 50, None),
        (["5,81"], "1,2,3", None),
    ],
)
def test_numbers_in_the_digits_of_a_locale(cells: list[str], told: str, expected: float | None) -> None:
    assert local_number(told, mark=decimal_mark(cells)) == expected


TABLES = ("strava-export", "garmin-csv", "intervals-icu")


@pytest.mark.parametrize("reader", TABLES)
@pytest.mark.parametrize("raw", [b"", b"\0,\0,\0", b"a,b,c\n1,2,3", b"7", b"<a>,b,c", b'"' + b"," * 9, b"\xff\xfe,,\n"])
def test_what_is_no_such_table_is_refused_by_name(reader: str, raw: bytes) -> None:
    content = Content(raw, name="C:\\runs\\x.csv")
    assert not READERS[reader].sniff(content)
    with pytest.raises(UnreadableTrainingError) as refused:
        READERS[reader].read(content)
    assert refused.value.source == "x.csv"


@pytest.mark.parametrize("name", ["strava-export-de.csv", "garmin-connect-km.csv", "intervals-icu-activities.csv"])
def test_a_quote_that_never_ends_loses_the_rest_and_says_so(name: str) -> None:
    lines = sample(name).text.splitlines()
    raw = "\n".join([*lines[:3], '"' + "x" * 140_000]).encode()
    reading = read_content(Content(raw, name=name))
    assert len(reading.activities) == 2
    assert codes(reading)["salvaged"] == 1


@pytest.mark.parametrize("name", ["strava-export-de.csv", "garmin-connect-km.csv"])
def test_more_rows_than_a_reading_process_can_hold_are_cut_and_said(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.readers.tables.ROWS_MOST", 3)
    reading = read_content(sample(name))
    assert len(reading.activities) == 2
    assert codes(reading)["salvaged"] == 1


def test_rows_that_are_cut_short_keep_what_they_have() -> None:
    rows = _cells("strava-export-2024-en.csv")
    rows[1] = rows[1][:7]
    run = read(_written(rows), reader="strava-export").activities[0]
    assert (run.distance_mm, run.duration_ms) == (8_210_000, 2_790_000)


@pytest.mark.parametrize(
    ("word", "distance", "sport"),
    [
        ("Corrida", "8,21", "run"),
        ("Ciclismo em local fechado", "14,17", "ride"),
        ("Esqui", "14,17", "other"),
        ("Lenkkeily", "8,21", "unknown"),
        ("Lenkkeily", "0,00", "other"),
    ],
)
def test_a_word_of_a_language_that_is_not_known_may_be_any_sport_that_has_a_distance(
    word: str, distance: str, sport: str
) -> None:
    header = "Tipo de atividade,Data,Favorito,Título,Distância,Calorias,Tempo\n"
    row = f'{word},2026-11-02 06:40:12,false,x,"{distance}","410","00:45:12"\n'
    assert only(read(header + row, reader="garmin-csv")).sport == sport


@pytest.mark.parametrize("row", [b"," * 300_000, b'"\n",' * 80_000])
def test_a_row_longer_than_any_is_cut_and_said(row: bytes) -> None:
    raw = sample("garmin-connect-km.csv").raw
    reading = read_content(Content(raw + row, name="x.csv"))
    assert len(reading.activities) in (6, 7)
    assert codes(reading)["salvaged"] == 1


def test_a_language_is_told_by_the_column_of_the_sports_and_not_by_any_other() -> None:
    # Dutch has a column "Type" too, further on.
    rows = _cells("strava-export-nl.csv")
    rows[1][3] = "Lenkkeily"
    assert read(_written(rows), reader="strava-export").activities[0].sport == "unknown"


@pytest.mark.parametrize("name", ["strava-export-fr.csv", "garmin-connect-fr-no-stride.csv"])
def test_letters_whose_accents_were_taken_apart_are_the_same_letters(name: str) -> None:
    apart = normalize("NFD", sample(name).text)
    assert apart != sample(name).text
    whole = read_content(sample(name)).activities
    assert [run.sport for run in read_content(Content(apart.encode(), name=name)).activities] == [
        run.sport for run in whole
    ]


def test_a_table_that_went_through_a_german_spreadsheet_is_read() -> None:
    told = (
        "sep=;\r\nĉtyp;ĉdato;ĉŝatata;ĉtitolo;ĉdistanco;ĉkalorioj;ĉtempo\r\n"
        "Laufen;02.11.2026 06:40;FALSCH;x;8,21;1.020;00:45:12\r\n"
    )
    run = only(read(told, reader="garmin-csv"))
    assert (run.sport, run.distance_mm, run.duration_ms) == ("run", 8_210_000, 2_712_000)
    assert str(run.clock_at_start) == "2026-11-02 06:40:00"
