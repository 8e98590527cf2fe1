"""A body is refused with all its faults at once, without its values, however odd or hostile it is."""

import json
import time

import pytest

from app.errors import InvalidInputError
from tests.unit.requests import TODAY, Json, day, faults, log, read, run, wire

NOT_JSON = [("", "not-json")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"runner=41",
        b'{"runner": {}, "training": {},}',
        b'{"runner": {}, "training": {}} {}',
        b"{'runner': {}}",
        b'\xef\xbb\xbf{"runner": {}, "training": {}}',
        b'{"runner": {"sex": "\xff"}, "training": {}}',
        '{"runner": {}, "training": {}}'.encode("utf-16"),
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"runner": ' * 100_000,
        b'{"runner": {"sleep_hours": 6.5.1}, "training": {}}',
    ],
)
def test_a_body_that_is_not_json_is_refused_as_that(body: bytes) -> None:
    assert faults(body) == NOT_JSON


@pytest.mark.parametrize("body", [b"[]", b"[{}]", b"null", b"true", b"41", b'"runner"', b"NaN"])
def test_json_that_is_no_object_is_refused_as_that(body: bytes) -> None:
    assert faults(body) == [("", "wrong-type")]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
@pytest.mark.parametrize("field", ["sleep_hours", "mass_kg", "plank_seconds"])
def test_a_number_that_is_none_is_refused_where_it_stands(field: str, number: str) -> None:
    body = f'{{"runner": {{"{field}": {number}, "age_years": 4}}, "training": {{}}}}'.encode()
    assert sorted(faults(body)) == [("/runner/age_years", "out-of-range"), (f"/runner/{field}", "not-finite")]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("NaN", "wrong-type"),
        ("-Infinity", "wrong-type"),
        ("1e999", "wrong-type"),
        ("1e300", "out-of-range"),
        ("1" + "0" * 400, "out-of-range"),
        ("-0.5", "wrong-type"),
    ],
)
def test_a_whole_number_that_is_none_is_refused_where_it_stands(number: str, code: str) -> None:
    body = f'{{"runner": {{"knee": {{"pain_now": {number}}}}}, "training": {{}}}}'.encode()
    assert faults(body) == [("/runner/knee/pain_now", code)]


def test_a_number_in_the_training_that_is_none_is_refused_where_it_stands() -> None:
    body = (
        b'{"as_of": "2026-11-23", "runner": {}, "training": {"weekly_distance_m": [1000, NaN], '
        b'"sessions": [{"started_on": "2026-11-20", "distance_m": Infinity}]}}'
    )
    assert sorted(faults(body)) == [
        ("/training/sessions/0/distance_m", "not-finite"),
        ("/training/weekly_distance_m/1", "not-finite"),
    ]


