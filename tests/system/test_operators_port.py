"""The port of the operators, workers that count together, and a collector that is told of calls."""

import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from app.api.listening import bind_address
from app.tracing import CLOSE_MOST_S
from tests.house.test_docs import page
from tests.system.running import JSON, REQUEST, Starter, wait_until

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def free_port(host: str = "127.0.0.1") -> int:
    with bind_address(host, port=0) as probe:
        return int(probe.getsockname()[1])


def test_where_operators_have_a_port_it_alone_has_numbers_and_settings(start: Starter) -> None:
    port = free_port()
    server = start(management_port=str(port))
    operators = f"http://127.0.0.1:{port}"

    assert server.score().status_code == 200
    assert httpx.get(f"{operators}/livez").json() == {"status": "ok"}
    assert 'route="/v1/scores"' in httpx.get(f"{operators}/metrics").text
    assert httpx.get(f"{operators}/readyz?verbose").json()["details"]["settings"]["management_port"] == port
    assert httpx.get(f"{operators}/v1/factors").status_code == 404

    assert [httpx.get(f"{server.url}{path}").status_code for path in ("/livez", "/metrics", "/readyz")] == [
        404,
        404,
        200,
    ]
    assert httpx.get(f"{server.url}/readyz?verbose").json()["details"] is None
    assert server.end() == 0


def test_whoever_asks_at_the_port_of_operators_and_reads_nothing_holds_no_process_back(start: Starter) -> None:
    port = free_port()
    server = start(management_port=str(port))
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        deaf.connect(("127.0.0.1", port))
        for _ in range(3_000):  # more than finds room, there and here
            deaf.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert server.end() == 0  # within the 25 s that are promised


def test_while_there_are_no_keys_no_web_page_reads_the_port_of_operators_by_a_name_of_its_own(start: Starter) -> None:
    port = free_port()
    start(management_port=str(port))
    operators = f"http://127.0.0.1:{port}"

    for path in ("/livez", "/readyz?verbose", "/startupz", "/metrics"):
        for header in ({"Host": f"evil.example:{port}"}, {"X-Forwarded-For": "203.0.113.9"}, {"Forwarded": "for=_a"}):
            refused = httpx.get(f"{operators}{path}", headers=header)
            assert (refused.status_code, refused.json()["type"]) == (421, "urn:joint-risk:problem:host-refused")
            assert "settings" not in refused.text
        for host in (f"localhost:{port}", f"127.0.0.1:{port}", "[::1]"):  # as probes ask
            assert httpx.get(f"{operators}{path}", headers={"Host": host}).status_code == 200


def test_once_others_are_served_operators_are_found_by_any_name(start: Starter) -> None:
    port = free_port()
    start(management_port=str(port), auth="off")  # a gateway answers for who comes

    told = httpx.get(f"http://127.0.0.1:{port}/metrics", headers={"Host": "joint-risk.monitoring.svc"})
    assert told.status_code == 200


def test_operators_have_their_port_at_an_ipv6_address_too(start: Starter) -> None:
    port = free_port("::1")
    server = start("--host", "::1", management_port=str(port))

    assert server.score().status_code == 200
    assert httpx.get(f"http://[::1]:{port}/livez").json() == {"status": "ok"}
    assert server.end() == 0


def test_workers_count_together_whichever_is_asked(start: Starter) -> None:
    server = start("--workers", "2")
    wait_until(server.is_ready)
    calls = 40
    for _ in range(calls):  # a connection each, so that both are met
        assert server.score().status_code == 200

    written = httpx.get(f"{server.url}/metrics").text
    counted = re.search(
        r'^joint_risk_http_requests_total\{.*route="/v1/scores",status="200"\} (\S+)', written, re.MULTILINE
    )
    assert counted is not None
    assert float(counted[1]) == calls
    served = re.findall(r'^joint_risk_rule_set_info\{.*version="2026.1"\} (\S+)', written, re.MULTILINE)
    assert [float(number) for number in served] == [2.0]


def test_a_worker_that_was_killed_is_no_longer_told_of(start: Starter, tmp_path: Path) -> None:
    start.environment["TMPDIR"] = str(tmp_path)
    server = start("--workers", "2")

    def workers_told_of() -> set[int]:
        """Who has a file of gauges."""
        return {int(file.stem.split("_")[-1]) for file in tmp_path.glob("joint-risk-metrics-*/gauge_livesum_*.db")}

    def replicas_told_of() -> float:
        written = httpx.get(f"{server.url}/metrics").text
        return sum(float(told) for told in re.findall(r"^joint_risk_rule_set_info\{.*\} (\S+)", written, re.MULTILINE))

    wait_until(server.is_ready)
    wait_until(lambda: replicas_told_of() == 2)
    before = workers_told_of()
    killed = min(before)
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: bool(workers_told_of() - before))  # another was started in its place
    wait_until(lambda: replicas_told_of() == 2 and killed not in workers_told_of())
    assert len(workers_told_of()) == 2


