"""The life of a key from the command line: made and shown once, listed, used, revoked, exported; on both databases."""

import json
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.access.files import KeyFile, read_key_file
from app.access.keys import hash_of
from app.database import downgrade
from app.errors import UnusableFileError
from app.settings import Settings
from app.terminal.local import may_have_keys
from tests.api.command_line import in_one_line, run
from tests.api.service import Service, ensure_problem, example

KEY = re.compile(r"jrk_[A-Za-z0-9_-]{43}")


def create(store: str, *options: str) -> str:
    made = run("keys", "create", "--name", "night batch", *options, store=store)
    assert made.code == 0, made.err
    return made.out.strip()


@pytest.fixture
def new_store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'new.db'}"


def test_a_key_is_shown_once_alone_on_standard_output(store_url: str) -> None:
    made = run("keys", "create", "--name", "night batch", "--scope", "score", store=store_url)
    again = run("keys", "create", "--name", "night batch", "--scope", "score", store=store_url)

    assert (made.code, again.code) == (0, 0)
    assert KEY.fullmatch(made.out.strip())
    assert made.out != again.out
    assert "not shown again" in made.err
    assert "every call needs one" in made.err
    assert "every call needs one" not in again.err
    assert not KEY.search(made.err)
    for told in (run("keys", "list", store=store_url), run("keys", "list", "--json", store=store_url)):
        assert made.out.strip()[:12] in told.out
        assert not KEY.search(told.out + told.err)


def test_a_key_works_until_it_is_revoked_and_the_services_list_is_a_poll_behind(store_url: str) -> None:
    told = json.loads(run("keys", "create", "--name", "n", "--scope", "score", "--json", store=store_url).out)
    header = {"Authorization": f"Bearer {told['key']}"}
    with Service(store_url) as service:
        assert service.score(example(), headers=header).status_code == 200
        revoked = run("keys", "revoke", told["prefix"], store=store_url)
        assert service.score(example(), headers=header).status_code == 200
        service.look_at_store()
        assert "revoked" in ensure_problem(service.score(example(), headers=header), 401, "no-key")["detail"]

    assert revoked.code == 0
    (listed,) = json.loads(run("keys", "list", "--json", store=store_url).out)
    assert listed["revoked_at"] is not None
    assert listed["revoked_by"]
    # A second time changes nothing, and says so.
    assert run("keys", "revoke", told["key"], store=store_url).out == revoked.out


def test_what_is_asked_of_a_key_is_kept(store_url: str) -> None:
    before = datetime.now(UTC)
    options = ["--scope", "rules:publish", "--scope", "score", "--scope", "score", "--owner", "ann", "--expires", "90d"]
    told = json.loads(run("keys", "create", "--name", "desk", *options, "--json", store=store_url).out)
    (listed,) = json.loads(run("keys", "list", "--json", store=store_url).out)

    assert listed == {name: told[name] for name in listed}
    assert (listed["name"], listed["owner"], listed["scopes"]) == ("desk", "ann", ["score", "rules:publish"])
    assert before <= datetime.fromisoformat(listed["expires_at"]) - timedelta(days=90) <= datetime.now(UTC)
    assert told["key"].startswith(told["prefix"])


def test_the_owner_is_the_name_unless_another_is_told(sqlite_store_url: str) -> None:
    create(sqlite_store_url, "--scope", "score")

    (listed,) = json.loads(run("keys", "list", "--json", store=sqlite_store_url).out)
    assert (listed["owner"], listed["expires_at"], listed["revoked_at"]) == ("night batch", None, None)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--scope", "score"], "This key has the scope score, and is good until it is revoked. Keep it: "),
        (
            ["--scope", "rules:read", "--scope", "score", "--expires", "2999-01-31T12:00Z"],
            "This key has the scopes score and rules:read, and is good until 2999-01-31 12:00 UTC. Keep it: ",
        ),
    ],
)
def test_what_a_new_key_is_good_for_is_said_in_a_sentence(new_store: str, options: list[str], told: str) -> None:
    assert told in in_one_line(run("keys", "create", "--name", "n", *options, store=new_store).err)


