"""`POST /v1/scores:verify` and `joint-risk verify`: the same verdict over the wire and offline."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from app.api.answers import Verdict
from app.rule_sets.documents import canonical_bytes, published_document
from tests.api.command_line import Ending, run
from tests.api.service import EXAMPLES, Author, Outage, Service, ensure_problem, example, faults_of, packed

RUNNERS = sorted(file.stem for file in EXAMPLES.glob("*.json"))
PUBLISHED = Path(__file__).resolve().parents[2] / "app" / "rule_sets" / "published" / "2026.1.yaml"
MARKER = "Zanzibar"


def verify(service: Service, request: Any, kept: Any, **more: Any) -> Any:
    told = {"request": request, "receipt": kept["receipt"], "rule_set": kept["rule_set"], **more}
    return service.score(told, "/v1/scores:verify")


@pytest.mark.parametrize("query", ["", "?detail=codes", "?min_evidence=moderate"])
@pytest.mark.parametrize("runner", RUNNERS)
def test_what_the_service_answered_it_answers_again(shared_service: Service, runner: str, query: str) -> None:
    answer = shared_service.score(example(runner), f"/v1/scores{query}").json()

    told = verify(shared_service, example(runner), answer, answer=answer)

    assert told.json() == {"same": True, "differs": []}
    assert Verdict.model_validate_json(told.content).model_dump() == told.json()
    assert told.headers["Cache-Control"] == "no-store"
    assert told.headers["Joint-Rule-Set"].startswith("2026.1;sha256:")
    assert verify(shared_service, example(runner), answer).json() == {"same": True, "differs": None}


def test_an_altered_answer_is_told_where(shared_service: Service) -> None:
    answer = shared_service.score(example()).json()
    altered = copy.deepcopy(answer)
    altered["joints"]["knee"]["score"] += 1
    altered["joints"]["lower_back"]["contributions"][3]["published"][0]["estimate"] = 9.99

    assert verify(shared_service, example(), answer, answer=altered).json() == {
        "same": False,
        "differs": ["/joints/knee/score", "/joints/lower_back/contributions/3/published/0/estimate"],
    }


def test_rules_are_those_of_the_version_and_not_those_in_force(service: Service, author: Author) -> None:
    old = service.score(example()).json()
    document: Any = published_document("2026.1")
    document["levels"]["cuts"][1]["from"] = 41
    author.publish("2026.2", document=document)
    author.activate(2, "2026.2")
    service.look_at_store()
    new = service.score(example()).json()
    assert new["rule_set"]["version"] == "2026.2"

    assert verify(service, example(), old, answer=old).json()["same"]
    assert verify(service, example(), new, answer=new).json()["same"]
    assert not verify(service, example(), old, rule_set=new["rule_set"]).json()["same"]


def test_an_unknown_version_is_404_and_a_store_that_is_away_503(
    service: Service, author: Author, outage: Outage
) -> None:
    answer = service.score(example()).json()
    ensure_problem(verify(service, example(), answer, rule_set={"version": "2031.7"}), 404, "unknown-rule-set")
    author.publish("2026.2")

    outage.begin()
    ensure_problem(verify(service, example(), answer, rule_set={"version": "2026.2"}), 503, "store-away")
    # What is in memory is verified as it is scored: without the store.
    assert verify(service, example(), answer).json()["same"]
    outage.end()


def test_faults_are_named_at_once_and_no_value_is_repeated(shared_service: Service) -> None:
    answer = shared_service.score(example()).json()
    request = {"runner": {"sex": MARKER, "age_years": -1, MARKER: MARKER}, "training": {}}

    told = verify(shared_service, request, answer)

    assert faults_of(told) == {
        ("/request/runner/sex", "not-a-choice"),
        ("/request/runner/age_years", "out-of-range"),
    }
    assert MARKER not in told.text
    told = verify(shared_service, request, {**answer, "receipt": {"as_of": MARKER}}, **{MARKER: MARKER})
    assert faults_of(told) == {
        ("/receipt/answer_digest", "missing"),
        ("/receipt/as_of", "not-a-date"),
        ("", "unknown-field"),
    }
    assert MARKER not in told.text


def test_a_verification_comes_as_json_packed_or_not_and_within_bounds(shared_service: Service) -> None:
    answer = shared_service.score(example()).json()
    told = {"request": example(), "receipt": answer["receipt"], "rule_set": answer["rule_set"]}
    headers = {"Content-Encoding": "gzip"}
    assert shared_service.score(packed(told), "/v1/scores:verify", headers=headers).json()["same"]

    long = json.dumps(told).encode() + b" " * 2 * 1_048_576
    ensure_problem(shared_service.score(long, "/v1/scores:verify"), 413, "too-large")
    as_text = {"Content-Type": "text/plain"}
    ensure_problem(shared_service.score(told, "/v1/scores:verify", headers=as_text), 415, "unsupported-media-type")
    ensure_problem(shared_service.score(told, "/v1/scores:verify?rule_set=2026.1"), 422, "invalid-input")
    ensure_problem(shared_service.get("/v1/scores:verify"), 405, "method-not-allowed")


# ------------------------------------------------------------------------------------------------------- offline


@pytest.fixture
def kept(shared_service: Service, tmp_path: Path) -> tuple[Path, Path]:
    """A request and its answer, as somebody keeps them."""
    request, answer = tmp_path / "request.json", tmp_path / "answer.json"
    request.write_text(json.dumps(example()), encoding="utf-8")
    answer.write_bytes(shared_service.score(example()).content)
    return request, answer


def offline(kept: tuple[Path, Path], *options: str, store: str = "sqlite:////nowhere/at/all.db") -> Ending:
    return run("verify", *map(str, kept), *options, store=store)


def rules_in(form: str, folder: Path, service: Service) -> Path:
    """The rules 2026.1 in one of the forms in which they can be had."""
    file = folder / f"rules.{form}"
    match form:
        case "yaml":
            file.write_bytes(PUBLISHED.read_bytes())
        case "canonical":
            file.write_bytes(canonical_bytes(published_document("2026.1")))
        case "bundle":
            run("rules", "export", "--bundle", str(file), store=f"sqlite:///{folder / 'store.db'}")
        case "json":
            file.write_text(json.dumps(published_document("2026.1"), indent=2), encoding="utf-8")
        case _:
            file.write_bytes(service.get("/v1/rule-sets/2026.1").content)
    return file


@pytest.mark.parametrize("form", ["yaml", "canonical", "json", "version", "bundle"])
def test_an_answer_is_verified_offline_with_rules_in_every_form(
    kept: tuple[Path, Path], form: str, tmp_path: Path, shared_service: Service
) -> None:
    rules = str(rules_in(form, tmp_path, shared_service))

    ending = offline(kept, "--rules", rules, "--json")

    assert (ending.code, ending.err) == (0, "")
    assert json.loads(ending.out) == {"same": True, "differs": []}
    assert "The same" in offline(kept, "--rules", rules).out


def test_the_store_knows_the_rules_where_no_file_is_given(kept: tuple[Path, Path], sqlite_store_url: str) -> None:
    assert offline(kept, store=sqlite_store_url).code == 0


def test_an_altered_answer_ends_in_its_own_code_and_is_told_where(kept: tuple[Path, Path]) -> None:
    answer = json.loads(kept[1].read_bytes())
    answer["joints"]["knee"]["score_range"][1] -= 1
    kept[1].write_text(json.dumps(answer), encoding="utf-8")

    ending = offline(kept, "--rules", str(PUBLISHED))

    assert ending.code == 12
    assert ending.out == ""
    assert "/joints/knee/score_range/1" in ending.err
    as_json = offline(kept, "--rules", str(PUBLISHED), "--json")
    assert as_json.code == 12
    assert json.loads(as_json.out)["differs"] == ["/joints/knee/score_range/1"]


def test_other_rules_under_the_same_name_are_noticed(kept: tuple[Path, Path], tmp_path: Path) -> None:
    document: Any = published_document("2026.1")
    document["texts"]["notice"] = "Other rules under the same name."
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps(document), encoding="utf-8")

    ending = offline(kept, "--rules", str(rules))

    assert ending.code == 12
    assert "/rule_set/digest" in ending.err


def test_files_that_cannot_be_used_say_why(kept: tuple[Path, Path], tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    assert run("verify", str(nothing), str(kept[1]), "--rules", str(PUBLISHED)).code == 6
    assert offline(kept, "--rules", str(nothing)).code == 6
    nothing.write_text("factors: []\n", encoding="utf-8")
    assert offline(kept, "--rules", str(nothing)).code == 3
    nothing.write_text('{"version": 7, "document": {"factors": []}}', encoding="utf-8")
    assert "/version" in offline(kept, "--rules", str(nothing)).err
    answer = json.loads(kept[1].read_bytes())
    del answer["receipt"]
    kept[1].write_text(json.dumps(answer), encoding="utf-8")
    ending = offline(kept, "--rules", str(PUBLISHED))
    assert ending.code == 3
    assert "/receipt" in ending.err