def test_ten_faults_are_named_at_once() -> None:
    request = wire(
        {
            "age_years": 3,
            "sex": "unsaid",
            "colour": "red",
            "knee": {"history": "never", "months_since": 4, "pain_now": 12},
        },
        {
            "sessions": [{"distance_m": 9000}, run(-2, 9000), run(4, 400_000, duration_s=1_200)],
            "observed_from": "yesterday",
            "time_zone": "Mars/Olympus",
        },
    )
    assert sorted(faults(request)) == [
        ("/runner/age_years", "out-of-range"),
        ("/runner/colour", "unknown-field"),
        ("/runner/knee/months_since", "contradiction"),
        ("/runner/knee/pain_now", "out-of-range"),
        ("/runner/sex", "not-a-choice"),
        ("/training/observed_from", "not-a-date"),
        ("/training/sessions/0", "missing"),
        ("/training/sessions/1", "after-as-of"),
        ("/training/sessions/2", "impossible-speed"),
        ("/training/time_zone", "unknown-time-zone"),
    ]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (  # a list that is too long is cut, and what is left is looked at
            wire({}, {"sessions": [run(3, -1)] + [run(4, 5)] * 2_000}),
            [("/training/sessions", "too-many"), ("/training/sessions/0/distance_m", "out-of-range")],
        ),
        (  # of too many weeks the youngest are looked at
            wire({}, {"weekly_distance_m": [-1] + [5] * 103 + [-1]}),
            [("/training/weekly_distance_m", "too-many"), ("/training/weekly_distance_m/103", "out-of-range")],
        ),
        (  # a runner that is none hides nothing of the training
            {"runner": 5, "training": {"observed_from": "soon"}, "as_of": str(TODAY)},
            [("/runner", "wrong-type"), ("/training/observed_from", "not-a-date")],
        ),
        (  # a planned run without its distance still has a day
            wire({}, {"planned_run": {"on": day(1)}}),
            [("/training/planned_run/distance_m", "missing"), ("/training/planned_run/on", "out-of-range")],
        ),
        (  # a session whose day is malformed does not also lack a day
            wire({}, {"sessions": [{"started_on": "soon", "distance_m": 5}, {"distance_m": 5}]}),
            [("/training/sessions/0/started_on", "not-a-date"), ("/training/sessions/1", "missing")],
        ),
        (
            wire({}, {"sessions": [{"started_at": "2026-11-20T07:00:00", "distance_m": 5}]}),
            [("/training/sessions/0/started_at", "missing-offset")],
        ),
        (  # a session that is none, and one after the day of the score
            wire({}, {"sessions": [7, run(-1, 5000)]}),
            [("/training/sessions/0", "wrong-type"), ("/training/sessions/1", "after-as-of")],
        ),
        (  # of symptoms, each that is malformed, and the contradiction beside them
            wire({"knee": {"symptoms": ["A", 5], "surgery": "none", "surgery_months_since": 3}}),
            [
                ("/runner/knee/surgery_months_since", "contradiction"),
                ("/runner/knee/symptoms/0", "malformed"),
                ("/runner/knee/symptoms/1", "wrong-type"),
            ],
        ),
        (
            wire({"symptoms": ["gen_chest_syncope"] * 65, "age_years": 2}),
            [("/runner/age_years", "out-of-range"), ("/runner/symptoms", "too-many")],
        ),
    ],
)
def test_one_fault_does_not_hide_another(request_: Json, expected: list[tuple[str, str]]) -> None:
    assert sorted(faults(request_)) == expected


def test_a_fault_is_named_once() -> None:
    named = faults(wire({"knee": {"symptoms": [5, 5]}, "age_years": "x"}, {"weekly_distance_m": ["a", None, "b"]}))
    assert len(named) == len(set(named)) == 5


@pytest.mark.parametrize(
    ("name", "pointer"),
    [
        ("shoe_size", "/runner/shoe_size"),
        ("x" * 64, "/runner/" + "x" * 64),
        ("x" * 65, "/runner"),
        ("Shoe", "/runner"),
        ("jane@example.org", "/runner"),
        ("a/b~c", "/runner"),
        ("", "/runner"),
        ("\u0000", "/runner"),
    ],
)
def test_an_unknown_name_is_repeated_only_if_it_is_short_and_plain(name: str, pointer: str) -> None:
    assert faults(wire({name: 1})) == [(pointer, "unknown-field")]


def test_an_unknown_name_at_the_top_is_repeated_only_if_it_is_short_and_plain() -> None:
    assert faults({**wire(), "Jane Doe": 1}) == [("", "unknown-field")]


def test_the_values_of_a_runner_never_stand_in_a_fault() -> None:
    secret = "a-secret-of-the-runner"
    request = wire(
        {
            "sex": secret, "age_years": secret, "knee": {"history": secret, "symptoms": [secret.upper()]},
            "height_m": 777.125, secret.upper(): secret, "symptoms": secret,
        },
        {
            "observed_from": secret, "time_zone": secret, "weekly_distance_m": [secret],
            "sessions": [{"started_on": secret, "started_at": secret, "distance_m": 777_125_000}, secret],
        },
    )  # fmt: skip
    with pytest.raises(InvalidInputError) as refused:
        read(request)
    assert len(refused.value.faults) >= 13
    told = f"{refused.value} {refused.value.message} {refused.value.faults}".lower()
    assert secret not in told
    assert "777" not in told


# --- unknown fields, reported --------------------------------------------------------------------------------------


def test_unknown_fields_can_be_reported_and_passed_over() -> None:
    request = wire(
        {"sleep_hours": 6.5, "colour": "red", "knee": {"pain": 3, "pain_now": 2}, "Jane": 1},
        {"sessions": [run(3, 8000, mood="good")], "club": {"name": "x"}},
        weather="wet",
    )
    taken = read(request, unknown_fields="report")
    assert sorted((finding.pointer, finding.code, finding.severity) for finding in taken.findings) == [
        ("/runner", "unknown-field", "warning"),
        ("/runner/colour", "unknown-field", "warning"),
        ("/runner/knee/pain", "unknown-field", "warning"),
        ("/training/club", "unknown-field", "warning"),
        ("/training/sessions/0/mood", "unknown-field", "warning"),
        ("/weather", "unknown-field", "warning"),
    ]
    known = wire({"sleep_hours": 6.5, "knee": {"pain_now": 2}}, {"sessions": [run(3, 8000)]})
    assert taken.request == read(known).request
    assert taken.as_of == TODAY


