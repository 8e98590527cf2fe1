"""A workshop does what it is given apart from the service: in time, in little memory, and with its hands tied."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from app.errors import (
    InvalidRuleSetError,
    OverloadedError,
    UnknownRuleSetError,
    WorkDiedError,
    WorkTimedOutError,
    WorkTooLargeError,
)
from app.main import create_app
from app.settings import Settings
from app.workshop import MIB, Workshop

# By a name that a new process finds too: of `tests` there may be another one among the installed packages.
sys.path.append(str(Path(__file__).parent))
errands: Any = import_module("errands")


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    workshop = Workshop("test", deadline_s=30, memory_bytes=256 * MIB, waiting_most=2)
    yield workshop
    workshop.close()


@pytest.fixture
def hasty() -> Iterator[Workshop]:
    workshop = Workshop("hasty", deadline_s=0.5, memory_bytes=256 * MIB, waiting_most=2)
    yield workshop
    workshop.close()


def test_a_job_answers_what_json_can_hold_or_bytes(workshop: Workshop) -> None:
    assert workshop.do(errands.add, 2, 3) == 5
    assert workshop.do(errands.shout, b"z\xc3\xb6: \x00") == b"Z\xc3\xb6: \x00"
    assert asyncio.run(workshop.run(errands.add, 2, 3)) == 5


def test_jobs_that_wait_or_run_are_told_until_they_are_done(workshop: Workshop, tmp_path: Path) -> None:
    file = tmp_path / "go"
    assert workshop.jobs_waiting == 0
    with ThreadPoolExecutor(2) as callers:
        done = [callers.submit(workshop.do, errands.sleep_until, str(file)) for _ in range(2)]
        try:
            wait_until(lambda: workshop.jobs_waiting == 2)
        finally:
            file.touch()
        assert len({each.result() for each in done}) == 2
    wait_until(lambda: workshop.jobs_waiting == 0)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.01)


def test_every_job_has_a_process_of_its_own(workshop: Workshop, tmp_path: Path) -> None:
    file = tmp_path / "go"
    file.touch()
    assert workshop.do(errands.sleep_until, str(file)) != workshop.do(errands.sleep_until, str(file))


def test_an_error_of_ours_comes_back_as_it_was_raised(workshop: Workshop) -> None:
    with pytest.raises(InvalidRuleSetError, match="2 rule-set faults found") as refused:
        workshop.do(errands.refuse)
    assert [fault.pointer for fault in refused.value.faults] == ["/factors/0", ""]
    with pytest.raises(UnknownRuleSetError) as unknown:
        workshop.do(errands.know_nothing, "2031.7")
    assert unknown.value.version == "2031.7"


def test_what_takes_too_long_is_stopped_and_the_next_job_is_done(hasty: Workshop) -> None:
    begun_s = time.monotonic()
    with pytest.raises(WorkTimedOutError, match=r"longer than 0\.5 s"):
        hasty.do(errands.sleep_for_ever)
    assert time.monotonic() - begun_s < 15
    assert hasty.do(errands.add, 1, 1) == 2


@pytest.mark.parametrize("job", [lambda w: w.do(errands.hoard, 400), lambda w: w.do(errands.hoard_in_small_pieces)])
def test_what_needs_too_much_memory_is_stopped(workshop: Workshop, job: Callable[[Workshop], object]) -> None:
    with pytest.raises(WorkTooLargeError, match="256 MiB"):
        job(workshop)
    assert workshop.do(errands.hoard, 100) == 100 * MIB


def test_a_process_that_dies_is_an_error_and_the_next_job_is_done(workshop: Workshop) -> None:
    with pytest.raises(WorkDiedError):
        workshop.do(errands.die)
    assert workshop.do(errands.add, 1, 1) == 2


def test_an_error_that_nobody_foresaw_is_logged_without_what_was_read(
    workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(WorkDiedError):
        workshop.do(errands.fail, "canary")
    assert "ValueError" in caplog.text
    assert "in fail" in caplog.text
    assert "canary" not in caplog.text


def test_more_than_may_wait_is_refused_at_once(workshop: Workshop, tmp_path: Path) -> None:
    file = tmp_path / "go"

    async def ask_for(count: int) -> list[object]:
        asked = [asyncio.create_task(workshop.run(errands.sleep_until, str(file))) for _ in range(count)]
        done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        assert len(done) == count - 3
        file.touch()
        return list(await asyncio.gather(*asked, return_exceptions=True))

    answers = asyncio.run(ask_for(6))
    assert [isinstance(answer, OverloadedError) for answer in answers] == [False] * 3 + [True] * 3
    assert workshop.do(errands.add, 1, 1) == 2


def test_whoever_stops_waiting_takes_no_seat_for_long(workshop: Workshop, tmp_path: Path) -> None:
    async def give_up() -> None:
        asked = [asyncio.create_task(workshop.run(errands.sleep_until, str(tmp_path / "go"))) for _ in range(3)]
        await asyncio.sleep(0)
        for task in asked[1:]:
            task.cancel()
        await asyncio.wait(asked[1:])
        (tmp_path / "go").touch()
        await asked[0]
        assert await workshop.run(errands.add, 1, 1) == 2

    asyncio.run(give_up())


def test_chunks_go_over_as_they_come_however_many(workshop: Workshop) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(300):
            yield b"x" * 10_000

    assert asyncio.run(workshop.run(errands.count, 7, chunks=body())) == 3_000_007


def test_a_job_need_not_read_what_it_is_sent(workshop: Workshop) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(300):
            yield b"x" * 10_000

    assert asyncio.run(workshop.run(errands.count_one, chunks=body())) == 10_000


def test_a_sender_that_stalls_is_stopped_by_the_deadline(hasty: Workshop) -> None:
    async def ask() -> None:
        going_on = asyncio.Event()

        async def body() -> AsyncIterator[bytes]:
            yield b"x"
            await going_on.wait()

        with pytest.raises(WorkTimedOutError):
            await hasty.run(errands.count, 0, chunks=body())

    asyncio.run(ask())


def test_a_job_knows_no_address_and_no_key(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOINT_RISK_DATABASE_URL", "postgresql://ann:secret@db/rules")
    monkeypatch.setenv("PGPASSWORD", "secret")
    assert set(workshop.do(errands.show_environment)) <= {"LANG", "LC_ALL", "PATH", "TZ"}


@pytest.mark.parametrize("kind", ["socket", "name", "database", "process", "fork", "file", "environment", "secret"])
def test_a_job_reaches_nothing_but_its_answer(workshop: Workshop, kind: str) -> None:
    assert workshop.do(errands.trespass, kind) == "PermissionError"


def test_a_job_opens_no_file_but_code_and_time_zones(workshop: Workshop, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text("{}")
    link = tmp_path / "link"
    link.symlink_to(file)
    around = Path(errands.__file__).parent / ".." / ".." / ".." / ".." / ".." / ".." / str(file)[1:]

    assert {workshop.do(errands.look_into, str(place)) for place in (file, link, around)} == {"PermissionError"}
    assert workshop.do(errands.look_into, errands.__file__) == "read"
    assert workshop.do(errands.come_late) == ["tabnanny", "geographiclib.polygonarea", "13:00:00"]


def test_code_that_is_a_link_to_elsewhere_is_read(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, named = tmp_path / "kept", tmp_path / "named"
    kept.mkdir()
    (kept / "code.py").write_text("")
    named.mkdir()
    (named / "code.py").symlink_to(kept / "code.py")
    monkeypatch.syspath_prepend(named)

    assert workshop.do(errands.look_into, str(named / "code.py")) == "read"
    assert workshop.do(errands.look_into, str(kept / "code.py")) == "PermissionError"


def test_no_job_of_the_service_opens_what_its_settings_name_even_beside_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    private = [secrets / "joint_risk_key", *(tmp_path / f"rules.db{ending}" for ending in ("", "-wal", "-journal"))]
    beside = tmp_path / "code.py"
    for file in (*private, beside):
        file.write_text("jrk_secret")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("JOINT_RISK_SECRETS_DIR", str(secrets))
    app = create_app(Settings(database_url=f"sqlite:///{tmp_path / 'rules.db'}"))
    try:
        for jobs in (app.state.importer, app.state.workshop):
            assert jobs.do(errands.look_into, str(beside)) == "read"
            assert {jobs.do(errands.look_into, str(file)) for file in private} == {"PermissionError"}
    finally:
        app.state.importer.close()
        app.state.workshop.close()


def test_a_job_prints_nowhere_and_yields_to_scoring(workshop: Workshop, capfd: pytest.CaptureFixture[str]) -> None:
    workshop.do(errands.print_something)
    assert capfd.readouterr() == ("", "")
    assert workshop.do(errands.show_niceness) >= 10


def test_a_closed_workshop_ends_what_it_has_in_hand(workshop: Workshop, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as caller:
        asked = caller.submit(workshop.do, errands.sleep_until, str(tmp_path / "never"))
        while not workshop.is_busy:
            time.sleep(0.01)
        workshop.close()
        with pytest.raises(WorkDiedError):
            asked.result(timeout=20)
    with pytest.raises(OverloadedError):
        workshop.do(errands.add, 1, 1)
