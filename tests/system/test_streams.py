"""Streams on real sockets: readers that stop, hang up, or send all before they read; proxies; an end in mid-stream.

`STREAM_STOP_S` says for how long the reader stops (seconds); `make stream-tests` takes a full minute.
"""

import gzip
import http.client
import io
import json
import os
import re
import signal
import socket
import struct
import threading
import time
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.ipc
import pytest

from tests.system.running import REQUEST, Server, Starter, wait_until

STOP_S = float(os.environ.get("STREAM_STOP_S", "2"))
PATH = "/v1/scores:batch"
JSONL = {"Content-Type": "application/jsonl"}
MIB = 1024 * 1024
WAITING_MOST_BYTES = 16 * MIB
# What a process takes besides: garbage not yet collected, the allocator's slack.
SLACK_BYTES = 24 * MIB


def line(id: object = "a") -> bytes:
    return json.dumps({"id": str(id), "request": json.loads(REQUEST)}).encode() + b"\n"


class RawStream:
    """A stream on a bare socket, whose reader and writer do as they are told."""

    half_sent = b""

    def __init__(self, server: Server, query: str, headers: str, kind: str) -> None:
        self.socket = socket.create_connection(server.address, timeout=60)
        # Small buffers, so that what waits does so in the service and not in the kernel.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        self.socket.sendall(
            f"POST {PATH}{query} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
            f"Transfer-Encoding: chunked\r\n{headers}\r\n".encode()
        )
        self.sent_bytes = 0

    def send(self, body: bytes) -> None:
        self.socket.sendall(b"%x\r\n" % len(body) + body + b"\r\n")
        self.sent_bytes += len(body)

    def send_while_taken(self, piece: bytes, *, pause_s: float = 1.0) -> None:
        """Sends until the service has not taken a byte for a while."""
        chunk = b"%x\r\n" % len(piece) + piece + b"\r\n"
        self.socket.settimeout(pause_s)
        left = memoryview(b"")
        try:
            while True:
                left = left or memoryview(chunk)
                count = self.socket.send(left)
                left = left[count:]
                self.sent_bytes += count
        except TimeoutError:
            self.half_sent = bytes(left)
        finally:
            self.socket.settimeout(60)

    def end(self) -> None:
        self.socket.sendall(self.half_sent + b"0\r\n\r\n")

    def answer(self) -> http.client.HTTPResponse:
        response = http.client.HTTPResponse(self.socket, method="POST")
        response.begin()
        return response


@contextmanager
def opened(
    server: Server, query: str = "", headers: str = "", *, kind: str = "application/jsonl"
) -> Iterator[RawStream]:
    stream = RawStream(server, query, headers, kind)
    with closing(stream.socket):
        yield stream


