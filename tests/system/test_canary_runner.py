"""A runner with a marker in every field goes through every door, right and wrong, and is found nowhere afterwards.

Words and numbers of the runner are looked for in everything that outlives a call or goes to somebody else: the log,
the metrics, the traces, the store, temporary files, the settings that operators may see, and every refusal. Four
services are asked, each at another level of logging, and each refuses in ways of its own.
"""

import json
import logging
import re
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psycopg
import pyarrow as pa
import pyarrow.ipc
import pytest
from sqlalchemy import make_url
from starlette.requests import Request
from starlette.responses import Response

from app.database import migrate
from app.log_lines import JsonLines, TextLines
from tests.api.keyring import Key, Keyring
from tests.api.service import Author, Service, ensure_problem
from tests.system import canary
from tests.system.canary import ARROW, GPX, JSON, JSONL, WELL, WHOLE, WORD, WRONG_WORDS, as_lines, found_in
from tests.system.running import END_MOST_S, Server, Starter, wait_until

HEADERS = {
    "traceparent": f"00-{'4b' * 16}-{'00f067aa0ba902b7'}-01",
    "tracestate": f"a={WORD}",
    "baggage": f"b={WORD}",
    "X-Forwarded-For": WORD,
    "User-Agent": WORD,
    "Cookie": WORD,
    "Referer": f"http://{WORD}",
}
FILLED = {"version": "2026.1", "name": "canary", "sequence": "1"}
COHORT = "/v1/rule-sets/2026.1:compare?with=2026.2"
BATCH = "/v1/scores:batch"
TOO_LARGE_BYTES = 1_048_577
PURE = ("/v1/scores", BATCH, "/v1/scores:verify", "/v1/training:import", COHORT)
SLOW = (
    ("/v1/scores", JSON, json.dumps(WHOLE).encode()),
    ("/v1/scores:verify", JSON, json.dumps({"request": WHOLE}).encode()),
    (BATCH, JSON, json.dumps({"items": [canary.row(WHOLE)]}).encode()),
    (BATCH, JSONL, json.dumps(canary.row(WHOLE)).encode()),
    ("/v1/training:import", "application/gpx+xml", GPX),
    (COHORT, JSONL, json.dumps(WHOLE).encode()),
)
"""Calls whose bodies stop coming in."""


class Listening:
    """A collector that keeps every byte that it is sent."""

    def __init__(self) -> None:
        self.heard = b""
        listening = self

        class Receive(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                listening.heard += self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *_args: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Receive)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def collector() -> Iterator[Listening]:
    with closing(Listening()) as listening:
        yield listening


class Heard(NamedTuple):
    """An answer, or as much of it as came."""

    method: str
    path: str
    status: int
    media_type: str
    body: bytes

    @property
    def of_faults(self) -> list[bytes]:
        """What is said of what was wrong: all of a refusal, the problems of single rows, all of a comparison."""
        if self.status >= 400 or ":compare" in self.path:
            return [self.body]
        if BATCH not in self.path:
            return []
        if self.media_type == ARROW:
            refused = [row for row in arrow_rows(self.body) if row["row_status"] == "refused"]
            return [json.dumps(row, default=str).encode() for row in refused]
        lines = self.body.splitlines()
        rows = json.loads(self.body)["results"] if self.media_type == JSON else map(json.loads, lines)
        return [json.dumps(row["problem"]).encode() for row in rows if "problem" in row]


def arrow_rows(stream: bytes) -> Iterator[dict[str, Any]]:
    """The rows of a stream, up to where it breaks off."""
    with suppress(pa.ArrowInvalid), pa.ipc.open_stream(stream) as opened:
        for batch in opened:
            yield from batch.to_pylist()


class Door(NamedTuple):
    """A service, and a key that opens all of it."""

    server: Server
    key: Key

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.server.url, timeout=60, headers={**HEADERS, **self.key.header})

    def ask(self, path: str) -> str:
        return httpx.get(f"{self.server.url}{path}", headers=self.key.header).text


@pytest.fixture
def temporary(start: Starter, tmp_path: Path) -> Path:
    """Where the services of the test find room for temporary files."""
    folder = tmp_path / "t"
    folder.mkdir()
    start.environment["TMPDIR"] = str(folder)
    return folder


def opened(start: Starter, database_url: str, **settings: str) -> Door:
    """A service with two versions of the rules, and its key."""
    Author(database_url).publish("2026.2")
    key = Keyring(database_url).make("score", "rules:read", "rules:write", "rules:publish", "rules:activate")
    return Door(start(database_url=database_url, **settings), key)


