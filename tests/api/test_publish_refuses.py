"""Break any one promise by editing 2026.1: publishing refuses it with its findings, and there is no such version."""

import json
import os

import pytest

from tests.api.desk import Desk
from tests.api.keyring import Keyring
from tests.api.service import Service
from tests.faulty.breaks import BREAKS, Break, broken

# Each is examined in a process of its own, in full, which takes two seconds: a few by default, `make breaks` for all.
OVER_HTTP = int(os.environ.get("BREAKS_OVER_HTTP", "2"))


@pytest.mark.parametrize("change", BREAKS[:: len(BREAKS) // OVER_HTTP], ids=lambda change: change.__name__)
def test_publishing_refuses_a_broken_promise(service: Service, sqlite_store_url: str, change: Break) -> None:
    desk = Desk(service, Keyring(sqlite_store_url))
    saved = desk.save(json.dumps(broken(change, seed=0)).encode(), content_type="application/json")
    assert saved.status_code == 201

    refused = desk.publish()

    assert refused.status_code == 422
    told = refused.json()
    assert told["type"] == "urn:joint-risk:problem:rule-set-refused"
    assert "error" in [finding["severity"] for finding in told["findings"]]
    assert desk.ask(desk.ann, "GET", "/v1/rule-sets/2026.2").status_code == 404
