"""The command line as its users meet it: answers for machines, endings, store, rules, a service elsewhere, help."""

import hashlib
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from app.cli import EXIT_MEANINGS
from app.rule_sets.documents import read_document
from tests.api.command_line import Ending, in_one_line, page, run, score
from tests.api.service import EXAMPLES, Author, Service, example
from tests.store.raw import open_raw

FAR_AHEAD = datetime(2999, 1, 1, tzinfo=UTC)
NOBODY_THERE = "http://127.0.0.1:9"

# ------------------------------------------------------------------------------------------------------- machines


def test_json_is_the_answer_and_nothing_else_from_a_file_and_from_standard_input(sqlite_store_url: str) -> None:
    from_file = score("risky-runner", "--json", store=sqlite_store_url)
    from_stdin = score(example("risky-runner"), "--json", store=sqlite_store_url)

    answer = json.loads(from_file.out)
    assert from_file.out.count("\n") == 1
    assert from_stdin == from_file
    assert answer["joints"]["knee"]["score"] == 74
    assert answer["rule_set"]["version"] == "2026.1"


def test_detail_and_min_evidence_do_what_they_do_over_http(sqlite_store_url: str) -> None:
    codes = json.loads(page("risky-runner", "--json", "--detail", "codes", store=sqlite_store_url))
    scores = json.loads(page("risky-runner", "--json", "--detail", "scores", store=sqlite_store_url))
    narrowed = json.loads(page("risky-runner", "--json", "--min-evidence", "moderate", store=sqlite_store_url))

    assert "title" not in codes["joints"]["knee"]["contributions"][0]
    assert "contributions" not in scores["joints"]["knee"]
    assert narrowed["receipt"]["min_evidence"] == "moderate"
    assert narrowed["joints"]["knee"]["score"] != 74
    assert "Rules 2026.1 without evidence below moderate" in in_one_line(
        page("risky-runner", "--min-evidence", "moderate", store=sqlite_store_url)
    )


def test_a_published_version_can_be_scored_by_and_the_one_in_force_is_the_default(
    sqlite_store_url: str, author: Author
) -> None:
    author.publish("2026.2")

    assert "These are the rules 2026.2." in page("sound-runner", "--rule-set", "2026.2", store=sqlite_store_url)
    assert "These are the rules" not in page("sound-runner", store=sqlite_store_url)
    author.activate(2, "2026.2")
    assert "These are the rules 2026.2." in page("sound-runner", store=sqlite_store_url)


def test_a_withdrawn_version_is_said_to_be_one_as_over_http(sqlite_store_url: str, author: Author) -> None:
    author.publish("2026.2")
    pinned = ["--rule-set", "2026.2"]
    before = json.loads(page("risky-runner", "--json", *pinned, store=sqlite_store_url))
    assert run("rules", "withdraw", "2026.2", "--reason", "a wrong number", store=sqlite_store_url).code == 0

    answer = json.loads(page("risky-runner", "--json", *pinned, store=sqlite_store_url))
    with Service(sqlite_store_url) as service:
        assert answer == service.score(example("risky-runner"), "/v1/scores?rule_set=2026.2").json()
    assert answer["findings"][1:] == before["findings"]
    assert answer["findings"][0]["code"] == "rule-set-withdrawn"
    printed = in_one_line(page("sound-runner", *pinned, store=sqlite_store_url))
    assert "This version of the rules was withdrawn" in printed
    assert "withdrawn" not in page("sound-runner", store=sqlite_store_url)


# -------------------------------------------------------------------------------------------------------- endings


