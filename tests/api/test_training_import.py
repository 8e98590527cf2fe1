"""`POST /v1/training:import`: files in, a training object out, in a process of its own; one bad file costs no other."""

import gzip
import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.api.training_answers import count_findings, ensure_import
from app.errors import WorkDiedError
from tests.api.keyring import Keyring
from tests.api.service import Service
from tests.samples import SAMPLES, sample

ROUTE = "/v1/training:import"
RUN = "fit/activity-small-fenix2-run.fit"
DAY = {"as_of": "2015-08-20"}


def send(service: Service, files: Mapping[str, bytes], **params: str) -> httpx.Response:
    """The files as a browser or curl sends them."""
    parts = [("files", (name, raw, "application/octet-stream")) for name, raw in files.items()]
    return service.ask("POST", ROUTE, files=parts, params=params)


def codes(answer: dict[str, Any]) -> list[str]:
    return [found["code"] for found in answer["findings"]]


def test_a_run_comes_out_as_a_session_with_its_local_start_and_where_each_number_was_read(
    shared_service: Service,
) -> None:
    answered = send(shared_service, {"run.fit": sample(RUN)}, **DAY)

    assert answered.status_code == 200
    assert answered.headers["Cache-Control"] == "no-store"
    answer = answered.json()
    (run,) = answer["training"]["sessions"]
    assert (run["started_at"], run["distance_m"], run["duration_s"]) == ("2015-08-15T16:45:08+02:00", 9008.22, 2832)
    (activity,) = answer["activities"]
    assert (activity["sport"], activity["counted"], activity["source"]) == ("run", True, "run.fit")
    assert activity["provenance"]["distance_m"] == {
        "file": "run.fit",
        "reader": "fit",
        "field": "session[0].total_distance",
    }
    assert [(week["from"], week["runs"], week["distance_m"]) for week in answer["weeks"] if week["runs"]] == [
        ("2015-08-10", 1, 9008.22)
    ]
    assert answer["findings"] == []


def test_what_comes_out_is_scored_as_it_is(shared_service: Service) -> None:
    training = send(shared_service, {"run.fit": sample(RUN)}, **DAY).json()["training"]

    scored = shared_service.ask(
        "POST", "/v1/scores", json={"as_of": "2015-08-20", "runner": {"age_years": 40}, "training": training}
    )

    assert scored.status_code == 200
    assert [found["code"] for found in scored.json()["findings"] if found["pointer"].startswith("/training")] == []


def test_every_sample_at_once_counts_each_run_once(shared_service: Service) -> None:
    files = {path.name: path.read_bytes() for path in SAMPLES.glob("*/*") if path.suffix in (".fit", ".gpx", ".tcx")}

    answer = send(shared_service, files).json()

    counted = {activity["source"] for activity in answer["activities"] if activity["counted"]}
    assert {"Activity.fit", "activity-small-fenix2-run.fit", "sample_mulitple_header.fit"} <= counted
    duplicate = next(found for found in answer["findings"] if found["code"] == "duplicate")
    assert {duplicate["source"], *duplicate["others"]} == {
        "Activity.fit",
        "activity-filecrc.fit",
        "activity-unexpected-eof.fit",
    }


def test_one_bad_file_among_fifty_does_not_lose_the_other_forty_nine(shared_service: Service) -> None:
    sessions = [
        json.dumps([{"started_on": f"2015-0{1 + n // 28}-{1 + n % 28:02}", "distance_m": 5000 + n}]).encode()
        for n in range(49)
    ]
    files = {f"{n}.json": raw for n, raw in enumerate(sessions)} | {
        "bad.fit": b"\x0e\x10\xd9\x07\0\0\0\0.FIT" + b"?" * 50
    }

    answer = send(shared_service, files, as_of="2015-03-01").json()

    assert len(answer["training"]["sessions"]) == 49
    assert [found["source"] for found in answer["findings"] if found["code"] == "unreadable-file"] == ["bad.fit"]


