"""A real Spark cluster on loopback, a master and two workers, gives what one machine gives, also with a worker lost.

Takes Java 17, pyspark and a minute, so it runs when JOINT_RISK_TEST_SPARK names a Python that has them: `make spark`.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import find, settings

from app.bulk.run import RulesFile
from app.rule_sets.documents import canonical_bytes, digest_of, published_document
from app.scoring.columns import score_columns
from app.scoring.findings import WITHDRAWN
from tests.generative.many_runners import as_dotted, as_structs, as_text, changed_documents, runners_of
from tests.generative.strategies import Request, documents

ROOT = Path(__file__).resolve().parents[2]
PYTHON = os.environ.get("JOINT_RISK_TEST_SPARK", "")
RUNNERS = int(os.environ.get("EQUALITY_RUNNERS", "6000"))
PARTS = 24
AS_OF, TODAY = date(2026, 11, 23), date(2026, 11, 24)
START_MOST_S = 90
Form = Callable[[Sequence[Request]], pa.RecordBatch]


def missing_for_spark() -> str | None:
    """Why these tests cannot run here, or None where they can."""
    if not PYTHON:
        return "JOINT_RISK_TEST_SPARK names no Python with pyspark: it is 850 MB, and a cluster takes a minute"
    return None if shutil.which("java") else "not installed: java"


pytestmark = pytest.mark.skipif(missing_for_spark() is not None, reason=str(missing_for_spark()))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Cluster:
    """A master and its workers, each the head of a process group of its own."""

    url: str
    workers: list[subprocess.Popen[bytes]]
    environment: dict[str, str]
    folder: Path

    def score(self, rules: RulesFile, runners: Path, scores: Path, *, loses_a_worker: bool = False) -> str:
        """Runs the job, and returns what its driver said."""
        file = self.folder / "rules.json"
        file.write_bytes(rules.canonical)
        version = rules.version + ("!" if rules.is_withdrawn else "")
        command = [PYTHON, ROOT / "tests" / "system" / "spark_driver.py", self.url, version, file, AS_OF, TODAY]
        with subprocess.Popen(
            [*map(str, command), str(runners), str(scores)],
            env=self.environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as driver:  # fmt: skip
            assert driver.stdout is not None
            said = ""
            if loses_a_worker:
                for line in driver.stdout:
                    said += line
                    if line.startswith("GOING"):
                        os.killpg(self.workers[0].pid, signal.SIGKILL)
                        break
            more, complaints = driver.communicate(timeout=240)
        assert driver.returncode == 0, complaints[-4_000:]
        return said + more


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Started as Spark's own manual says, every part of it on loopback."""
    environment = {
        **{name: told for name, told in os.environ.items() if name in ("PATH", "HOME", "LANG", "JAVA_HOME")},
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": PYTHON,
        "PYTHONPATH": str(ROOT),
        "SPARK_WORKER_DIR": str(tmp_path / "work"),
        "SPARK_LOCAL_DIRS": str(tmp_path / "local"),
    }
    home = Path(
        subprocess.run(
            [PYTHON, "-c", "import pyspark; print(pyspark.__path__[0])"], capture_output=True, text=True, check=True
        ).stdout.strip()
    )
    port = free_port()
    url = f"spark://127.0.0.1:{port}"
    log = (tmp_path / "cluster.log").open("wb")
    processes: list[subprocess.Popen[bytes]] = []

    def start(role: str, *options: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [home / "bin" / "spark-class", f"org.apache.spark.deploy.{role}", "--host", "127.0.0.1", *options],
            env=environment, cwd=tmp_path, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        processes.append(process)
        return process

    try:
        start("master.Master", "--port", str(port), "--webui-port", "0")
        _wait_for_port(port)
        workers = [
            start("worker.Worker", "--cores", "1", "--memory", "900m", "--webui-port", "0", url) for _ in range(2)
        ]
        _wait_for(lambda: (tmp_path / "cluster.log").read_bytes().count(b"Registering worker") >= 2)
        yield Cluster(url, workers, environment, tmp_path)
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.close()


def _wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_MOST_S
    while not is_so():
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.1)