def test_every_fault_of_a_request_is_printed_with_its_place_and_without_its_value(sqlite_store_url: str) -> None:
    request = example("risky-runner")
    request["runner"]["age_years"] = 977
    request["runner"]["shoes"]["colour"] = "crimson"
    request["training"]["sessions"][3]["distance_m"] = 400_000
    ending = score(request, "--json", store=sqlite_store_url)

    assert (ending.code, ending.out) == (3, "")
    assert re.match(r"joint-risk: 3 input faults found\.\n", ending.err)
    for pointer in ("/runner/age_years", "/runner/shoes/colour", "/training/sessions/3"):
        assert re.search(rf"^  {pointer}: \w.+\.$", ending.err, re.MULTILINE)
    for told in ("977", "crimson", "400"):
        assert told not in ending.err


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["score", "-"], 3, "The body is not JSON in UTF-8."),
        (["score", "gone.json"], 6, "gone.json"),
        (["score", "."], 6, "cannot be read"),
        (["score", str(EXAMPLES / "sound-runner.json"), "--rule-set", "1999.1"], 7, "joint-risk rules list"),
        (["rules", "show", "1999.1"], 7, "joint-risk rules list"),
        (["score", "-", "--detail", "codes"], 2, "--json"),
        (["score", "-", "--url", "localhost:8000"], 2, "http://"),
        (["score", "-", "--min-evidence", "none"], 2, "--min-evidence"),
        (["score", str(EXAMPLES / "sound-runner.json"), "--url", NOBODY_THERE], 5, "does not answer"),
        (["health", "--url", NOBODY_THERE], 1, "not ready: no answer"),
        (["health"], 1, "--url"),
        (["score"], 2, "FILE"),
        (["nonsense"], 2, "nonsense"),
    ],
)
def test_each_way_of_going_wrong_ends_with_its_code_and_a_sentence(
    words: list[str], code: int, sentence: str, sqlite_store_url: str
) -> None:
    ending = run(*words, store=sqlite_store_url, stdin=b"{", env={"JOINT_RISK_PORT": "0"})

    assert (ending.code, ending.out) == (code, "")
    assert sentence in in_one_line(ending.err.replace("│", ""))
    assert "Traceback" not in ending.err


def test_a_symptom_that_the_rules_do_not_know_is_never_passed_over(sqlite_store_url: str) -> None:
    request = example("sound-runner")
    request["runner"]["knee"]["symptoms"] = ["of_a_later_release"]
    ending = score(request, store=sqlite_store_url)

    assert (ending.code, ending.out) == (3, "")
    assert "  /runner/knee/symptoms/0: " in ending.err


def test_settings_that_cannot_be_used_are_all_named(sqlite_store_url: str) -> None:
    ending = run("rules", "list", store=sqlite_store_url, env={"JOINT_RISK_POLL_S": "soon", "JOINT_RISK_DRAIN_S": "-1"})

    assert ending.code == 8
    assert "  JOINT_RISK_POLL_S: " in ending.err
    assert "  JOINT_RISK_DRAIN_S: " in ending.err


def test_a_store_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    folder = tmp_path / "store.db"
    folder.mkdir()

    ending = score("sound-runner", store=f"sqlite:///{folder}")
    assert ending.code == 5
    assert "JOINT_RISK_DATABASE_URL" in ending.err


def test_no_rules_in_force_and_rules_that_cannot_be_loaded_end_alike(sqlite_store_url: str, author: Author) -> None:
    author.publish("2026.2", digest=f"sha256:{'0' * 64}")
    unloadable = score("sound-runner", "--rule-set", "2026.2", store=sqlite_store_url)
    author.activate(2, None, cancels=(1,))
    none = score("sound-runner", store=sqlite_store_url)

    assert (unloadable.code, none.code) == (7, 7)
    assert "This release cannot load the rule set" in unloadable.err
    assert "No rule set is in force" in none.err


def test_a_schema_of_a_later_release_is_left_alone(sqlite_store_url: str) -> None:
    with closing(sqlite3.connect(sqlite_store_url.removeprefix("sqlite:///"))) as store, store:
        store.execute("UPDATE alembic_version SET version_num = '9999'")

    for words in (
        ["score", str(EXAMPLES / "sound-runner.json")],
        ["migrate"],
        ["migrate", "--check"],
        ["rules", "list"],
    ):
        assert run(*words, store=sqlite_store_url).code == 9


def test_a_pipe_that_is_closed_early_is_no_error(sqlite_store_url: str) -> None:
    command = [sys.executable, "-m", "app.cli", "rules", "show", "2026.1"]
    settings = {**os.environ, "JOINT_RISK_DATABASE_URL": sqlite_store_url}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=settings) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.wait(timeout=60)
        assert b"Traceback" not in process.stderr.read()


