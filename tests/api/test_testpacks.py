"""`/v1/rule-sets/{version}/testpack`, and `joint-risk rules verify-testpack` against a service that runs."""

import gzip
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from app.api import comparison_answers
from app.rule_sets.testpack import read_testpack
from tests.api.command_line import run
from tests.api.service import Service, ensure_problem

FROZEN = Path(__file__).resolve().parents[1] / "samples" / "testpacks" / "2026.1.jsonl.gz"


def test_a_test_pack_comes_as_one_object_or_line_by_line(shared_service: Service) -> None:
    lines = shared_service.get("/v1/rule-sets/2026.1/testpack", headers={"Accept": "application/jsonl"})
    whole = shared_service.get("/v1/rule-sets/2026.1/testpack")

    assert lines.headers["Content-Type"].startswith("application/jsonl")
    assert read_testpack(lines.content) == read_testpack(whole.content)
    assert lines.content == gzip.decompress(FROZEN.read_bytes())
    told = whole.json()
    told["cases"] = told["cases"][::50]
    assert comparison_answers.Testpack.model_validate(told).model_dump(mode="json") == told
    assert whole.headers["Cache-Control"] == "no-cache"
    assert whole.headers["Joint-Rule-Set"] == f"2026.1;{told['digest']}"
    again = shared_service.get("/v1/rule-sets/2026.1/testpack", headers={"If-None-Match": whole.headers["ETag"]})
    assert again.status_code == 304
    ensure_problem(shared_service.get("/v1/rule-sets/2031.7/testpack"), 404, "unknown-rule-set")
    ensure_problem(
        shared_service.get("/v1/rule-sets/2026.1/testpack", headers={"Accept": "text/html"}), 406, "not-acceptable"
    )


@pytest.fixture
def port(shared_service: Service) -> Iterator[tuple[str, dict[str, Any]]]:
    """A port of the service to somewhere else: the answers of the real one, with whatever the test makes of them."""
    change: dict[str, Any] = {}

    class Port(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = shared_service.score(body, self.path)
            told = json.loads(answer.content)
            if "change" in change:
                change["change"](told)
            content = json.dumps(told).encode()
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_said: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Port)
    serving = Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}", change
    server.shutdown()
    server.server_close()
    serving.join()


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A part of the frozen pack, whole in itself: a call of each kind costs more than reading it."""
    head, cases = read_testpack(gzip.decompress(FROZEN.read_bytes()))
    some = cases[::40]
    file = tmp_path / "pack.json"
    file.write_text(json.dumps({**head, "case_count": len(some), "cases": some}), encoding="utf-8")
    return file


def test_a_deployment_that_scores_alike_passes(port: tuple[str, dict[str, Any]], pack: Path) -> None:
    ending = run("rules", "verify-testpack", str(pack), "--url", port[0])

    assert (ending.code, ending.err) == (0, "")
    assert ending.out.startswith("All 18 cases of 2026.1")


def test_a_port_that_scores_otherwise_is_told_case_by_case(port: tuple[str, dict[str, Any]], pack: Path) -> None:
    def change(told: Any) -> None:
        if told["joints"]["knee"]["score"] is not None:
            told["joints"]["knee"]["score"] += 1

    port[1]["change"] = change
    ending = run("rules", "verify-testpack", str(pack), "--url", port[0])

    assert ending.code == 12
    assert ": /joints/knee/score" in ending.err
    assert "of 18 cases" in ending.err


def test_what_cannot_be_replayed_says_why(pack: Path, tmp_path: Path, port: tuple[str, dict[str, Any]]) -> None:
    assert run("rules", "verify-testpack", str(pack), "--url", "http://127.0.0.1:9").code == 5
    assert run("rules", "verify-testpack", str(tmp_path / "none"), "--url", port[0]).code == 6
    other = tmp_path / "other.json"
    other.write_text("{}", encoding="utf-8")
    assert run("rules", "verify-testpack", str(other), "--url", port[0]).code == 3
    told = json.loads(pack.read_bytes())
    other.write_text(json.dumps({**told, "version": "2031.7"}), encoding="utf-8")
    assert run("rules", "verify-testpack", str(other), "--url", port[0]).code == 7