def operations(door: Door) -> Iterator[tuple[str, str]]:
    """Every method and address of the API, the gaps of an address filled with a marker and with what is there."""
    for path, methods in json.loads(door.ask("/openapi.json"))["paths"].items():
        for method in map(str.upper, methods):
            addresses = {re.sub(r"\{\w+\}", WORD, path)}
            if method == "POST":  # what is there goes on to read the body; none of these bodies changes it
                addresses.add(re.sub(r"\{(\w+)\}", lambda gap: FILLED[gap[1]], path))
            for address in sorted(addresses):
                yield method, f"{address}?with=2026.2" if address.endswith("2026.1:compare") else address


def send(client: httpx.Client, method: str, path: str, **call: Any) -> Heard:
    """What came back, a stream that broke off included."""
    body = b""
    with client.stream(method, path, **call) as answer, suppress(httpx.RemoteProtocolError):
        for piece in answer.iter_bytes():
            body += piece
    return Heard(method, path, answer.status_code, answer.headers.get("Content-Type", ""), body)


def send_everywhere(door: Door) -> list[Heard]:
    """The runner in every form to every address, and with a wrong key and none; all that came back."""
    heard = []
    strange = f"lang=en&{WORD}={canary.NUMBER}"
    wrong_keys: tuple[dict[str, str], ...] = ({}, {"Authorization": f"Bearer jrk_{WORD}"})
    forms = canary.bodies()
    with door.client() as client, httpx.Client(base_url=door.server.url, timeout=60, headers=HEADERS) as keyless:
        for method, path in operations(door):
            has_body = method in ("POST", "PUT")
            for media_type, body in forms if has_body else [(JSON, b"")]:
                heard.append(send(client, method, path, content=body, headers={"Content-Type": media_type}))
            media_type, body = forms[0] if has_body else (JSON, b"")
            joint = "&" if "?" in path else "?"
            for who in (door.key.header, *wrong_keys):
                told = {"Content-Type": media_type, **who}
                heard.append(send(keyless, method, f"{path}{joint}{strange}", content=body, headers=told))
        for detail in ("codes", "scores"):
            query = f"?detail={detail}&rule_set=2026.2"
            heard += [
                send(client, "POST", f"{BATCH}{query}", content=body, headers={"Content-Type": media_type})
                for media_type, body in forms
                if media_type in (JSONL, ARROW)
            ]
        for media_type, body in forms:  # its name is good, and what it holds is a runner
            drafted = send(
                client, "PUT", "/v1/rule-set-drafts/canary", content=body, headers={"Content-Type": media_type}
            )
            assert drafted.status in (415, 422), media_type
            heard.append(drafted)
        heard.append(send(client, "POST", "/v1/training:import", files=files()))
        heard.append(send(client, "GET", f"/{WORD}/{canary.NUMBER}"))
        body = forms[0][1]
        for headers in ({"Accept": f"image/{WORD}"}, {"Content-Encoding": WORD}, {"Content-Encoding": "gzip"}):
            heard.append(send(client, "POST", "/v1/scores", content=body, headers={**headers, "Content-Type": JSON}))
        heard.append(send(client, "POST", "/v1/scores", content=body.ljust(TOO_LARGE_BYTES)))
    return heard


def files() -> list[tuple[str, tuple[str, bytes]]]:
    sessions = json.dumps([WELL["training"]["sessions"][0], WRONG_WORDS["training"]["sessions"][0]]).encode()
    parts = {"gpx": GPX, "fit": WORD.encode() * 20, "json": sessions, "tcx": GPX, "zip": WORD.encode()}
    return [("files", (f"{WORD}.{suffix}", body)) for suffix, body in parts.items()]


def begin_call(door: Door, path: str, media_type: str, body: bytes) -> socket.socket:
    """A call that sends most of what it said it would, and then nothing."""
    connection = socket.create_connection(door.server.address, timeout=END_MOST_S)
    headers = {**door.key.header, "Host": "localhost", "Content-Type": media_type, "Content-Length": str(len(body))}
    head = "".join(f"{name}: {told}\r\n" for name, told in headers.items())
    connection.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body[:-9])
    return connection


def everything_from(connection: socket.socket) -> bytes:
    heard = b""
    with suppress(ConnectionResetError):
        while piece := connection.recv(65_536):
            heard += piece
    return heard


def ensure_nothing_came_back(answers: list[Heard]) -> None:
    # A file's own name and a document's own words come back to who sent them; a value of a runner's never does.
    spoken = [
        (heard.method, heard.path, found, said[:300])
        for heard in answers
        for said in heard.of_faults
        if (found := found_in(said))
    ]
    assert spoken == []