def test_the_list_says_which_keys_are_good(sqlite_store_url: str) -> None:
    for expires in ("2999-01-31", "2999-01-31T12:00Z"):
        create(sqlite_store_url, "--scope", "score", "--expires", expires)
    gone = create(sqlite_store_url, "--scope", "rules:read")
    run("keys", "revoke", gone[:12], store=sqlite_store_url)

    listed = in_one_line(run("keys", "list", store=sqlite_store_url).out)
    assert "revoked" in listed
    assert "good until" in listed


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--scope", "everything"], "rules:activate"),
        (["--scope", "score", "--expires", "2020-01-01"], "passed"),
        (["--scope", "score", "--expires", "2999-01-01T12:00"], "offset"),
        (["--scope", "score", "--expires", "soon"], "90d"),
        (["--scope", "score", "--expires", "999999999d"], "too far"),
        (["--scope", "score", "--owner", "  "], "blanks"),
        ([], "--scope"),
    ],
)
def test_what_makes_no_sense_makes_no_key(new_store: str, options: list[str], told: str) -> None:
    refused = run("keys", "create", "--name", "n", *options, store=new_store)

    assert (refused.code, refused.out) == (2, "")
    assert told in refused.err
    assert json.loads(run("keys", "list", "--json", store=new_store).out) == []


def test_an_unknown_key_cannot_be_revoked(sqlite_store_url: str) -> None:
    refused = run("keys", "revoke", "jrk_nowhere", store=sqlite_store_url)

    assert (refused.code, refused.out) == (10, "")
    assert "joint-risk keys list" in refused.err


def test_a_store_that_is_not_there_yet_is_made_and_one_that_is_away_is_said_so(new_store: str, tmp_path: Path) -> None:
    assert "joint-risk keys create" in run("keys", "list", store=new_store).err
    assert (tmp_path / "new.db").is_file()
    assert run("keys", "list", store="postgresql://127.0.0.1:9/rules").code == 5


def test_whether_there_are_keys_is_known_before_the_store_is_migrated(store_url: str, new_store: str) -> None:
    settings = Settings(database_url=store_url)
    assert not may_have_keys(settings)
    assert not may_have_keys(Settings(database_url=new_store))
    create(store_url, "--scope", "score")
    downgrade(store_url, "0001")

    assert may_have_keys(settings)
    # Nobody can say: whoever is let in is told once it is back.
    assert may_have_keys(Settings(database_url="postgresql://127.0.0.1:9/rules"))


def test_the_store_holds_no_key(sqlite_store_url: str) -> None:
    key = create(sqlite_store_url, "--scope", "score")

    file = sqlite_store_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as database:
        (row,) = database.execute("SELECT prefix, hash FROM api_key").fetchall()
        dump = "\n".join(database.iterdump())
    assert row == (key[:12], hash_of(key))
    assert key not in dump
    assert key[12:] not in dump


def test_exported_keys_are_what_the_store_holds(store_url: str, tmp_path: Path) -> None:
    create(store_url, "--scope", "score", "--expires", "90d")
    run("keys", "revoke", create(store_url, "--scope", "rules:read")[:12], store=store_url)
    file = tmp_path / "keys.json"

    assert run("keys", "export", str(file), store=store_url).code == 0
    assert run("keys", "export", "-", store=store_url).out.encode() == file.read_bytes()
    assert [record.prefix for record in KeyFile(file).records()] == [
        listed["prefix"] for listed in json.loads(run("keys", "list", "--json", store=store_url).out)
    ]
    assert not KEY.search(file.read_text())
    assert run("keys", "export", str(tmp_path / "nowhere" / "keys.json"), store=store_url).code == 6


@pytest.mark.parametrize(
    ("written", "pointers"),
    [
        ("", [""]),
        ("[]", [""]),
        ('{"joint_risk_keys": 2, "keys": []}', ["/joint_risk_keys"]),
        ('{"joint_risk_keys": 1, "keys": [{"prefix": "jrk_"}]}', None),
        ('{"joint_risk_keys": 1, "keys": [], "more": 1}', ["/more"]),
    ],
)
def test_a_file_that_is_no_list_of_keys_is_refused_place_by_place(written: str, pointers: list[str] | None) -> None:
    with pytest.raises(UnusableFileError) as refused:
        read_key_file(written.encode(), path="keys.json")

    told = [fault.pointer for fault in refused.value.faults]
    assert "keys.json" in refused.value.message
    assert told == pointers if pointers is not None else len(told) > 5


def test_the_command_line_scores_at_a_service_that_wants_a_key(sqlite_store_url: str) -> None:
    # Whether the key is sent is seen at a real service: tests/system/test_keys.py.
    refused = run("score", "-", "--url", "http://127.0.0.1:9", stdin=b"{}", env={"JOINT_RISK_KEY": "two words"})

    assert refused.code == 8
    assert "two words" not in refused.err
