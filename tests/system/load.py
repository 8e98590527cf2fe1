"""A load on a running service: callers that score without pause, each answer counted, none forgotten."""

import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Self

from tests.system.running import JSON, REQUEST, wait_until

PAUSE_S = 0.005


@dataclass
class Load:
    """Scores the example runner over and over while it is entered; `urls` are taken in turn.

    Attributes:
        headers: sent with every call: a key, say.
        answers: how many of each status; 0 where a call was sent and no whole answer came.
        slowest_s: the longest that one took.
        versions: how many answers each rule set gave.
    """

    urls: list[str]
    callers: int = 2
    headers: dict[str, str] = field(default_factory=dict)
    answers: Counter[int] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._call, args=(number,)) for number in range(self.callers)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        self.wait_for(1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, more: int) -> None:
        """Waits until this many more calls were answered."""
        wanted = self.answers.total() + more
        wait_until(lambda: self.answers.total() >= wanted)

    def ensure_nothing_failed(self) -> None:
        """Fails unless every call was answered with a score."""
        assert set(self.answers) == {200}, dict(self.answers)

    def _call(self, number: int) -> None:
        turn = number
        connections: dict[str, HTTPConnection] = {}
        while not self._stop.is_set():
            url = self.urls[turn % len(self.urls)]
            turn += 1
            began_s = time.monotonic()
            status, version = self._score(connections, url)
            took_s = time.monotonic() - began_s
            with self._lock:
                self.answers[status] += 1
                self.versions[version] += 1
                self.slowest_s = max(self.slowest_s, took_s)
            time.sleep(PAUSE_S)
        for connection in connections.values():
            connection.close()

    def _score(self, connections: dict[str, HTTPConnection], url: str) -> tuple[int, str]:
        connection = connections.setdefault(url, HTTPConnection(url.removeprefix("http://"), timeout=20))
        try:
            connection.request("POST", "/v1/scores?detail=scores", body=REQUEST, headers={**JSON, **self.headers})
            answer = connection.getresponse()
            answer.read()
        except (OSError, HTTPException):
            connections.pop(url).close()
            return 0, ""
        if answer.getheader("Connection") == "close":
            with suppress(KeyError):
                connections.pop(url).close()
        return answer.status, (answer.getheader("Joint-Rule-Set") or "").partition(";")[0]
