"""The day of the score and the day of every run are the runner's own, whatever zone the clock was in."""

from datetime import date

import pytest

from tests.unit.requests import TODAY, Json, day, doubts, faults, read, reading, run, wire

UNSURE = "local-day-unsure"


def without_day(runner: Json | None = None, training: Json | None = None) -> Json:
    request = wire(runner, training)
    del request["as_of"]
    return request


# --- as_of ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_of", ["2000-01-01", "2026-11-22", "2026-11-23", "2026-11-24"])
def test_a_day_between_2000_and_tomorrow_in_utc_can_be_asked_for(as_of: str) -> None:
    assert read(wire(as_of=as_of)).as_of == date.fromisoformat(as_of)


@pytest.mark.parametrize("as_of", ["1999-12-31", "0001-01-01", "2026-11-25", "9999-12-31"])
def test_a_day_before_2000_or_after_tomorrow_is_refused(as_of: str) -> None:
    assert faults(wire(as_of=as_of)) == [("/as_of", "out-of-range")]


@pytest.mark.parametrize(
    ("training", "as_of"),
    [
        ({}, TODAY),
        ({"sessions": []}, TODAY),
        ({"sessions": [run(9), run(2)]}, TODAY),
        ({"sessions": [run(0)]}, TODAY),
        ({"sessions": [run(-1), run(3)]}, date(2026, 11, 24)),
        ({"sessions": [{"started_at": "2026-11-24T06:30:00+13:00"}]}, date(2026, 11, 24)),
        ({"weekly_distance_m": [20_000]}, TODAY),
    ],
)
def test_without_a_day_it_is_today_or_the_day_of_the_last_run_if_that_is_tomorrow(training: Json, as_of: date) -> None:
    assert read(without_day({}, training)).as_of == as_of
    assert read({**without_day({}, training), "as_of": None}).as_of == as_of


def test_without_a_day_a_run_after_tomorrow_is_refused_and_does_not_move_the_day() -> None:
    assert faults(without_day({}, {"sessions": [run(-2), run(-1)]})) == [("/training/sessions/0", "after-as-of")]
    assert faults(without_day({}, {"sessions": [run(-2)]})) == [("/training/sessions/0", "after-as-of")]


def test_a_day_in_the_past_refuses_every_run_after_it() -> None:
    request = wire({}, {"sessions": [run(3), run(2), run(1)], "observed_from": day(3)}, as_of=day(2))
    assert faults(request) == [("/training/sessions/2", "after-as-of")]


# --- local days ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("started_at", "zone", "local"),
    [
        ("2026-11-20T23:30:00-05:00", None, "2026-11-20"),
        ("2026-11-20T00:30:00+13:00", None, "2026-11-20"),
        ("2026-11-20T00:30:00+05:45", "America/New_York", "2026-11-20"),  # its own offset is the runner's
        ("2026-11-20T23:30:00Z", "Pacific/Auckland", "2026-11-21"),
        ("2026-11-20T03:30:00Z", "America/Los_Angeles", "2026-11-19"),
        ("2026-11-20T03:30:00+00:00", "America/Los_Angeles", "2026-11-19"),
        ("2026-11-20T23:30:00Z", "Europe/London", "2026-11-20"),
        ("2026-07-20T23:30:00Z", "Europe/London", "2026-07-21"),  # summer time
        ("2026-11-20T23:30:00Z", "UTC", "2026-11-20"),
    ],
)
def test_a_run_is_of_the_local_day_of_its_start(started_at: str, zone: str | None, local: str) -> None:
    zoned = {} if zone is None else {"time_zone": zone}
    taken = read(wire({}, {"sessions": [{"started_at": started_at}], **zoned}))
    (session,) = taken.request.training.sessions or []
    assert session.started_on == date.fromisoformat(local)
    assert taken.findings == []


@pytest.mark.parametrize("started_at", ["2026-11-20T23:30:00Z", "2026-11-20T23:30:00+00:00"])
def test_a_start_in_utc_without_a_zone_is_of_the_day_in_utc_and_said_to_be_unsure(started_at: str) -> None:
    taken = read(wire({}, {"sessions": [run(5), {"started_at": started_at}]}))
    assert (taken.request.training.sessions or [])[1].started_on == date(2026, 11, 20)
    (finding,) = taken.findings
    assert (finding.pointer, finding.code, finding.severity) == ("/training/sessions/1/started_at", UNSURE, "info")


