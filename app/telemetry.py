"""What operators see of a process: counters, gauges and times, with few labels and never a runner's data.

Every metric stands in `METRICS`, with its labels and what it tells; the operator's page lists the same. Labels hold
route templates, methods, status codes, joints, levels, digests, codes and key prefixes: words of ours, bounded in
number, never of a caller's making. With several workers each process writes its numbers to a folder that they share
(`PROMETHEUS_MULTIPROC_DIR`), and whichever is asked adds them up.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
SHARED_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
DURATION_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""50 ms is the objective for a score; an import may take 20 s."""


class Metric(NamedTuple):
    """One metric.

    Attributes:
        kind: how it is counted; of the gauges, how those of several workers are put together.
        labels: in order.
        tells: one sentence for operators.
    """

    kind: Literal["counter", "histogram", "gauge-sum", "gauge-max"]
    labels: tuple[str, ...]
    tells: str


METRICS: Final[dict[str, Metric]] = {
    "joint_risk_build": Metric("gauge-max", ("release",), "1, labelled with the release that runs."),
    "joint_risk_http_requests": Metric("counter", ("route", "method", "status"), "Calls answered."),
    "joint_risk_http_request_duration_seconds": Metric(
        "histogram", ("route", "method"), "From the first byte of a call to the last of its answer."
    ),
    "joint_risk_http_requests_in_flight": Metric("gauge-sum", (), "Calls being answered."),
    "joint_risk_http_shed": Metric("counter", ("reason",), "Calls turned away unread: overloaded, rate-limited, slow."),
    "joint_risk_scored_joints": Metric(
        "counter", ("joint", "status", "level", "digest"), "Joints answered for, by the rule set that scored them."
    ),
    "joint_risk_findings": Metric("counter", ("code",), "Findings given with scores."),
    "joint_risk_import_findings": Metric("counter", ("code",), "Findings given with imports."),
    "joint_risk_key_calls": Metric("counter", ("prefix",), "Calls by key."),
    "joint_risk_keys_age_seconds": Metric("gauge-max", (), "Since the list of keys was last read, or the start."),
    "joint_risk_rule_set_info": Metric("gauge-sum", ("version", "digest"), "1 for the rule set that this one serves."),
    "joint_risk_rule_sets_refused": Metric("gauge-max", (), "Rule sets in force or scheduled that cannot be loaded."),
    "joint_risk_store_seen_age_seconds": Metric("gauge-max", (), "Since the store last answered, or the start."),
    "joint_risk_store_up": Metric("gauge-max", (), "1 while the last look at the store was answered."),
    "joint_risk_log_lines_dropped": Metric("gauge-sum", (), "Log lines given up because nobody took them."),
    "joint_risk_jobs_waiting": Metric(
        "gauge-sum", ("job",), "Jobs that wait or run: of rule sets (checks, comparisons, cards), imports."
    ),
}


class Telemetry:
    """The numbers of one process; each is added to in well under a microsecond.

    Attributes:
        calls_in_flight: calls that this process is answering.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}
        for name, metric in METRICS.items():
            if metric.kind == "counter":
                self._counters[name] = Counter(name, metric.tells, metric.labels, registry=self._registry)
            elif metric.kind == "histogram":
                self._histograms[name] = Histogram(
                    name, metric.tells, metric.labels, registry=self._registry, buckets=DURATION_BUCKETS_S
                )
            else:
                self._gauges[name] = Gauge(
                    name,
                    metric.tells,
                    metric.labels,
                    registry=self._registry,
                    multiprocess_mode="livesum" if metric.kind == "gauge-sum" else "livemax",
                )
        # A child is found by its labels in a dictionary of ours: the library's own look-up costs more than the adding.
        self._adders: dict[tuple[str, ...], Callable[[float], None]] = {}
        self._answers: dict[tuple[str, str, int], tuple[Callable[[], None], Callable[[float], None]]] = {}
        self.calls_in_flight = 0
        self._in_flight = self._gauges["joint_risk_http_requests_in_flight"]
        self._served: tuple[str, str] | None = None

    def count(self, name: str, *labels: str, times: int = 1) -> None:
        """Adds to a counter.

        Raises:
            KeyError: no counter of that name.
        """
        adder = self._adders.get((name, *labels))
        if adder is None:
            counter = self._counters[name]
            adder = self._adders[(name, *labels)] = (counter.labels(*labels) if labels else counter).inc
        adder(times)

    def set(self, name: str, number: float, *labels: str) -> None:
        """Sets a gauge.

        Raises:
            KeyError: no gauge of that name.
        """
        gauge = self._gauges[name]
        (gauge.labels(*labels) if labels else gauge).set(number)

    def begin_call(self) -> None:
        """A call came in."""
        self.calls_in_flight += 1
        self._in_flight.inc()

    def end_call(self, route: str, *, method: str, status: int, duration_s: float) -> None:
        """A call was answered; `route` is a template, never an address."""
        self.calls_in_flight -= 1
        self._in_flight.dec()
        adders = self._answers.get((route, method, status))
        if adders is None:
            answered = self._counters["joint_risk_http_requests"].labels(route, method, str(status))
            took = self._histograms["joint_risk_http_request_duration_seconds"].labels(route, method)
            adders = self._answers[(route, method, status)] = (answered.inc, took.observe)
        adders[0]()
        adders[1](duration_s)

    def count_scores(self, joints: Mapping[str, tuple[str, str | None]], *, digest: str, codes: Iterable[str]) -> None:
        """A runner was answered for: status and level by joint, and the codes of the findings."""
        for joint, (status, level) in joints.items():
            self.count("joint_risk_scored_joints", joint, status, level or "none", digest)
        for code in codes:
            self.count("joint_risk_findings", code)

    def serve(self, version: str, digest: str) -> None:
        """This process scores by these rules from now on."""
        if self._served != (version, digest):
            if self._served is not None:
                self.set("joint_risk_rule_set_info", 0, *self._served)
            self.set("joint_risk_rule_set_info", 1, version, digest)
            self._served = (version, digest)

    def write(self) -> bytes:
        """Every number, as Prometheus reads it; of all workers where there are several."""
        if SHARED_FOLDER not in os.environ:
            return generate_latest(self._registry)
        _drop_gauges_of_the_dead(Path(os.environ[SHARED_FOLDER]))
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]  # this one class is untyped there
        return generate_latest(together)


def _drop_gauges_of_the_dead(folder: Path) -> None:
    """Removes what processes that are gone said of themselves; what they counted stays, for a counter never falls.

    Whoever was killed could not do it, and would serve its rule set for ever.
    """
    for file in folder.glob("gauge_live*_*.db"):
        try:
            os.kill(int(file.stem.rpartition("_")[2]), 0)
        except ProcessLookupError:
            with suppress(FileNotFoundError):  # another worker is asked at the same moment
                file.unlink()
        except PermissionError:  # a process of somebody else's that has the number now: it is left
            continue