# ---------------------------------------------------------------------------------------------------------- store


@pytest.mark.parametrize("words", [["score", str(EXAMPLES / "sound-runner.json")], ["rules", "list"]])
def test_the_embedded_store_is_made_and_migrated_without_being_asked_for(words: list[str], tmp_path: Path) -> None:
    ending = run(*words, store=f"sqlite:///{tmp_path / 'deep' / 'new.db'}")

    assert ending.code == 0
    assert "2026.1" in ending.out


def test_a_store_is_migrated_once_and_said_to_be_up_to_date_from_then_on(tmp_path: Path) -> None:
    file = tmp_path / "new.db"
    checks = [run(*words, store=f"sqlite:///{file}") for words in (["migrate", "--check"], ["migrate"])]

    assert checks[0].code == 4
    assert "joint-risk migrate" in checks[0].err
    assert checks[1] == Ending(0, "The store is up to date now.\n", "")
    assert run("migrate", store=f"sqlite:///{file}").out == "The store was up to date already.\n"
    assert run("migrate", "--check", store=f"sqlite:///{file}") == Ending(0, "The store is up to date.\n", "")


def test_a_release_takes_back_its_own_step_of_the_schema_and_no_other(store_url: str) -> None:
    assert run("migrate", "--back", "--check", store=store_url).code == 2
    back = run("migrate", "--back", store=store_url)
    assert (back.code, back.err) == (0, "")
    again = run("migrate", "--back", store=store_url)
    assert (again.code, run("migrate", "--check", store=store_url).code) == (4, 4)
    assert run("migrate", store=store_url).out == "The store is up to date now.\n"


def test_what_others_stand_on_is_not_taken_back(store_url: str) -> None:
    with open_raw(store_url) as raw:
        raw.publish("2026.2", digest_letter="a")
        raw.activate(2, "2026.2")
    refused = run("migrate", "--back", store=store_url)
    assert (refused.code, refused.out) == (1, "")
    assert "others stand on it" in refused.err
    assert run("migrate", "--check", store=store_url).code == 0


def test_checking_a_store_that_is_not_there_makes_none(tmp_path: Path) -> None:
    run("migrate", "--check", store=f"sqlite:///{tmp_path / 'new.db'}")

    assert list(tmp_path.iterdir()) == []


def test_postgresql_is_migrated_only_on_demand(postgresql_url: str) -> None:
    example_file = str(EXAMPLES / "sound-runner.json")
    before = [
        run(*words, store=postgresql_url)
        for words in (["score", example_file], ["migrate", "--check"], ["rules", "list"])
    ]

    assert [ending.code for ending in before] == [4, 4, 4]
    assert run("migrate", store=postgresql_url).code == 0
    assert run("migrate", "--check", store=postgresql_url).code == 0
    assert "KNEE  21  low" in run("score", example_file, store=postgresql_url).out


# ---------------------------------------------------------------------------------------------------------- rules


def test_the_list_of_rules_is_whole_newest_first_and_says_what_is_in_force_and_what_will_be(
    sqlite_store_url: str, author: Author
) -> None:
    for number in range(2, 104):
        author.publish(f"2026.{number}", document={"number": number})
    author.activate(2, "2026.103", effective_at=FAR_AHEAD)
    rows = run("rules", "list", store=sqlite_store_url, env={"COLUMNS": "100"}).out.splitlines()[1:]

    versions = [row.split()[0] for row in rows if row.startswith("2026.")]
    assert versions == [f"2026.{number}" for number in range(103, 0, -1)]
    assert "from 2999-01-01" in rows[0]
    assert [row.split()[0] for row in rows if " now " in row] == ["2026.1"]


def test_a_rule_set_is_shown_in_yaml_that_reads_back_as_the_same_and_begins_as_authors_do(
    sqlite_store_url: str,
) -> None:
    shown = run("rules", "show", "2026.1", store=sqlite_store_url).out
    canonical = run("rules", "show", "2026.1", "--format", "json", store=sqlite_store_url).out

    assert read_document(shown.encode(), media_type="application/yaml") == json.loads(canonical)
    assert shown.startswith("# Rule set 2026.1, sha256:")
    assert "\nfactors:\n- id: session_spike\n  title: Longest run" in shown


