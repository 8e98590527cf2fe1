"""A runner with a marker in every field goes through every door, right and wrong, and is found nowhere afterwards.

Words and numbers of the runner are looked for in everything that outlives a call or goes to somebody else: the log at
its finest, the metrics, the traces, the store's files, the settings that operators may see, and every refusal.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.keyring import Key, Keyring
from tests.system.running import Server, Starter

# Not in the form in which an unknown member may be named, so that it has no business in any answer.
WORD = "KanarienVogel"
NUMBER = "43.71942"
DISTANCE_M = 17_319.427
RUNNER: dict[str, Any] = {
    "as_of": "2026-11-23",
    "runner": {
        "age_years": 41,
        "mass_kg": float(NUMBER),
        "height_m": 1.719422,
        "knee": {"history": "recovered", "months_since": 8, "pain_now": 2, "symptoms": []},
        "lower_back": {"history": "never", "pain_now": 0, "symptoms": []},
        "shoes": {"pairs": 1, "distance_m": DISTANCE_M},
        "sleep_hours": 6.71942,
    },
    "training": {
        "observed_from": "2026-09-01",
        "sessions": [{"id": WORD, "started_on": "2026-11-22", "distance_m": DISTANCE_M, "duration_s": 6_119.423}],
    },
}
MARKERS = [WORD, NUMBER, "1.719422", "17319.427", "17319427", "6.71942", "6119.423", "6119423"]
GPX = f"""<?xml version="1.0"?><gpx version="1.1" creator="{WORD}" xmlns="http://www.topografix.com/GPX/1/1"><trk>
<name>{WORD}</name><type>running</type><trkseg>
<trkpt lat="46.71942" lon="11.71942"><time>2026-11-20T06:00:00Z</time></trkpt>
<trkpt lat="46.73942" lon="11.73942"><time>2026-11-20T06:20:00Z</time></trkpt></trkseg></trk></gpx>"""
PLACES = ["46.71942", "11.71942", "46.7194", "11.7194"]


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


def damaged() -> list[bytes]:
    """The runner in every way in which a request is refused."""
    whole = json.dumps(RUNNER)
    wrong = json.loads(whole)
    wrong["runner"]["age_years"] = WORD
    wrong["runner"]["knee"]["months_since"] = NUMBER
    wrong["runner"][WORD] = WORD
    wrong["training"]["sessions"][0]["started_on"] = WORD
    wrong["training"]["sessions"].append({"started_on": "2031-01-01", "distance_m": -DISTANCE_M})
    return [
        whole[:-40].encode(),
        json.dumps(wrong).encode(),
        whole.encode("utf-16"),
        f'["{WORD}"]'.encode(),
        b"{" * 5_000,
    ]


def operations(server: Server, key: Key) -> list[tuple[str, str]]:
    """Every method and address of the API, the gaps of an address filled with the marker."""
    document = httpx.get(f"{server.url}/openapi.json", headers=key.header).json()
    found = []
    for path, methods in document["paths"].items():
        for method in methods:
            filled = path
            while "{" in filled:
                filled = filled[: filled.index("{")] + WORD + filled[filled.index("}") + 1 :]
            found.append((method.upper(), filled))
    return found


def send_everywhere(server: Server, key: Key) -> list[httpx.Response]:
    """The runner to every address, whole and damaged, with and without a key; the answers that are refusals."""
    answers = []
    item = {"id": WORD, "request": RUNNER}
    receipt = {"answer_digest": f"sha256:{'0' * 64}", "covers": "numbers", "as_of": "2026-11-23", "min_evidence": None}
    bodies: list[tuple[str, bytes]] = [
        ("application/json", json.dumps(RUNNER).encode()),
        ("application/json", json.dumps({"items": [item, {"id": WORD, "request": {WORD: 1}}]}).encode()),
        ("application/json", json.dumps({"request": RUNNER, "receipt": receipt, "rule_set": "2026.1"}).encode()),
        ("application/jsonl", json.dumps(item).encode() + b"\n" + damaged()[0] + b"\n"),
        ("application/yaml", json.dumps(RUNNER).encode()),
        (f"application/{WORD}", json.dumps(RUNNER).encode()),
        *(("application/json", body) for body in damaged()),
    ]
    headers = {
        "traceparent": f"00-{'4b' * 16}-{'00f067aa0ba902b7'}-01",
        "tracestate": f"a={WORD}",
        "baggage": f"b={WORD}",
    }
    headers |= {"X-Forwarded-For": WORD, "User-Agent": WORD, "Cookie": WORD, "Referer": f"http://{WORD}"}
    with httpx.Client(base_url=server.url, timeout=60) as client:
        for method, path in operations(server, key):
            for media_type, body in bodies if method in ("POST", "PUT") else [("application/json", b"")]:
                told = {**headers, "Content-Type": media_type}
                answers += [
                    client.request(method, path + query, content=body, headers={**told, **who})
                    for who in (key.header, {}, {"Authorization": f"Bearer jrk_{WORD}"})
                    for query in ("", f"?lang=en&{WORD}={NUMBER}")
                ]
        for media_type, body in bodies:  # its name is good, and what it holds is a runner
            told = {**headers, **key.header, "Content-Type": media_type}
            kept = client.put("/v1/rule-set-drafts/canary", content=body, headers=told)
            assert kept.status_code in (415, 422), media_type
            answers.append(kept)
        parts = [("files", (f"{WORD}.gpx", GPX.encode())), ("files", (f"{WORD}.fit", WORD.encode() * 20))]
        answers.append(client.post("/v1/training:import", files=parts, headers={**headers, **key.header}))
        answers.append(client.get(f"/{WORD}/{NUMBER}", headers=headers))
    return [answer for answer in answers if answer.status_code >= 400]


def found_in(text: bytes | str, markers: list[str]) -> list[str]:
    told = text.decode("latin-1") if isinstance(text, bytes) else text
    return [marker for marker in markers if marker in told]


def test_a_runner_leaves_no_trace(start: Starter, sqlite_store_url: str, collector: Listening) -> None:
    key = Keyring(sqlite_store_url).make("score", "rules:read", "rules:write", "rules:publish", "rules:activate")
    server = start(database_url=sqlite_store_url, log_level="debug", otlp_endpoint=collector.url)

    refusals = send_everywhere(server, key)
    metrics = httpx.get(f"{server.url}/metrics", headers=key.header).text
    details = httpx.get(f"{server.url}/readyz?verbose", headers=key.header).text
    assert server.end() == 0

    assert len(refusals) > 50
    # A file's own name and a document's own words come back to who sent them; a value of a runner's never does.
    spoken = [answer for answer in refusals if found_in(answer.content, MARKERS)]
    assert [(answer.request.method, answer.request.url.path, answer.text[:300]) for answer in spoken] == []
    folder = Path(sqlite_store_url.removeprefix("sqlite:///")).parent
    outlived = {
        "log": server.log().encode(),
        "metrics": metrics.encode(),
        "details": details.encode(),
        "traces": collector.heard,
        **{file.name: file.read_bytes() for file in folder.glob("store.db*")},
    }
    assert all(outlived.values())
    assert {name: found for name, kept in outlived.items() if (found := found_in(kept, MARKERS + PLACES))} == {}
