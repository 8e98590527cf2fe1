"""Keys and the real process: the first one opens it to others, and a revoked one stops while it runs."""

from tests.api.command_line import run
from tests.api.keyring import Keyring
from tests.system.running import ROOT, Starter, wait_until

RUNNER = str(ROOT / "examples" / "risky-runner.json")


def test_a_service_with_a_key_may_be_reached_from_elsewhere_and_a_revoked_key_stops(
    start: Starter, sqlite_store_url: str
) -> None:
    refused = run("serve", "--host", "0.0.0.0", "--port", "0", store=sqlite_store_url)
    assert (refused.code, "joint-risk keys create" in refused.err) == (8, True)
    key = Keyring(sqlite_store_url).make("score")

    server = start("--host", "0.0.0.0", database_url=sqlite_store_url, poll_s="0.2", log_level="debug")
    there = ["score", RUNNER, "--json", "--url", server.url]
    here = run("score", RUNNER, "--json", store=sqlite_store_url)
    assert run(*there, env={"JOINT_RISK_KEY": key.text}).out == here.out
    assert run("health", "--url", server.url).code == 0
    nobody, stranger = run(*there), run(*there, env={"JOINT_RISK_KEY": "jrk_" + 43 * "x"})
    assert (nobody.code, stranger.code) == (10, 10)
    assert "needs a key" in nobody.err
    assert "does not know the key" in stranger.err

    assert run("keys", "revoke", key.prefix, store=sqlite_store_url).code == 0
    wait_until(lambda: run(*there, env={"JOINT_RISK_KEY": key.text}).code == 10)
    assert server.end() == 0
    assert key.prefix in server.log()
    assert key.text not in server.log()
    assert key.text[12:] not in server.log()
    assert "jrk_xxxxxxxx" not in server.log()