def ensure_nothing_is_left(
    door: Door, temporary: Path, *, metrics: str, heard: bytes = b"", store: dict[str, bytes] | None = None
) -> None:
    """Looks through all that is there after the service has ended."""
    told = {"log": door.server.log().encode(), "metrics": metrics.encode(), "traces": heard}
    kept = {str(file): file.read_bytes() for file in temporary.rglob("*") if file.is_file()}
    found = {name: markers for name, text in {**told, **kept, **(store or {})}.items() if (markers := found_in(text))}
    assert found == {}
    # The store holds the rules, and with them the names of all that can be chosen.
    assert {name: word for name, text in told.items() for word in canary.words() if word.encode() in text} == {}


def of_sqlite(database_url: str) -> dict[str, bytes]:
    """The files of the store, as they lie there."""
    folder = Path(database_url.removeprefix("sqlite:///")).parent
    return {file.name: file.read_bytes() for file in folder.glob("store.db*")}


def of_postgresql(database_url: str) -> dict[str, bytes]:
    """Every row of every table of the store."""
    plain = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return {
            name: repr(connection.execute(f'SELECT * FROM "{name}"'.encode()).fetchall()).encode() for (name,) in tables
        }


def test_every_field_of_a_request_is_told_and_all_that_have_room_bear_a_marker() -> None:
    fields = canary.fields_of_the_request()

    assert canary.TOLD.keys() == fields.keys()
    assert len(fields) > 50
    marked = {str(canary.TOLD[pointer]) for pointer, schema in fields.items() if canary.has_room_for_a_marker(schema)}
    assert len(marked) == sum(map(canary.has_room_for_a_marker, fields.values())) > 20
    assert marked <= {*canary.markers(), f"{WORD}-run"}
    assert min(map(len, marked)) > 7
    # Where there is no room, and everywhere else too, what is wrong is a marker.
    assert json.dumps(WRONG_WORDS).count(WORD) == json.dumps(canary.WRONG_NUMBERS).count("719428") == len(fields)


def test_a_runner_leaves_no_trace(start: Starter, sqlite_store_url: str, collector: Listening, temporary: Path) -> None:
    door = opened(start, sqlite_store_url, log_level="debug", otlp_endpoint=collector.url)

    answers = send_everywhere(door)
    metrics, details = door.ask("/metrics"), door.ask("/readyz?verbose")
    assert door.server.end() == 0

    statuses = {heard.status for heard in answers}
    assert statuses >= {200, 400, 401, 404, 406, 413, 415, 422}, statuses
    assert 500 not in statuses
    answered = [heard for heard in answers if heard.status == 200]
    compared = [json.loads(heard.body)["people"] for heard in answered if ":compare" in heard.path]
    assert max(people["compared"] for people in compared) >= 2
    assert {BATCH, "/v1/scores", "/v1/training:import"} <= {heard.path for heard in answered}
    assert sum(len(heard.of_faults) for heard in answered) > 50
    ensure_nothing_came_back(answers)
    assert found_in(details) == []
    assert collector.heard
    store = of_sqlite(sqlite_store_url)
    assert store
    ensure_nothing_is_left(door, temporary, metrics=metrics, heard=collector.heard, store=store)


def test_a_runner_beyond_the_rate_leaves_no_trace(start: Starter, postgresql_url: str, temporary: Path) -> None:
    migrate(postgresql_url)
    door = opened(start, postgresql_url, log_level="info", log_format="text", rate_limit_per_minute="1")
    answers = []
    with door.client() as client:
        answers = [
            send(client, "POST", path, content=body, headers={"Content-Type": media_type})
            for path in ("/v1/scores", BATCH, "/v1/scores:verify")
            for media_type, body in canary.bodies()
        ]
        answers += [send(client, "POST", "/v1/training:import", files=files()) for _ in range(2)]
        for media_type, body in (SLOW[-1][1:], *canary.bodies()[:6]):
            told = {"Content-Type": media_type}
            answers.append(send(client, "POST", COHORT, content=body, headers=told))
            answers.append(send(client, "PUT", "/v1/rule-set-drafts/canary", content=body, headers=told))
    metrics = door.ask("/metrics")
    assert door.server.end() == 0

    refused = {heard.path for heard in answers if heard.status == 429}
    assert refused == set(PURE)
    ensure_nothing_came_back(answers)
    store = of_postgresql(postgresql_url)
    assert {"rule_set_version", "rule_set_draft", "api_key"} <= store.keys()
    ensure_nothing_is_left(door, temporary, metrics=metrics, store=store)


