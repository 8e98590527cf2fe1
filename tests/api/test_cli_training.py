"""`joint-risk training` and `joint-risk score --training`: a folder of files to weeks, doubts and a score."""

import gzip
import json
from pathlib import Path

import pytest

from tests.api.command_line import in_one_line, run
from tests.samples import sample

DAY = "2015-08-20"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A runner's folder: a run, the same again packed, a walk, a damaged file, a note and a hidden file."""
    runs = tmp_path / "runs"
    (runs / "2015").mkdir(parents=True)
    (runs / "2015" / "run.fit").write_bytes(sample("fit/activity-small-fenix2-run.fit"))
    (runs / "2015" / "again.fit.gz").write_bytes(gzip.compress(sample("fit/activity-small-fenix2-run.fit")))
    (runs / "walk.fit").write_bytes(sample("fit/garmin-fenix-5-walk.fit"))
    (runs / "broken.fit").write_bytes(b"not a FIT file")
    (runs / "notes.json").write_text('{"shoes": "blue"}', encoding="utf-8")
    (runs / "photo.jpg").write_bytes(b"\xff\xd8")
    (runs / ".hidden.fit").write_bytes(b"x")
    return runs


def test_the_weeks_of_a_folder_are_drawn_with_every_doubt(folder: Path) -> None:
    ending = run("training", str(folder), "--as-of", DAY)

    assert ending.code == 0
    assert "1 run, and 2 other activities that do not count as one." in in_one_line(ending.out)
    assert "10 Aug 2015 1 9 km 0:47 h 9 km" in in_one_line(ending.out)
    assert "The file cannot be read. It is of no format that is read here. (broken.fit)" in in_one_line(ending.out)
    assert "again.fit" in ending.out
    assert "notes.json" not in ending.out
    assert "hidden" not in ending.out
    assert max(map(len, ending.out.splitlines())) <= 80


def test_what_is_printed_for_machines_is_the_answer_of_the_import(folder: Path) -> None:
    ending = run("training", str(folder), "--as-of", DAY, "--json")

    answer = json.loads(ending.out)
    assert [run["distance_m"] for run in answer["training"]["sessions"]] == [9008.22]
    assert sum(activity["counted"] for activity in answer["activities"]) == 1


def test_a_folder_and_a_profile_are_scored_with_one_command(
    folder: Path, tmp_path: Path, sqlite_store_url: str
) -> None:
    profile = tmp_path / "profile.json"
    profile.write_text(json.dumps({"as_of": DAY, "runner": {"age_years": 41, "running_years": 3}}), encoding="utf-8")

    ending = run("score", str(profile), "--training", str(folder), "--json", store=sqlite_store_url)

    assert ending.code == 0
    answer = json.loads(ending.out)
    assert answer["as_of"] == DAY
    shown = {each["factor"]: each["number"] for each in answer["joints"]["knee"]["contributions"]}
    assert shown["session_spike"] is None
    assert "broken.fit: The file cannot be read." in ending.err
    assert "1 run of the last 400 days" in ending.err


def test_weeks_without_a_file_are_named_before_the_score_that_takes_them_for_rest(
    tmp_path: Path, sqlite_store_url: str
) -> None:
    days = ("2026-10-10", "2026-10-14", "2026-11-20")
    log = tmp_path / "log.json"
    log.write_text(json.dumps([{"started_on": day, "distance_m": 9000} for day in days]), encoding="utf-8")
    profile = json.dumps({"as_of": "2026-11-23", "runner": {"running_years": 3}}).encode()

    ending = run("score", "-", "--training", str(log), "--json", store=sqlite_store_url, stdin=profile)

    told = "joint-risk: Two weeks or more hold nothing; unless files are missing, it was rest. "
    told += "From 2026-10-15 to 2026-11-19."
    assert told in in_one_line(ending.err)
    assert "return-after-break" in {found["code"] for found in json.loads(ending.out)["findings"]}


def test_the_runner_alone_is_a_profile_and_several_paths_may_follow(
    folder: Path, tmp_path: Path, sqlite_store_url: str
) -> None:
    log = tmp_path / "log.json"
    log.write_text('[{"started_on": "2026-11-01", "distance_m": 7000}]', encoding="utf-8")
    words = ("score", "-", "--training", str(folder), str(log), "--json")

    alone = run(*words, store=sqlite_store_url, stdin=json.dumps({"age_years": 41}).encode())
    dated = run(*words, store=sqlite_store_url, stdin=json.dumps({"as_of": "2026-11-20", "runner": {}}).encode())

    assert (alone.code, dated.code) == (0, 0)
    assert "1 run of the last 400 days was read" in dated.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("training", "nowhere.fit"), 6, "nowhere.fit cannot be read"),
        (("training", "."), 3, "no training file"),
        (("training", "empty.fit"), 3, "empty.fit: It is empty."),
        (("training", "empty.fit", "--as-of", "soon"), 2, "a day is written as"),
        (("training", "empty.fit", "--time-zone", "Mars/Crater"), 3, "No IANA time zone"),
        (("score", "empty.fit", "more.fit"), 2, "training files follow --training"),
    ],
)
def test_what_cannot_be_read_ends_with_a_sentence_and_a_code_of_its_own(
    words: tuple[str, ...], code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if words[1:] != (".",):
        (tmp_path / "empty.fit").write_bytes(b"")

    ending = run(*words)

    assert ending.code == code
    assert said in in_one_line(ending.err.replace("│", " "))
    assert ending.out == ""


def test_a_profile_that_is_no_object_is_refused(folder: Path, sqlite_store_url: str) -> None:
    for profile in (b"[]", b"{", b"[" * 5_000):
        ending = run("score", "-", "--training", str(folder), store=sqlite_store_url, stdin=profile)
        assert ending.code == 3