def test_workers_share_the_limits_out_and_each_tells_its_own(start: Starter) -> None:
    server = start(
        "--workers", "2",
        rate_limit_per_minute="9", wrong_keys_per_minute="5", concurrent_calls="31", stream_memory_bytes="400000001",
    )  # fmt: skip
    wait_until(server.is_ready)

    told = [httpx.get(f"{server.url}/readyz?verbose").json()["details"]["settings"] for _ in range(8)]
    shared = ("rate_limit_per_minute", "wrong_keys_per_minute", "concurrent_calls", "stream_memory_bytes")
    assert {tuple(each[name] for name in shared) for each in told} == {(5, 3, 16, 200_000_001)}
    assert server.end() == 0


class Collector:
    """An OTLP receiver: it reads what the wire's own definitions say, and keeps it."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.metrics: list[Any] = []
        self.raw = b""
        collector = self

        class Receive(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    import gzip

                    body = gzip.decompress(body)
                collector.raw += body
                if self.path == "/v1/traces":
                    told = ExportTraceServiceRequest.FromString(body)
                    collector.spans += [
                        span for part in told.resource_spans for scope in part.scope_spans for span in scope.spans
                    ]
                else:
                    numbers = ExportMetricsServiceRequest.FromString(body)
                    collector.metrics += [
                        metric
                        for part in numbers.resource_metrics
                        for scope in part.scope_metrics
                        for metric in scope.metrics
                    ]
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *_args: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Receive)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    receiving = Collector()
    yield receiving
    receiving.close()


def test_a_collector_is_told_of_calls_within_their_callers_trace_and_of_nobody(
    start: Starter, collector: Collector
) -> None:
    server = start(otlp_endpoint=collector.url)
    headers = {
        **JSON,
        "traceparent": f"00-{TRACE}-{SPAN}-01",
        "tracestate": "canary=jane",
        "baggage": "runner=canary-doe",
    }
    assert httpx.post(f"{server.url}/v1/scores?lang=en", content=REQUEST, headers=headers).status_code == 200
    httpx.get(f"{server.url}/canary-path")
    assert server.end() == 0  # sends what is left

    scored, unknown = sorted(collector.spans, key=lambda span: span.name, reverse=True)
    assert scored.name == "POST /v1/scores"
    assert (scored.trace_id.hex(), scored.parent_span_id.hex()) == (TRACE, SPAN)
    told = {pair.key: pair.value.string_value or pair.value.int_value for pair in scored.attributes}
    assert told == {
        "http.request.method": "POST",
        "http.route": "/v1/scores",
        "http.response.status_code": 200,
        "joint_risk.rule_set.version": "2026.1",
        "joint_risk.runners": 1,
    }
    assert unknown.name == "GET unmatched"
    assert not unknown.parent_span_id
    described = re.findall(r"^\| `([\w.]+)` \| (?:histogram|counter)", page("docs/operation.md"), re.MULTILINE)
    assert {metric.name for metric in collector.metrics} == set(described) != set()
    for word in (b"canary", b"jane", b"lang=en", b"raised", b"127.0.0.1"):
        assert word not in collector.raw
    (line,) = [line for line in server.log_lines() if line.get("route") == "/v1/scores"]
    assert (line["trace_id"], line["parent_span_id"]) == (TRACE, SPAN)


def test_a_collector_that_is_not_there_delays_nothing(start: Starter) -> None:
    server = start(otlp_endpoint=f"http://127.0.0.1:{free_port()}")

    assert server.score().status_code == 200
    assert server.end() == 0


def test_a_collector_that_never_answers_holds_no_process_back(start: Starter) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connections are made, and nobody reads
        server = start(otlp_endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}")
        with httpx.Client(base_url=server.url) as caller:
            for _ in range(700):  # more than one batch, so that one is on its way and others wait behind it
                assert caller.get("/livez").status_code == 200
        told_to_end_s = time.monotonic()
        assert server.end() == 0
        took_s = time.monotonic() - told_to_end_s

    assert took_s < CLOSE_MOST_S + 5
    assert "Traceback" not in server.log()