def test_a_runner_for_whom_there_is_no_room_or_whose_call_does_not_come_in_leaves_no_trace(
    start: Starter, sqlite_store_url: str, temporary: Path
) -> None:
    bounds = {"concurrent_calls": str(len(SLOW)), "body_timeout_s": "4", "stream_idle_s": "4", "call_timeout_s": "5"}
    door = opened(start, sqlite_store_url, log_level="warning", **bounds)
    with ExitStack() as hung_up:
        slow = [hung_up.enter_context(closing(begin_call(door, *call))) for call in SLOW]
        in_flight = f"joint_risk_http_requests_in_flight {len(SLOW) + 1}.0"  # with the one that asks
        wait_until(lambda: in_flight in door.ask("/metrics"), most_s=4)
        with door.client() as client:
            answers = [
                send(client, "POST", path, content=body, headers={"Content-Type": media_type})
                for media_type, body in (*canary.bodies()[:3], (JSONL, as_lines(canary.row(WELL))))
                for path in PURE
            ]
        said = [everything_from(connection) for connection in slow]
    metrics = door.ask("/metrics")
    assert door.server.end() == 0

    assert {heard.path for heard in answers if heard.status == 503} == set(PURE)
    # A stream has its head after a second, and is broken off; of a cohort only the whole call has a bound.
    assert sorted(heard[9:12] for heard in said) == [b"200", *[b"408"] * 4, b"503"]
    ensure_nothing_came_back(answers)
    assert [found for heard in said if (found := found_in(heard))] == []
    ensure_nothing_is_left(door, temporary, metrics=metrics, store=of_sqlite(sqlite_store_url))


def test_a_runner_who_meets_a_service_on_its_way_out_leaves_no_trace(
    start: Starter, sqlite_store_url: str, temporary: Path
) -> None:
    door = opened(start, sqlite_store_url, log_level="error", log_format="text", drain_s="2")
    rows = as_lines(canary.row(WELL), canary.row(WRONG_WORDS), canary.row(WHOLE))
    metrics = door.ask("/metrics")
    with closing(begin_call(door, f"{BATCH}?detail=scores", JSONL, rows)) as stream, door.client() as client:
        wait_until(lambda: "joint_risk_http_requests_in_flight 2.0" in door.ask("/metrics"))
        door.server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: httpx.get(f"{door.server.url}/readyz").status_code == 503, most_s=2)
        answers = [
            send(client, "POST", path, content=body, headers={"Content-Type": media_type})
            for media_type, body in canary.bodies()[:3]
            for path in ("/v1/scores", BATCH)
        ]
        said = everything_from(stream)
    assert door.server.process.wait(timeout=END_MOST_S) == 0

    assert {heard.status for heard in answers} == {200, 422}
    problems = [line for line in said.splitlines() if b'"problem"' in line]
    assert [json.loads(line)["problem"]["type"].rpartition(":")[2] for line in problems] == [
        "invalid-input",
        "draining",
    ]
    assert [found for line in problems if (found := found_in(line))] == []
    ensure_nothing_came_back(answers)
    ensure_nothing_is_left(door, temporary, metrics=metrics, store=of_sqlite(sqlite_store_url))


async def fail_over(request: Request) -> Response:
    """An error that nobody foresaw, in its worst form: it says all that was sent, and so does what it came from."""
    body = (await request.body()).decode("latin-1")
    try:
        raise KeyError(body)
    except KeyError as cause:
        raise RuntimeError(body) from cause


def test_a_runner_over_whom_the_service_fails_leaves_no_trace(
    sqlite_store_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    answers = []
    with Service(sqlite_store_url) as service, caplog.at_level(logging.DEBUG):
        service.app.add_route("/fails", fail_over, methods=["POST"])
        for media_type, body in canary.bodies():
            told = {"Content-Type": media_type, "User-Agent": WORD, "baggage": WORD}
            answers.append(service.ask("POST", f"/fails?{WORD}", content=body, headers=told))
        metrics = service.get("/metrics").text

    for answer in answers:
        ensure_problem(answer, 500, "internal")
        assert found_in(answer.content) == []
    failures = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(failures) == len(answers)
    ours = [record for record in caplog.records if not record.name.startswith("http")]  # httpx tells of its own calls
    for lines in (JsonLines(), TextLines()):
        assert found_in("\n".join(map(lines.format, ours))) == []
    assert found_in(metrics) == []