@pytest.mark.parametrize(
    "session",
    [
        {"started_at": "2026-11-20T07:30:00Z", "started_on": "2026-11-20"},
        {"started_at": "2026-11-20T07:30:00-08:00", "started_on": "2026-11-20"},
    ],
)
def test_a_start_and_its_day_that_agree_leave_no_doubt(session: Json) -> None:
    assert doubts(wire({}, {"sessions": [session]})) == []


@pytest.mark.parametrize(
    ("session", "zone"),
    [
        ({"started_at": "2026-11-20T07:30:00Z", "started_on": "2026-11-21"}, None),
        ({"started_at": "2026-11-20T23:30:00-08:00", "started_on": "2026-11-21"}, None),
        ({"started_at": "2026-11-20T23:30:00Z", "started_on": "2026-11-20"}, "Asia/Tokyo"),
    ],
)
def test_a_start_and_its_day_that_contradict_each_other_are_refused(session: Json, zone: str | None) -> None:
    request = wire({}, {"sessions": [run(9), session], "time_zone": zone})
    assert faults(request) == [("/training/sessions/1/started_on", "contradiction")]


def test_a_session_keeps_the_day_it_was_given() -> None:
    request = wire({}, {"sessions": [run(4, 5000), {"started_at": "2026-11-20T01:00:00+09:00"}]})
    sessions = read(request).request.training.sessions or ()
    assert [session.started_on for session in sessions] == [date(2026, 11, 19), date(2026, 11, 20)]


@pytest.mark.parametrize(
    "zone",
    [
        "Mars/Olympus",
        "Europe",
        "../etc/passwd",
        "/etc/localtime",
        "localtime",
        "right/UTC",
        "europe/london",
        "UTC\0",
        "é",
    ],
)
def test_a_zone_that_nobody_knows_is_refused(zone: str) -> None:
    assert faults(wire({}, {"time_zone": zone})) == [("/training/time_zone", "unknown-time-zone")]


def test_the_local_day_decides_which_week_a_run_counts_in() -> None:
    start = "2026-11-16T20:00:00Z"
    training = {"sessions": [{"started_at": start, "distance_m": 9_000}], "observed_from": "2026-11-01"}
    in_london = wire({}, {**training, "time_zone": "Europe/London"})
    in_auckland = wire({}, {**training, "time_zone": "Pacific/Auckland"})
    assert reading("weekly_distance_m", in_london) == (0, 1000)
    assert reading("weekly_distance_m", in_auckland) == (9_000_000, 1000)


def test_a_start_on_the_first_or_the_last_day_that_dates_can_hold_is_read_or_refused_by_its_place() -> None:
    first = "0001-01-01T00:30:00Z"
    assert doubts(wire({}, {"sessions": [{"started_at": first}]})) == [("/training/sessions/0/started_at", UNSURE)]
    last = wire({}, {"sessions": [{"started_at": "9999-12-31T23:30:00Z"}]})
    assert faults(last) == [("/training/sessions/0", "after-as-of")]


@pytest.mark.parametrize(
    ("started_at", "zone"),
    [("0001-01-01T00:30:00Z", "America/New_York"), ("9999-12-31T23:30:00Z", "Asia/Tokyo")],
)
def test_a_start_whose_local_day_no_calendar_holds_is_refused_by_its_place(started_at: str, zone: str) -> None:
    request = wire({}, {"sessions": [{"started_at": started_at}], "time_zone": zone})
    assert all(pointer.startswith("/training/sessions/0") for pointer, _ in faults(request))


@pytest.mark.parametrize(
    ("as_of", "training"),
    [
        ("9999-12-31", {"planned_run": {"distance_m": 9000}}),
        ("9999-12-01", {"planned_run": {"distance_m": 9000}}),
        (
            "0001-01-01",
            {"sessions": [{"started_on": "0001-01-01", "distance_m": 9000}], "weekly_distance_m": [9000, 9000]},
        ),
    ],
)
def test_a_day_at_the_end_of_all_calendars_is_refused_like_any_other(as_of: str, training: Json) -> None:
    assert ("/as_of", "out-of-range") in faults(wire({}, training, as_of=as_of))


@pytest.mark.parametrize("digits", ["20261120", "1763600000"])
def test_a_start_of_mere_digits_is_no_moment(digits: str) -> None:
    request = wire({}, {"sessions": [{"started_at": digits, "distance_m": 9000}]})
    assert faults(request) == [("/training/sessions/0/started_at", "not-a-date")]
