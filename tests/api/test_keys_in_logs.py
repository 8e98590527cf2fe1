"""The log says whose call it was, by the visible prefix of a key of ours; a key itself is never in it."""

import logging
import re
from datetime import UTC, datetime

import pytest

from app.access import SCOPES
from app.access.keys import make_key
from app.log_lines import FIELDS
from tests.api.command_line import run
from tests.api.keyring import Key, Keyring
from tests.api.service import Outage, Service, ensure_problem, example


@pytest.fixture
def ring(sqlite_store_url: str) -> Keyring:
    return Keyring(sqlite_store_url)


def test_a_call_that_lacks_the_scope_stands_in_the_log_with_the_prefix_of_its_key(
    ring: Keyring, sqlite_store_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    key = ring.make("score")
    with Service(sqlite_store_url) as service, caplog.at_level(logging.INFO, logger="joint_risk.access"):
        ensure_problem(service.get("/v1/rule-sets", headers=key.header), 403, "scope-missing")

    (line,) = [record for record in caplog.records if record.name == "joint_risk.access"]
    assert repr(key.prefix) in str(line.__dict__)


@pytest.mark.parametrize("path", ["/v1/factors", "/readyz?verbose"])
def test_a_key_that_was_good_once_is_named_in_the_log_by_its_prefix_and_a_strangers_by_nothing(
    ring: Keyring, sqlite_store_url: str, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    expired = ring.make("rules:read", expires_at=datetime(2026, 11, 2, tzinfo=UTC))
    revoked = ring.revoke(ring.make("rules:read"))
    reader = ring.make("rules:read")
    # The prefix of a key of ours, and not the rest: whoever made it up is not who the key was made for.
    borrowed = Key(revoked.prefix + make_key()[len(revoked.prefix) :])
    strangers = [borrowed, Key(make_key()), Key("jane-doe")]
    with Service(sqlite_store_url) as service, caplog.at_level("DEBUG", logger="joint_risk"):
        for key in (expired, revoked, *strangers):
            status = service.get(path, headers=key.header).status_code
            assert status == (401 if path == "/v1/factors" else 200)
        numbers = service.get("/metrics", headers=reader.header)

    lines = [vars(record)[FIELDS]["key"] for record in caplog.records if record.name == "joint_risk.access"]
    assert lines[:5] == [expired.prefix, revoked.prefix, None, None, None]
    told = caplog.text + str([vars(record) for record in caplog.records]) + numbers.text
    assert [key.text for key in (expired, revoked, *strangers) if key.text in told] == []
    assert [key.prefix for key in strangers[1:] if key.prefix in told] == []


def test_no_key_is_ever_logged(ring: Keyring, sqlite_store_url: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        made = run("keys", "create", "--name", "n", "--scope", "score", store=sqlite_store_url).out.strip()
        key, other = ring.make(*SCOPES), ring.make("rules:read")
        expired, revoked = ring.make("score", expires_at=datetime(2026, 11, 2, tzinfo=UTC)), ring.make("score")
        unknown = Key("jrk_" + 43 * "y")
        keys = [key, other, expired, revoked, unknown, Key(made)]
        with Service(sqlite_store_url) as service:
            outage = Outage(service, sqlite_store_url)
            for _ in range(2):
                for each in keys:
                    for form in ("Bearer {}", "{}", "Basic {}", "Bearer {}x"):
                        header = {"Authorization": form.format(each.text)}
                        service.score(example(), headers=header)
                        service.score(b"{", f"/v1/scores?key={each.text}", headers=header)
                        service.get(f"/v1/rule-sets/{each.text}", headers=header)
                        service.get(f"/{each.text}", headers=header)
                ring.revoke(revoked)
                service.look_at_store()
            run("keys", "revoke", made, store=sqlite_store_url)
            run("keys", "list", store=sqlite_store_url)
            outage.begin()
            service.look_at_store()
            service.get("/v1/rule-sets", headers=key.header)
            outage.end()

    # The client that asks here writes down the addresses that it asks for; that is its own affair.
    records = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    logged = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in records)
    assert len(records) > 100
    assert key.prefix in logged
    for each in keys:
        assert each.text not in logged
        assert each.text[12:] not in logged
    assert not re.search(r"jrk_[\w-]{9}", logged)
    assert unknown.prefix not in logged
