"""The whole life of a rule set over HTTP, with a key for each who takes part: written, checked, published, in force."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.api.rule_set_answers import ActivationRow, CheckResult, DraftItem, DraftList, WithdrawalRow
from app.rule_sets.documents import canonical_bytes, digest_of
from tests.api.desk import DRAFT, JSON, Desk, as_yaml, document
from tests.api.keyring import Keyring
from tests.api.service import Outage, Service, ensure_problem, example, faults_of


@pytest.fixture
def desk(service: Service, sqlite_store_url: str) -> Desk:
    return Desk(service, Keyring(sqlite_store_url))


@pytest.fixture
def strict_desk(sqlite_store_url: str) -> Iterator[Desk]:
    """A desk where a second person is needed."""
    with Service(sqlite_store_url, second_person=True) as service:
        yield Desk(service, Keyring(sqlite_store_url))


def in_hours(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def test_a_rule_set_is_written_checked_published_activated_and_rolled_back(desk: Desk) -> None:
    saved = desk.save()
    assert saved.status_code == 201
    assert saved.headers["Location"] == DRAFT
    assert DraftItem.model_validate_json(saved.content).model_dump(mode="json") == saved.json()
    assert saved.json()["digest"] == digest_of(canonical_bytes(document()))

    checked = desk.ask(desk.ann, "POST", f"{DRAFT}:check")
    assert checked.status_code == 200
    told = checked.json()
    assert CheckResult.model_validate_json(checked.content).model_dump(mode="json") == told
    assert (told["ok"], [each for each in told["findings"] if each["severity"] == "error"]) == (True, [])
    assert told["draft_digest"] == told["digest"] == saved.json()["digest"]

    published = desk.publish(draft_digest=told["draft_digest"])
    assert published.status_code == 201
    assert published.headers["Location"] == "/v1/rule-sets/2026.2"
    version = published.json()
    assert (version["version"], version["published_by"], version["reason"]) == ("2026.2", "bob", "New evidence.")
    assert published.content == desk.ask(desk.ann, "GET", "/v1/rule-sets/2026.2").content
    assert desk.scored_by() == "2026.1"

    activated = desk.activate("2026.2")
    assert activated.status_code == 201
    row = activated.json()
    assert ActivationRow.model_validate_json(activated.content).model_dump(mode="json") == row
    assert (row["sequence"], row["version"], row["activated_by"], row["cancels"]) == (2, "2026.2", "cleo", [])
    assert row["effective_at"] == row["activated_at"]
    assert desk.scored_by() == "2026.2"
    assert desk.service.get("/readyz").json()["activation"] == 2

    assert desk.activate("2026.1").json()["sequence"] == 3
    assert desk.scored_by() == "2026.1"
    assert [row["sequence"] for row in desk.activations() if row["active"]] == [3]


def test_whoever_schedules_is_told_what_will_not_take_effect_for_it(desk: Desk) -> None:
    desk.have("2026.2")
    late = desk.activate("2026.2", effective_at=in_hours(5)).json()
    early = desk.activate("2026.1", effective_at=in_hours(2)).json()
    kept = desk.activate("2026.2", effective_at=in_hours(1), keep_scheduled=True).json()

    assert (late["sequence"], late["outranks"]) == (2, [])
    assert (early["sequence"], early["outranks"]) == (3, [2])
    assert kept["outranks"] == []
    told = {row["sequence"]: (row["outranks"], row["outranked_by"]) for row in desk.activations()}
    # 4 was put before both, which were kept behind it: 5 and 6, in their old order.
    assert told == {1: ([], None), 2: ([], None), 3: ([], None), 4: ([], None), 5: ([], 6), 6: ([5], None)}

    cancelled = desk.tell(desk.cleo, "/v1/rule-sets/activations/6:cancel", reason="Not yet.")
    assert ActivationRow.model_validate_json(cancelled.content).outranks == []
    assert {row["outranked_by"] for row in desk.activations()} == {None}


def test_a_draft_comes_back_as_it_was_sent_and_is_listed_and_thrown_away(desk: Desk) -> None:
    saved = desk.save()
    draft = desk.ask(desk.ann, "GET", DRAFT)
    assert draft.content == as_yaml(document())
    assert draft.headers["Content-Type"] == "application/yaml"
    assert draft.headers["ETag"] == saved.headers["ETag"]
    desk.save(
        json.dumps(document("Another.")).encode(), path="/v1/rule-set-drafts/autumn", content_type="application/json"
    )

    listed = desk.ask(desk.ann, "GET", "/v1/rule-set-drafts?limit=1")
    assert DraftList.model_validate_json(listed.content).model_dump(mode="json") == listed.json()
    rest = desk.ask(desk.ann, "GET", f"/v1/rule-set-drafts?limit=1&cursor={listed.json()['next']}").json()
    assert [item["name"] for item in listed.json()["items"] + rest["items"]] == ["autumn", "spring"]
    assert rest["next"] is None

    ensure_problem(desk.ask(desk.ann, "DELETE", DRAFT, headers={"If-Match": '"old"'}), 412, "precondition-failed")
    thrown = desk.ask(desk.ann, "DELETE", DRAFT, headers={"If-Match": saved.headers["ETag"]})
    assert (thrown.status_code, thrown.content) == (204, b"")
    for method, path in (("GET", DRAFT), ("DELETE", DRAFT), ("POST", f"{DRAFT}:check")):
        ensure_problem(desk.ask(desk.ann, method, path), 404, "unknown-draft")
    ensure_problem(desk.publish(), 404, "unknown-draft")


def test_nobody_loses_what_another_wrote(desk: Desk) -> None:
    first = desk.save()
    ensure_problem(desk.save(as_yaml(document("Mine."))), 428, "precondition-required")
    ensure_problem(desk.save(as_yaml(document("Mine.")), If_None_Match="*"), 412, "precondition-failed")
    second = desk.save(as_yaml(document("Ours.")), who=desk.bob, If_Match=first.headers["ETag"])
    assert (second.status_code, second.json()["editors"]) == (200, ["ann", "bob"])
    ensure_problem(desk.save(as_yaml(document("Mine.")), If_Match=first.headers["ETag"]), 412, "precondition-failed")
    # A lost answer can be asked for again.
    again = desk.save(as_yaml(document("Ours.")), who=desk.bob, If_Match=first.headers["ETag"])
    assert (again.status_code, again.headers["ETag"]) == (200, second.headers["ETag"])


def test_what_cannot_be_read_is_no_draft_and_what_is_not_right_yet_is_one(desk: Desk) -> None:
    refused = ensure_problem(desk.save(b"factors: [\nlevels: &x {}\n"), 422, "rule-set-refused")
    assert "Line" in refused["errors"][0]["detail"]
    ensure_problem(desk.save(b"[]"), 422, "rule-set-refused")
    ensure_problem(desk.save(b"a: 1\na: 2\n"), 422, "rule-set-refused")
    ensure_problem(desk.save(b"x" * 1_048_577), 413, "too-large")
    for content_type in ("text/plain", "application/xml"):
        answer = desk.save(content_type=content_type)
        ensure_problem(answer, 415, "unsupported-media-type")
    assert faults_of(desk.save(path="/v1/rule-set-drafts/Spring%20Rules")) == {("/path/name", "malformed")}

    for stray in (example(), {}, {"items": [{"id": "a", "request": example()}]}):
        answer = desk.save(json.dumps(stray).encode(), content_type="application/json")
        assert [each["code"] for each in ensure_problem(answer, 422, "rule-set-refused")["errors"]] == ["no-rule-set"]
    beside = {"factors": [], **example(), "note": {"age_years": 41.0625}}
    for kind, body in (("application/json", json.dumps(beside).encode()), ("application/yaml", as_yaml(beside))):
        refused = ensure_problem(desk.save(body, content_type=kind), 422, "rule-set-refused")
        assert {(each["pointer"], each["code"]) for each in refused["errors"]} == {
            (pointer, "request-member") for pointer in ("/as_of", "/runner", "/training", "/?/age_years")
        }
        assert "41.0625" not in json.dumps(refused)
    assert desk.ask(desk.ann, "GET", DRAFT).status_code == 404
    assert desk.save(b"texts: {}\n", path="/v1/rule-set-drafts/begun").status_code == 201

    broken = document()
    del broken["levels"]
    broken["factors"][0]["feature"] = "phase_of_the_moon"
    assert desk.save(as_yaml(broken)).status_code == 201
    told = desk.ask(desk.ann, "POST", f"{DRAFT}:check").json()
    assert not told["ok"]
    assert "/levels" in {each["path"] for each in told["findings"]}
    refused = desk.publish()
    assert refused.status_code == 422
    problem = refused.json()
    assert problem["type"] == "urn:joint-risk:problem:rule-set-refused"
    assert problem["findings"] == told["findings"]
    assert {each["pointer"] for each in problem["errors"]} == {
        each["path"] for each in told["findings"] if each["severity"] == "error"
    }
    assert "2026.2" not in {item["version"] for item in desk.ask(desk.ann, "GET", "/v1/rule-sets").json()["items"]}


def test_a_check_tells_which_promise_a_draft_breaks_by_two_runners_who_can_be_posted(desk: Desk) -> None:
    broken = document()
    band = next(band for factor in broken["factors"] if factor["id"] == "session_spike" for band in factor["bands"])
    assert band["reference"]
    spike = next(factor for factor in broken["factors"] if factor["id"] == "session_spike")
    spike["bands"][2].update(ratio=1.1, low=1.0, high=1.2)  # worse than the band before, and counts for less
    desk.save(as_yaml(broken))
    found = desk.ask(desk.ann, "POST", f"{DRAFT}:check").json()["findings"]
    told = next(each for each in found if each["code"] == "worse-lowers")
    assert told["severity"] == "error"
    assert set(told["counterexample"]) == {"better", "worse"}


def test_publishing_is_asked_for_again_and_answered_alike(desk: Desk) -> None:
    desk.save()
    first = desk.publish()
    again = desk.publish()
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.content == first.content
    ensure_problem(desk.publish(draft_digest="sha256:" + "0" * 64), 412, "precondition-failed")
    desk.ask(desk.ann, "DELETE", DRAFT)
    assert desk.publish().status_code == 200
    ensure_problem(desk.publish(draft_digest="sha256:" + "0" * 64), 412, "precondition-failed")


def test_a_version_and_a_document_are_published_once(desk: Desk, sqlite_store_url: str) -> None:
    desk.save()
    desk.publish()
    ensure_problem(desk.publish("2026.3"), 409, "digest-taken")
    other = Keyring(sqlite_store_url).make("rules:publish", owner="dora")
    desk.service.look_at_store()
    ensure_problem(desk.publish(who=other), 409, "version-taken")
    saved = desk.save(as_yaml(document("Another.")), path="/v1/rule-set-drafts/other")
    assert saved.status_code == 201
    ensure_problem(desk.publish(path="/v1/rule-set-drafts/other"), 409, "version-taken")
    ensure_problem(desk.publish("2026.1", path="/v1/rule-set-drafts/other"), 409, "version-taken")


def test_of_eight_who_publish_one_version_at_once_one_does_and_seven_are_told(desk: Desk) -> None:
    paths = [f"/v1/rule-set-drafts/by-{number}" for number in range(8)]
    for path in paths:
        desk.save(as_yaml(document(path)), path=path)
    statuses: list[int] = []

    async def publish(path: str) -> None:
        told = json.dumps({"version": "2026.2", "reason": "at once"})
        headers = {**desk.bob.header, **JSON}
        answer = await desk.service.ask_now("POST", f"{path}:publish", content=told, headers=headers)
        statuses.append(answer.status_code)

    async def publish_all() -> None:
        await asyncio.gather(*map(publish, paths))

    desk.service.run(publish_all())
    assert sorted(statuses) == [201, *[409] * 7]


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        ({"version": "2026.01", "reason": "x"}, ("/version", "malformed")),
        ({"version": "next", "reason": "x"}, ("/version", "malformed")),
        ({"version": "2026.2"}, ("/reason", "missing")),
        ({"version": "2026.2", "reason": " "}, ("/reason", "too-short")),
        ({"version": "2026.2", "reason": "x" * 1001}, ("/reason", "too-long")),
        ({"version": "2026.2", "reason": "a\u0000b"}, ("/reason", "malformed")),
        ({"version": "2026.2", "reason": "x", "activate": True}, ("/activate", "unknown-field")),
    ],
)
def test_what_does_not_say_version_and_reason_publishes_nothing(
    desk: Desk, told: dict[str, Any], fault: tuple[str, str]
) -> None:
    desk.save()
    assert fault in faults_of(desk.tell(desk.bob, f"{DRAFT}:publish", **told))


def test_an_author_needs_a_second_person_to_publish_and_to_activate(strict_desk: Desk, sqlite_store_url: str) -> None:
    desk = strict_desk
    both = Keyring(sqlite_store_url).make("rules:publish", "rules:activate", owner="ann")
    desk.service.look_at_store()
    saved = desk.save()
    ensure_problem(desk.publish(who=both), 403, "second-person-needed")
    desk.save(as_yaml(document("Both.")), who=desk.bob, If_Match=saved.headers["ETag"])
    ensure_problem(desk.publish(), 403, "second-person-needed")
    third = Keyring(sqlite_store_url).make("rules:publish", owner="dora")
    desk.service.look_at_store()
    assert desk.publish(who=third).status_code == 201

    author_activates = desk.tell(both, "/v1/rule-sets/2026.2:activate", reason="Mine.")
    ensure_problem(author_activates, 403, "second-person-needed")
    assert desk.activate("2026.2").status_code == 201
    assert desk.activate("2026.1").status_code == 201
    # It was in force before by somebody else's word, so anybody may go back to it.
    assert desk.tell(both, "/v1/rule-sets/2026.2:activate", reason="Roll back.").status_code == 201


def test_a_schedule_waits_for_its_moment_and_can_be_cancelled(desk: Desk) -> None:
    desk.have("2026.2")
    scheduled = desk.activate("2026.2", effective_at=in_hours(2))
    assert scheduled.status_code == 201
    assert desk.scored_by() == "2026.1"
    assert desk.activations(f"?at={in_hours(3).replace('+', '%2B')}")[0]["version"] == "2026.2"
    assert desk.activations(f"?at={in_hours(3)}")[0]["version"] == "2026.2"
    assert desk.activations(f"?at={in_hours(1)}")[0]["version"] == "2026.1"

    cancelled = desk.tell(desk.cleo, "/v1/rule-sets/activations/2:cancel", reason="Not yet.")
    assert cancelled.status_code == 201
    told = cancelled.json()
    assert (told["sequence"], told["version"], told["effective_at"], told["cancels"]) == (3, None, None, [2])
    assert desk.activations(f"?at={in_hours(3)}")[0]["version"] == "2026.1"
    for sequence, slug in ((1, "not-scheduled"), (2, "not-scheduled"), (3, "not-scheduled")):
        answer = desk.tell(desk.cleo, f"/v1/rule-sets/activations/{sequence}:cancel", reason="Again.")
        ensure_problem(answer, 409, slug)
    for unknown in ("4", "0", "x", "99999999999999999999", "-1"):
        answer = desk.tell(desk.cleo, f"/v1/rule-sets/activations/{unknown}:cancel", reason="Again.")
        ensure_problem(answer, 404, "unknown-activation")


def test_what_was_in_force_is_asked_by_a_moment_with_an_offset(desk: Desk) -> None:
    assert desk.activations("?at=2026-06-01T00:00:00Z")[0]["sequence"] == 1
    assert desk.activations("?at=2025-01-01T00:00:00Z") == []
    for told, code in (("yesterday", "not-a-date"), ("2026-06-01T00:00:00", "missing-offset"), ("", "not-a-date")):
        answer = desk.ask(desk.ann, "GET", f"/v1/rule-sets/activations?at={told}")
        assert faults_of(answer) == {("/query/at", code)}


def test_an_activation_at_once_cancels_what_is_scheduled(desk: Desk) -> None:
    desk.have("2026.2", "2026.3")
    desk.activate("2026.2", effective_at=in_hours(2))
    told = desk.activate("2026.3").json()
    assert (told["sequence"], told["cancels"]) == (3, [2])
    assert desk.activations(f"?at={in_hours(3)}")[0]["version"] == "2026.3"


def test_a_schedule_that_is_kept_takes_effect_at_its_time(desk: Desk) -> None:
    desk.have("2026.2", "2026.3")
    desk.activate("2026.2", effective_at=in_hours(2))
    told = desk.activate("2026.3", keep_scheduled=True).json()
    assert (told["sequence"], told["cancels"]) == (3, [])
    assert desk.scored_by() == "2026.3"
    kept = desk.activations()[0]
    assert (kept["sequence"], kept["version"], kept["cancels"]) == (4, "2026.2", [2])
    assert (kept["reason"], kept["activated_by"]) == ("Kept with activation 3: Reviewed.", "cleo")
    assert desk.activations(f"?at={in_hours(1)}")[0]["version"] == "2026.3"
    assert desk.activations(f"?at={in_hours(3)}")[0]["version"] == "2026.2"


def test_an_activation_that_changes_nothing_is_refused(desk: Desk) -> None:
    desk.have("2026.2")
    problem = ensure_problem(desk.activate("2026.1"), 409, "already-in-force")
    assert "activation 1" in problem["detail"]
    desk.activate("2026.2", effective_at=in_hours(2))
    # Now it changes something: what was to come does not come.
    assert desk.activate("2026.1").json()["cancels"] == [2]
    ensure_problem(desk.activate("2031.1"), 404, "unknown-rule-set")
    ensure_problem(desk.activate("latest"), 404, "unknown-rule-set")


def test_what_holds_now_may_be_decided_for_after_the_schedule_has_changed_it(desk: Desk) -> None:
    desk.have("2026.2")
    desk.activate("2026.2", effective_at=in_hours(24))
    at = in_hours(48)
    told = desk.activate("2026.1", effective_at=at, keep_scheduled=True)
    assert (told.status_code, told.json()["outranks"]) == (201, [])
    assert [desk.activations(f"?at={in_hours(hours)}")[0]["version"] for hours in (1, 25, 49)] == [
        "2026.1",
        "2026.2",
        "2026.1",
    ]
    # By then it is in force, so that it changes nothing to say so again.
    problem = ensure_problem(desk.activate("2026.1", effective_at=at, keep_scheduled=True), 409, "already-in-force")
    assert "activation 3" in problem["detail"]


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        ("2026-01-01T00:00:00Z", "in-the-past"),
        ("2999-01-01T00:00:00Z", "too-far-ahead"),
        ("2026-12-01T00:00:00", "missing-offset"),
        ("soon", "not-a-date"),
        (1_800_000_000, "wrong-type"),
    ],
)
def test_a_moment_is_to_come_and_has_an_offset(desk: Desk, moment: object, code: str) -> None:
    desk.have("2026.2")
    assert faults_of(desk.activate("2026.2", effective_at=moment)) == {("/effective_at", code)}


def test_whoever_was_overtaken_by_another_decision_is_told(desk: Desk) -> None:
    desk.have("2026.2", "2026.3")
    tag = desk.ask(desk.ann, "GET", "/v1/rule-sets/activations").headers["ETag"]
    assert desk.activate("2026.2", headers={"If-Match": tag}).status_code == 201
    for stale in (tag, '"99"', '"abc"', '""'):
        ensure_problem(desk.activate("2026.3", headers={"If-Match": stale}), 412, "precondition-failed")
    assert desk.activate("2026.3", headers={"If-Match": "*"}).status_code == 201
    desk.activate("2026.1", effective_at=in_hours(1))
    cancel = "/v1/rule-sets/activations/4:cancel"
    stale_cancel = desk.tell(desk.cleo, cancel, headers={"If-Match": tag}, reason="No.")
    ensure_problem(stale_cancel, 412, "precondition-failed")
    assert desk.tell(desk.cleo, cancel, headers={"If-Match": '"4"'}, reason="No.").status_code == 201


def test_a_withdrawn_version_scores_with_a_warning_and_is_never_activated(desk: Desk) -> None:
    desk.have("2026.2", "2026.3")
    before = desk.service.score(example(), "/v1/scores?rule_set=2026.2", headers=desk.cleo.header).json()
    withdraw = "/v1/rule-sets/2026.2:withdraw"
    told = desk.tell(desk.cleo, withdraw, reason="A wrong number.")
    assert told.status_code == 201
    assert WithdrawalRow.model_validate_json(told.content).model_dump(mode="json") == told.json()

    pinned = desk.service.score(example(), "/v1/scores?rule_set=2026.2", headers=desk.cleo.header).json()
    assert pinned["findings"][0]["code"] == "rule-set-withdrawn"
    assert pinned["joints"] == before["joints"]
    assert "rule-set-withdrawn" not in desk.service.score(example(), headers=desk.cleo.header).text
    batch = {"items": [{"id": "a", "request": example()}]}
    scored = desk.service.score(batch, "/v1/scores:batch?rule_set=2026.2", headers=desk.cleo.header).json()
    assert scored["results"][0]["assessment"]["findings"] == pinned["findings"]
    for answer in (before, pinned):
        kept = {name: answer[name] for name in ("receipt", "rule_set")}
        verdict = desk.tell(desk.cleo, "/v1/scores:verify", request=example(), answer=answer, **kept).json()
        assert verdict == {"same": True, "differs": []}

    ensure_problem(desk.activate("2026.2"), 409, "rule-set-withdrawn")
    ensure_problem(desk.tell(desk.cleo, withdraw, reason="Again."), 409, "rule-set-withdrawn")
    items = desk.ask(desk.ann, "GET", "/v1/rule-sets").json()["items"]
    listed = {item["version"]: item["withdrawal"] for item in items}
    assert listed["2026.2"] == told.json()
    assert listed["2026.1"] is None


def test_what_is_in_force_or_scheduled_is_not_withdrawn(desk: Desk) -> None:
    desk.have("2026.2")
    desk.activate("2026.2", effective_at=in_hours(1))
    for version in ("2026.1", "2026.2"):
        answer = desk.tell(desk.cleo, f"/v1/rule-sets/{version}:withdraw", reason="No good.")
        ensure_problem(answer, 409, "rule-set-in-use")
    answer = desk.tell(desk.cleo, "/v1/rule-sets/2031.1:withdraw", reason="No good.")
    ensure_problem(answer, 404, "unknown-rule-set")


def test_while_the_store_is_away_nothing_is_written_and_everybody_is_told(desk: Desk, sqlite_store_url: str) -> None:
    outage = Outage(desk.service, sqlite_store_url)
    outage.begin()
    try:
        for answer in (
            desk.save(),
            desk.publish(),
            desk.activate("2026.1"),
            desk.ask(desk.ann, "GET", DRAFT),
            desk.ask(desk.ann, "POST", f"{DRAFT}:check"),
            desk.tell(desk.cleo, "/v1/rule-sets/2026.1:withdraw", reason="x"),
            desk.tell(desk.cleo, "/v1/rule-sets/activations/1:cancel", reason="x"),
        ):
            ensure_problem(answer, 503, "store-away")
            assert "Retry-After" in answer.headers
        assert desk.scored_by() == "2026.1"
    finally:
        outage.end()
    assert desk.save().status_code == 201