def zip_of(files: Mapping[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writing:
        for name, raw in files.items():
            writing.writestr(name, raw)
    return archive.getvalue()


def test_where_nothing_can_be_read_the_call_is_refused_with_the_place_of_every_file_and_no_name(
    shared_service: Service,
) -> None:
    export = zip_of({"jane/": b"", "jane/.notes": b"jane", "jane/1.fit": b"jane", "jane/2.gpx.gz": b"jane"})
    answered = send(shared_service, {"jane.fit": b"", "jane.zip": export, "jane.gz": gzip.compress(b"<gpx")})

    assert answered.status_code == 422
    problem = answered.json()
    assert {fault["code"] for fault in problem["errors"]} == {"unreadable-file"}
    assert [fault["pointer"] for fault in problem["errors"]] == ["/files/0", "/files/1/1", "/files/1/2", "/files/2"]
    assert "jane" not in answered.text


def test_a_single_body_that_cannot_be_read_is_the_file_at_the_first_place(shared_service: Service) -> None:
    headers = {"Content-Type": "application/octet-stream"}
    (fault,) = shared_service.ask("POST", ROUTE, content=b"\x00\xff", headers=headers).json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("/files/0", "unreadable-file")


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("application/vnd.ant.fit", sample(RUN)),
        ("application/octet-stream", sample(RUN)),
        ("application/gzip", gzip.compress(sample(RUN))),
        ("application/json", b'[{"started_on": "2015-08-15", "distance_m": 9008.22}]'),
        (
            "application/vnd.joint-risk.training+json",
            b'{"sessions": [{"started_on": "2015-08-15", "distance_m": 9008.22}]}',
        ),
    ],
)
def test_one_body_in_its_own_media_type_is_read(shared_service: Service, media_type: str, body: bytes) -> None:
    answered = shared_service.ask("POST", ROUTE, content=body, params=DAY, headers={"Content-Type": media_type})

    assert [run["distance_m"] for run in answered.json()["training"]["sessions"]] == [9008.22]


def test_a_body_packed_on_its_way_is_unpacked(shared_service: Service) -> None:
    answered = shared_service.ask(
        "POST",
        ROUTE,
        content=gzip.compress(sample(RUN)),
        params=DAY,
        headers={"Content-Type": "application/vnd.ant.fit", "Content-Encoding": "gzip"},
    )
    assert len(answered.json()["training"]["sessions"]) == 1


def test_an_export_is_read_out_of_its_archive_and_the_rest_of_it_is_passed_over(shared_service: Service) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export/activities/1.fit.gz", gzip.compress(sample(RUN)))
        archive.writestr("export/../../photo.jpg", b"\xff\xd8\xff\xe0" + bytes(500))
        archive.writestr("__MACOSX/._1.fit", b"x")
        archive.writestr("export/activities/2.gpx", b"<gpx")

    answer = send(shared_service, {"export.zip": packed.getvalue()}, **DAY).json()

    assert [activity["source"] for activity in answer["activities"]] == ["1.fit"]
    assert sorted(codes(answer)) == ["archive-part-passed-over", "unreadable-file"]


@pytest.mark.parametrize(
    ("call", "status", "code"),
    [
        ({"content": b"x", "headers": {"Content-Type": "text/html"}}, 415, None),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=b"}}, 422, "malformed"),
        ({"content": b"--b--\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=b"}}, 422, "missing"),
        ({"files": [("file", ("a.fit", b"x"))]}, 422, "unknown-field"),
        ({"files": [("files", (f"{n}", b"x")) for n in range(101)]}, 422, "too-many"),
        ({"files": [("files", ("a", b"x"))], "params": {"time_zone": "Mars/Crater"}}, 422, "unknown-time-zone"),
        ({"files": [("files", ("a", b"x"))], "params": {"as_of": "2026-02-30"}}, 422, "not-a-date"),
        ({"files": [("files", ("a", b"x"))], "params": {"as_of": "0000-01-01"}}, 422, "not-a-date"),
        ({"files": [("files", ("a", b"x"))], "params": {"asof": "2026-02-03"}}, 422, "unknown-parameter"),
    ],
)
def test_a_call_that_does_not_hold_together_is_refused_in_the_one_shape(
    shared_service: Service, call: dict[str, Any], status: int, code: str | None
) -> None:
    answered = shared_service.ask("POST", ROUTE, **call)

    assert answered.status_code == status
    assert answered.headers["Content-Type"] == "application/problem+json"
    assert [fault["code"] for fault in answered.json()["errors"]] == ([] if code is None else [code])


def test_a_day_that_no_score_may_be_for_is_no_day_to_import_for(shared_service: Service) -> None:
    today = datetime.now(UTC).date()
    days = {"1999-12-31": 422, "2000-01-01": 200, "2090-01-01": 422, "9999-12-31": 422}
    days |= {str(today): 200, str(today + timedelta(days=3)): 422}  # midnight may pass while this runs
    for day, status in days.items():
        answered = send(shared_service, {"run.fit": sample(RUN)}, as_of=day)
        assert answered.status_code == status, day
        if status == 422:
            (fault,) = answered.json()["errors"]
            assert (fault["pointer"], fault["code"]) == ("/query/as_of", "out-of-range")


def test_more_than_the_most_is_refused_before_it_is_read(shared_service: Service) -> None:
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(64 * 1024 * 1024 + 1)}
    assert shared_service.ask("POST", ROUTE, content=b"x", headers=headers).status_code == 413


def test_no_coordinate_leaves_in_an_answer(shared_service: Service) -> None:
    text = send(shared_service, {"a.gpx": sample("gpx/cerknicko-jezero.gpx"), "b.fit": sample(RUN)}).text
    assert sample("gpx/cerknicko-jezero.gpx").count(b'lat="45.7') > 100
    assert [place for place in ("45.7", "14.3", 'lat":', "703410450") if place in text] == []