def test_a_text_that_looks_like_a_number_is_a_text_again_when_it_is_read(sqlite_store_url: str, author: Author) -> None:
    texts = ["1e5", "0o17", "0x1F", ".5", "+1", "yes", "null", "~", "2026-11-23", "", " a", "a: b", "# c", "-", "1_000"]
    author.publish("2026.2", document={"texts": texts, "numbers": [1, 0.5, 1e-7, 1234567]})
    shown = run("rules", "show", "2026.2", store=sqlite_store_url).out

    read = read_document(shown.encode(), media_type="application/yaml")
    assert read["texts"] == texts
    assert read["numbers"] == [1, 0.5, 1e-7, 1234567]


def test_a_rule_set_is_shown_in_json_byte_for_byte_as_its_digest_has_it(sqlite_store_url: str) -> None:
    shown = run("rules", "show", "2026.1", "--format", "json", store=sqlite_store_url).out
    answer = json.loads(page("sound-runner", "--json", store=sqlite_store_url))

    assert f"sha256:{hashlib.sha256(shown.encode()).hexdigest()}" == answer["rule_set"]["digest"]


# -------------------------------------------------------------------------------------------- a service elsewhere


@contextmanager
def stranger(body: bytes, *, status: int = 200) -> Iterator[str]:
    """Somebody who answers everything alike; yields the address."""

    class Same(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Same) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"<html>Welcome</html>", 200),
        (b'{"status": "ok"}', 200),
        (b'["joints"]', 200),
        (b"Not Found", 404),
        (b'{"type": "about:blank", "errors": [], "detail": "x"}', 404),
        (b'{"type": 5}', 500),
    ],
)
def test_somebody_else_at_the_address_is_not_taken_for_the_service(body: bytes, status: int) -> None:
    with stranger(body, status=status) as url:
        scored = run("score", str(EXAMPLES / "sound-runner.json"), "--url", url)
        asked = run("health", "--url", url)

    assert (scored.code, scored.out) == (1, "")
    assert f"What answers at {url} is not this service" in scored.err
    assert asked.code == 1


def test_an_answer_from_elsewhere_cannot_command_the_terminal(sqlite_store_url: str) -> None:
    answer = json.loads(page("risky-runner", "--json", store=sqlite_store_url))
    answer["summary"]["headline"] = "Be \x1b[2J\x9b5n\x07warned"
    answer["advice"][0]["text"] = "\x1b]0;owned\x07Rest"
    answer["joints"]["hip"] = {**answer["joints"]["knee"], "level": "of_a_later_release"}
    with stranger(json.dumps(answer).encode()) as url:
        text = run("score", "-", "--url", url, stdin=b"{}").out

    assert [character for character in text if ord(character) < 32 and character != "\n"] == []
    assert "\x9b" not in text
    assert "Be " in text.splitlines()[0]
    assert "\nHIP  74  of a later release\n" in text


# ---------------------------------------------------------------------------------------------------------- help


def test_the_help_names_every_exit_code_and_every_command() -> None:
    told = in_one_line(run("--help").out)

    assert [meaning for code, meaning in EXIT_MEANINGS.items() if f"{code} {meaning}" not in told] == []
    for command in ("score", "serve", "rules", "migrate", "health"):
        assert f"│ {command} " in told


def test_the_version_is_said() -> None:
    assert re.fullmatch(r"joint-risk \d+\.\d+\.\d+\n", run("--version").out)


def test_a_health_check_loads_nothing_that_it_has_no_use_for() -> None:
    program = (
        "import sys; from app.cli import main\n"
        f"sys.argv = ['joint-risk', 'health', '--url', '{NOBODY_THERE}']\n"
        "try: main()\n"
        "except SystemExit as end: code = end.code\n"
        "heavy = {'alembic', 'fastapi', 'httpx', 'sqlalchemy', 'uvicorn', 'yaml'}\n"
        "print(code, sorted(heavy & sys.modules.keys()))"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert printed == "1 []\n"