def test_of_very_many_unknown_fields_a_hundred_are_reported_and_that_there_were_more() -> None:
    found = read(wire({f"k{number}": 0 for number in range(100)}), unknown_fields="report").findings
    assert [finding.code for finding in found] == ["unknown-field"] * 100
    found = read(wire({f"k{number}": 0 for number in range(500)}), unknown_fields="report").findings
    assert [finding.code for finding in found] == ["unknown-field"] * 100 + ["unknown-fields-left-out"]
    assert (found[-1].pointer, found[-1].severity) == ("", "warning")


def test_a_fault_beside_reported_fields_still_refuses_the_request() -> None:
    request = wire({"colour": "red", "age_years": 2})
    assert faults(request, unknown_fields="report") == [("/runner/age_years", "out-of-range")]


def test_reported_fields_stand_before_the_other_findings() -> None:
    request = wire({"colour": "red"}, log(run(3, 10_000, duration_s=1_400)))
    found = [finding.code for finding in read(request, unknown_fields="report").findings]
    assert found == ["unknown-field", "doubtful-pace"]


def test_a_contradiction_beside_reported_fields_still_refuses_the_request() -> None:
    request = wire({"colour": "red", "knee": {"history": "never", "months_since": 2}})
    assert faults(request, unknown_fields="report") == [("/runner/knee/months_since", "contradiction")]


# --- bodies made to hurt -------------------------------------------------------------------------------------------

MIB = 1_048_576
SECONDS_TO_REFUSE = 20  # far more than it takes, far less than a walk that is not linear would take


def _refused_within(body: bytes, *, unknown_fields: str = "refuse") -> int:
    began = time.process_time()
    try:
        read(body, unknown_fields="report" if unknown_fields == "report" else "refuse")
        found = 0
    except InvalidInputError as refused:
        found = len(refused.faults)
    assert time.process_time() - began < SECONDS_TO_REFUSE
    return found


def test_a_mebibyte_of_junk_keys_is_refused_without_delay() -> None:
    keys = ",".join(f'"k{number}":0' for number in range(MIB // 11))
    body = f'{{"runner":{{{keys}}},"training":{{}}}}'.encode()
    assert _refused_within(body) == MIB // 11


def test_a_mebibyte_of_junk_keys_is_passed_over_without_delay() -> None:
    keys = ",".join(f'"K{number}":0' for number in range(MIB // 11))
    body = f'{{"runner":{{{keys}}},"training":{{}}}}'.encode()
    assert _refused_within(body, unknown_fields="report") == 0


def test_a_mebibyte_of_one_key_is_read_without_delay() -> None:
    keys = ",".join(['"k":0'] * (MIB // 6))
    assert _refused_within(f'{{"runner":{{{keys}}},"training":{{}}}}'.encode()) == 1


def test_a_mebibyte_of_broken_sessions_is_refused_without_delay() -> None:
    sessions = ",".join(["{}"] * (MIB // 3))
    body = f'{{"runner":{{}},"training":{{"sessions":[{sessions}]}}}}'.encode()
    assert _refused_within(body) == 2_001


def test_two_thousand_sessions_with_a_fault_each_are_all_named() -> None:
    sessions = [{"started_on": day(number % 300), "distance_m": -1} for number in range(2_000)]
    named = faults(wire({}, {"sessions": sessions}))
    assert len(named) == 2_000
    assert set(named) == {(f"/training/sessions/{place}/distance_m", "out-of-range") for place in range(2_000)}


def test_faults_inside_faults_are_looked_for_until_there_are_none() -> None:
    body = json.dumps({"runner": {"knee": {"symptoms": [[[[]]]]}}, "training": {"sessions": [[[]], {}]}}).encode()
    assert sorted(faults(body)) == [
        ("/runner/knee/symptoms/0", "wrong-type"),
        ("/training/sessions/0", "wrong-type"),
        ("/training/sessions/1", "missing"),
    ]