def test_a_zone_that_is_given_settles_the_day_of_a_start_in_utc(shared_service: Service) -> None:
    points = "".join(f'<trkpt lat="46.{n}" lon="14"><time>2010-08-05T23:{n}:00Z</time></trkpt>' for n in range(10, 20))
    late = f"<gpx><trk><type>running</type><trkseg>{points}</trkseg></trk></gpx>".encode()
    days = [
        send(shared_service, {"a.gpx": late}, as_of="2010-08-10", **zone).json()["activities"][0]["started_on"]
        for zone in ({"time_zone": "Asia/Tokyo"}, {"time_zone": "America/Lima"})
    ]
    assert days == ["2010-08-06", "2010-08-05"]


def test_a_file_costs_ten_units_of_a_keys_rate_and_the_scope_is_score(sqlite_store_url: str) -> None:
    key, reader = (Keyring(sqlite_store_url).make(scope) for scope in ("score", "rules:read"))
    log = ("files", ("a.json", b'[{"started_on": "2026-11-20", "distance_m": 9000}]'))
    with Service(sqlite_store_url, rate_limit_per_minute=25) as service:
        answers = [
            service.ask("POST", ROUTE, files=[log] * count, headers=header)
            for count, header in ((2, key.header), (1, key.header), (1, reader.header))
        ]

    assert [answer.status_code for answer in answers] == [200, 429, 403]
    assert answers[0].headers["RateLimit"].startswith('"runners";r=5;')


@pytest.mark.parametrize(
    "parameter", ["boundary=XyZ", "Boundary=XyZ", 'BOUNDARY = "XyZ"', "charset=utf-8;boundary=XyZ"]
)
def test_every_file_is_charged_for_however_its_boundary_is_announced(sqlite_store_url: str, parameter: str) -> None:
    key = Keyring(sqlite_store_url).make("score")
    part = b'--XyZ\r\nContent-Disposition: form-data; name="files"; filename="a.json"\r\n\r\n'
    body = 3 * (part + b'[{"started_on": "2026-11-20", "distance_m": 9000}]\r\n') + b"--XyZ--\r\n"
    headers = {**key.header, "Content-Type": f"multipart/form-data; {parameter}"}
    with Service(sqlite_store_url, rate_limit_per_minute=100) as service:
        answered = service.ask("POST", ROUTE, content=body, headers=headers)

    assert len(answered.json()["activities"]) == 3
    assert answered.headers["RateLimit"].startswith('"runners";r=70;')


@pytest.mark.parametrize(
    "change",
    [
        lambda answer: answer["training"]["sessions"][0].update(distance_m=-1),
        lambda answer: answer["activities"][0].update(lat=46.0),
        lambda answer: answer.pop("weeks"),
    ],
)
def test_what_the_reading_process_says_is_checked_like_any_input(
    shared_service: Service, change: Callable[[dict[str, Any]], object]
) -> None:
    answer = send(shared_service, {"run.fit": sample(RUN)}, **DAY).json()
    ensure_import(json.dumps(answer).encode())
    change(answer)
    with pytest.raises(WorkDiedError):
        ensure_import(json.dumps(answer).encode())


def test_findings_are_counted_by_code_and_a_code_that_nobody_knows_is_not(service: Service) -> None:
    twice = send(service, {"a.fit": sample(RUN), "b.fit": sample(RUN), "c.fit": b"no file"}, **DAY).json()
    assert sorted(codes(twice)) == ["duplicate", "unreadable-file"]
    counted = 'joint_risk_import_findings_total{{code="{}"}} {}\n'
    told = service.get("/metrics").text
    assert counted.format("duplicate", "1.0") in told
    assert counted.format("unreadable-file", "1.0") in told

    twice["findings"][0]["code"] = "jane-doe"
    count_findings(ensure_import(json.dumps(twice).encode()), telemetry=service.app.state.telemetry)
    told = service.get("/metrics").text
    assert "jane-doe" not in told
    assert sum(told.count(counted.format(code, "2.0")) for code in codes(twice)) == 1


def test_nothing_of_a_file_is_logged(shared_service: Service, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        send(shared_service, {"my-secret-name.fit": sample(RUN), "broken.fit": b"secret"}, **DAY)

    # A record's own numbers (its moment, process and thread) and random ids hold any four digits now and then.
    own = {"created", "msecs", "relativeCreated", "process", "thread"}
    kept = [{name: told for name, told in vars(record).items() if name not in own} for record in caplog.records]
    told = " ".join([caplog.text, *map(str, kept)])
    assert "POST" in told
    assert [word for word in ("secret", "703410450", "fenix") if word in told] == []
    assert [number for number in ("9008", "2832") if re.search(rf"(?<![0-9a-f.]){number}(?![0-9a-f])", told)] == []