def cpu_s(server: Server) -> float:
    fields = Path(f"/proc/{server.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_idle(server: Server) -> bool:
    """Whether the service does nothing worth mentioning for a moment."""
    before = cpu_s(server)
    time.sleep(0.5)
    return cpu_s(server) - before <= 0.05


def test_each_line_is_answered_while_the_next_is_not_yet_sent(server: Server) -> None:
    with opened(server, "?detail=scores") as stream:
        stream.send(line(0))
        answer = stream.answer()
        assert answer.status == 200
        assert json.loads(answer.readline())["id"] == "0"
        for number in range(1, 5):
            stream.send(line(number))
            assert json.loads(answer.readline())["id"] == str(number)
        stream.end()
        assert answer.read() == b""


def test_each_line_is_answered_at_once_when_the_answer_is_packed_too(server: Server) -> None:
    with opened(server, "?detail=scores", "Accept-Encoding: gzip\r\n") as stream:
        unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
        stream.send(line(0))
        answer = stream.answer()
        assert answer.headers["Content-Encoding"] == "gzip"
        for number in range(3):
            told = b""
            while not told.endswith(b"\n"):
                told += unpacking.decompress(answer.read1(65_536))
            assert json.loads(told)["id"] == str(number)
            stream.send(line(number + 1))
        stream.end()
        assert unpacking.decompress(answer.read()).endswith(b"\n")
        assert unpacking.eof


def test_clients_that_send_all_before_they_read_get_all(server: Server) -> None:
    body = b"".join(line(number) for number in range(300))

    request = urllib.request.Request(f"{server.url}{PATH}", data=body, headers=JSONL)
    with urllib.request.urlopen(request, timeout=60) as answer:
        by_urllib = answer.read()
    by_httpx = httpx.post(f"{server.url}{PATH}", content=body, headers=JSONL, timeout=60).content

    assert [json.loads(told)["id"] for told in by_urllib.splitlines()] == [str(number) for number in range(300)]
    assert by_httpx == by_urllib


def test_a_proxy_that_holds_bodies_back_changes_nothing(server: Server) -> None:
    body = b"".join(line(number) for number in range(100))
    direct = httpx.post(f"{server.url}{PATH}", content=body, headers=JSONL, timeout=60).content

    with buffering_proxy(server) as url:
        request = urllib.request.Request(f"{url}{PATH}", data=body, headers=JSONL)
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.read() == direct


@contextmanager
def buffering_proxy(server: Server) -> Iterator[str]:
    """Takes one call whole before it passes it on, and the answer whole before it passes it back."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        inward, _ = listening.accept()
        with closing(inward):
            told = inward.makefile("rb")
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += told.readline()
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            assert length is not None
            body = told.read(int(length[1]))
            with socket.create_connection(server.address, timeout=60) as outward:
                outward.sendall(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1) + body)
                with outward.makefile("rb") as answer:
                    whole = answer.read()
            inward.sendall(whole)

    serving = threading.Thread(target=serve)
    serving.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        serving.join(60)
        listening.close()


@pytest.mark.parametrize("query", ["", "?detail=scores"])
def test_while_a_reader_stops_memory_does_not_grow_and_nothing_is_lost(start: Starter, query: str) -> None:
    server = start(stream_idle_s=str(STOP_S + 60))
    piece = b"".join(line(number) for number in range(20))
    # What scores lines together is read when they first come so, and stays.
    httpx.post(f"{server.url}{PATH}{query}", content=piece * 20, headers=JSONL, timeout=60)
    before_bytes = server.rss_bytes()
    with opened(server, query) as stream:
        stream.send_while_taken(piece)
        full_bytes = server.rss_bytes()
        sent_bytes = stream.sent_bytes
        time.sleep(STOP_S)
        assert server.rss_bytes() - full_bytes < 2 * MIB
        assert full_bytes - before_bytes < WAITING_MOST_BYTES + SLACK_BYTES

        answer = stream.answer()
        rest = threading.Thread(target=stream.end)
        rest.start()
        lines = answer.read().splitlines()
        rest.join(60)

    # It had taken in more than it could have answered, and every row of it came out, in order.
    assert sent_bytes > len(piece)
    whole = len(lines) // 20
    assert [json.loads(told)["id"] for told in lines] == [str(number) for number in range(20)] * whole
    assert whole == (sent_bytes + len(stream.half_sent)) // (len(piece) + len(b"%x\r\n\r\n" % len(piece)))


def test_memory_stays_flat_however_long_a_stream_is(server: Server) -> None:
    piece = b"".join(line(number) for number in range(50))
    seen_bytes = []
    with opened(server, "?detail=codes") as stream:
        stream.send(piece)
        answer = stream.answer()
        for _ in range(50):
            answer.readline()
        for _ in range(6):
            for _ in range(4):
                stream.send(piece)
                for _ in range(50):
                    assert answer.readline()
            seen_bytes.append(server.rss_bytes())
        stream.end()

    assert seen_bytes[-1] - seen_bytes[1] < 2 * MIB


def test_lines_are_answered_at_once_behind_many_that_came_together(server: Server) -> None:
    with opened(server, "?detail=scores") as stream:
        stream.send(b"".join(line(number) for number in range(500)))
        answer = stream.answer()
        assert [json.loads(answer.readline())["id"] for _ in range(500)] == [str(number) for number in range(500)]
        for number in range(3):
            stream.send(line(number))
            assert json.loads(answer.readline())["id"] == str(number)
        stream.end()
        assert answer.read() == b""


def test_memory_stays_flat_while_lines_are_scored_together(server: Server) -> None:
    piece = b"".join(line(number) for number in range(500))
    seen_bytes = []
    with opened(server, "?detail=scores") as stream:
        stream.send(piece)
        answer = stream.answer()
        for _ in range(500):
            answer.readline()
        for _ in range(20):
            stream.send(piece)
            for _ in range(500):
                assert answer.readline()
            seen_bytes.append(server.rss_bytes())
        stream.end()

    assert seen_bytes[-1] - seen_bytes[8] < 4 * MIB


def test_a_service_without_the_extra_scores_lines_one_by_one(
    start: Starter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = b"".join(line(number) for number in range(300))
    whole = httpx.post(f"{start().url}{PATH}?detail=scores", content=body, headers=JSONL, timeout=60)
    for name in ("numpy", "pyarrow"):
        missing = f"raise ModuleNotFoundError('There is no module {name}.', name='{name}')\n"
        (tmp_path / f"{name}.py").write_text(missing, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    server = start()
    least = httpx.post(f"{server.url}{PATH}?detail=scores", content=body, headers=JSONL, timeout=60)

    assert (whole.status_code, least.status_code) == (200, 200)
    assert least.content.count(b'"assessment"') == 300
    assert least.content == whole.content
    columns = httpx.post(f"{server.url}{PATH}", headers={"Content-Type": "application/vnd.apache.arrow.stream"})
    assert columns.status_code == 415  # so it was really without


@pytest.mark.parametrize("reads", ["nothing", "the head"])
def test_a_client_that_hangs_up_frees_its_work_at_once(start: Starter, reads: str) -> None:
    server = start(stream_memory_bytes=str(WAITING_MOST_BYTES))
    with opened(server) as stream:
        stream.send_while_taken(b"".join(line(number) for number in range(20)), pause_s=0.5)
        if reads == "the head":
            stream.answer()
        # There is memory for one, and that one has it.
        refused = httpx.post(f"{server.url}{PATH}", content=line(), headers=JSONL)
        assert (refused.status_code, refused.json()["type"]) == (503, "urn:joint-risk:problem:overloaded")
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    gone_s = time.monotonic()
    wait_until(lambda: httpx.post(f"{server.url}{PATH}", content=line(), headers=JSONL).status_code == 200, most_s=3)
    assert time.monotonic() - gone_s < 3
    assert is_idle(server)


def test_a_client_that_closes_in_the_middle_of_sending_frees_its_work(start: Starter) -> None:
    server = start(stream_memory_bytes=str(WAITING_MOST_BYTES))
    with opened(server) as stream:
        stream.send(line())
        assert stream.answer().readline()

    wait_until(lambda: httpx.post(f"{server.url}{PATH}", content=line(), headers=JSONL).status_code == 200, most_s=3)


def test_a_stream_on_which_nothing_moves_is_broken_off(start: Starter) -> None:
    server = start(stream_idle_s="0.6")
    with opened(server, "?detail=scores") as stream:
        stream.send(line())
        answer = stream.answer()
        with pytest.raises(http.client.IncompleteRead) as broken:
            answer.read()

    assert json.loads(broken.value.partial)["id"] == "a"
    # Lines are written by a thread of their own, in its time.
    wait_until(lambda: '"reason":"idle"' in server.log(), most_s=5)
    assert "without completing" not in server.log()


def test_a_body_that_stops_being_gzip_is_answered_so_far_and_broken_off(server: Server) -> None:
    body = gzip.compress(line() * 3)[:-9]
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(f"{server.url}{PATH}", content=body, headers={**JSONL, "Content-Encoding": "gzip"})


def test_a_stream_ends_after_the_row_in_hand_when_the_process_stops(start: Starter) -> None:
    server = start(drain_s="1")
    with opened(server, "?detail=scores") as stream:
        stream.send(line(1))
        answer = stream.answer()
        assert json.loads(answer.readline())["id"] == "1"
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: httpx.get(f"{server.url}/readyz").status_code == 503, most_s=3)
        # While load balancers take notice it goes on.
        stream.send(line(2))
        assert json.loads(answer.readline())["id"] == "2"
        with pytest.raises(http.client.IncompleteRead) as broken:
            answer.read()

    last = json.loads(broken.value.partial)
    assert (last["id"], last["problem"]["type"]) == (None, "urn:joint-risk:problem:draining")
    assert server.process.wait(timeout=25) == 0
    assert "Traceback" not in server.log()


def test_single_calls_are_answered_beside_streams_that_never_rest(server: Server) -> None:
    piece = b"".join(line(number) for number in range(50))
    is_over = threading.Event()

    def keep_streaming() -> None:
        with opened(server, "?detail=codes") as stream:
            reading: threading.Thread | None = None
            while not is_over.is_set():
                stream.send(piece)
                if reading is None:
                    reading = threading.Thread(target=lambda: stream.answer().read())
                    reading.start()
            stream.end()
            assert reading is not None
            reading.join(60)

    streams = [threading.Thread(target=keep_streaming) for _ in range(2)]
    for each in streams:
        each.start()
    try:
        # More than the loop could turn if a call had to wait for a stream to rest.
        assert {server.score().status_code for _ in range(20)} == {200}
    finally:
        is_over.set()
        for each in streams:
            each.join(60)


def test_columns_are_answered_batch_by_batch_and_memory_stays_flat(server: Server) -> None:
    bodies = [json.dumps(json.loads(REQUEST))] * 500
    table = pa.table({"id": [str(place) for place in range(500)], "request": bodies})
    sink = io.BytesIO()
    seen_bytes = []
    with opened(server, "?detail=scores", kind="application/vnd.apache.arrow.stream") as stream:
        writer = pa.ipc.new_stream(sink, table.schema)
        writer.write_table(table)  # and the schema before it
        stream.send(sink.getvalue())
        reading = pa.ipc.open_stream(stream.answer())
        for _ in range(20):
            # Each is answered before the next is sent.
            assert reading.read_next_batch().column("id").to_pylist() == [str(place) for place in range(500)]
            seen_bytes.append(server.rss_bytes())
            before = sink.tell()
            writer.write_table(table)
            stream.send(sink.getvalue()[before:])
        stream.end()
        assert reading.read_all().num_rows == 500

    assert seen_bytes[-1] - seen_bytes[8] < 4 * MIB