def _wait_for_port(port: int) -> None:
    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    _wait_for(answers)


def write_runners(folder: Path, form: Form) -> pa.RecordBatch:
    """Runners of every kind in one of the three forms, a file for each task; `place` says where each was."""
    rows = form(runners_of(Random(2026), RUNNERS))
    places = list(range(RUNNERS))
    batch = rows.add_column(0, "place", pa.array(places)).add_column(0, "id", pa.array([f"r{each}" for each in places]))
    folder.mkdir()
    each = -(-RUNNERS // PARTS)
    for part in range(PARTS):
        pq.write_table(pa.Table.from_batches([batch.slice(part * each, each)]), folder / f"{part:03}.parquet")
    return batch


def rules_file(version: str, document: dict[str, Any], *, is_withdrawn: bool = False) -> RulesFile:
    canonical = canonical_bytes(document)
    return RulesFile(version, digest_of(canonical), canonical, is_withdrawn)


def scored_here(rules: RulesFile, batch: pa.RecordBatch) -> pa.Table:
    """What this machine says of the same rows."""
    notes = (WITHDRAWN,) if rules.is_withdrawn else ()
    scored = score_columns(rules.compile(), batch, as_of=AS_OF, today=TODAY, contributions="listed", notes=notes)
    return pa.Table.from_batches([scored]).append_column("place", batch.column("place"))


def scored_there(scores: Path) -> pa.Table:
    """What Spark wrote, in the order of the input."""
    return pq.read_table(scores).sort_by("place")


@pytest.mark.parametrize(
    ("form", "loses_a_worker"),
    [(as_text, False), (as_structs, True)],
    ids=["undisturbed", "a worker killed in the middle"],
)
def test_a_cluster_says_of_every_runner_what_one_machine_says(
    cluster: Cluster, tmp_path: Path, form: Form, loses_a_worker: bool
) -> None:
    runners = write_runners(tmp_path / "runners", form)
    rules = rules_file("2026.1", published_document("2026.1"))

    said = cluster.score(rules, tmp_path / "runners", tmp_path / "scores", loses_a_worker=loses_a_worker)

    assert f"DONE {RUNNERS}" in said
    assert ("GOING" in said) or not loses_a_worker
    here, there = scored_here(rules, runners), scored_there(tmp_path / "scores")
    assert there.schema.names == here.schema.names
    assert there.cast(here.schema).equals(here)
    assert set(here.column("row_status").to_pylist()) == {"assessed", "refused"}
    if loses_a_worker:
        assert cluster.workers[0].poll() is not None
        log = (tmp_path / "cluster.log").read_text(errors="replace")
        assert re.search(r"Removing worker|Lost|Disassociated|disconnected", log), log[-2_000:]


def test_a_cluster_scores_by_changed_and_by_made_up_rules_and_says_on_every_row_that_they_were_withdrawn(
    cluster: Cluster, tmp_path: Path
) -> None:
    runners = write_runners(tmp_path / "runners", as_dotted)
    made_up = find(documents(), lambda document: len(document["factors"]) == 4, settings=settings(database=None))
    for version, document in (("2026.7", next(islice(changed_documents(Random(11)), 1, None))), ("2026.8", made_up)):
        rules = rules_file(version, document, is_withdrawn=True)

        assert f"DONE {RUNNERS}" in cluster.score(rules, tmp_path / "runners", tmp_path / version)

        here, there = scored_here(rules, runners), scored_there(tmp_path / version)
        assert there.cast(here.schema).equals(here)
        assert set(there.column("rule_set").to_pylist()) == {version}
        noted = zip(there.column("row_status").to_pylist(), there.column("finding_codes").to_pylist(), strict=True)
        assert {WITHDRAWN.code in (codes or ()) for status, codes in noted if status == "assessed"} == {True}
