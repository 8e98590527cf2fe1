"""What operators see: numbers with few labels, settings without secrets, and both only for whom they are meant."""

import re
import threading
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.api.fixed_limits import fixed_limits
from app.telemetry import METRICS
from tests.api.keyring import Keyring
from tests.api.service import Service, ensure_problem, example

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def samples(service: Service) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample by name and labels."""
    answer = service.get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def total(service: Service, name: str, **labels: str) -> float:
    return sum(
        number
        for (found, told), number in samples(service).items()
        if found == name and labels.items() <= dict(told).items()
    )


def test_calls_are_counted_by_route_method_and_status(service: Service) -> None:
    service.score(example())
    service.score({"runner": {"age_years": -1}})
    service.get("/jane-doe")

    counted = "joint_risk_http_requests_total"
    assert total(service, counted, route="/v1/scores", method="POST", status="200") == 1
    assert total(service, counted, route="/v1/scores", method="POST", status="422") == 1
    assert total(service, counted, route="unmatched", method="any", status="404") == 1
    assert total(service, "joint_risk_http_request_duration_seconds_count", route="/v1/scores") == 2
    assert total(service, "joint_risk_http_requests_in_flight") == 1  # the one that asks


def test_joints_and_findings_are_counted_and_no_runner_is_told(service: Service) -> None:
    request = example()
    request["runner"]["mass_kg"] = 64.0625
    answer = service.score(request).json()
    request["runner"]["knee"]["pain_at_rest"] = True
    service.score(request)

    level = answer["joints"]["knee"]["level"]
    digest = answer["rule_set"]["digest"]
    assert total(service, "joint_risk_scored_joints_total", joint="knee", level=level, digest=digest) == 1
    assert total(service, "joint_risk_scored_joints_total", joint="knee", status="suspended", level="none") == 1
    assert total(service, "joint_risk_findings_total") == len(answer["findings"]) * 2
    assert "64.0625" not in service.get("/metrics").text


def test_which_rules_are_served_and_how_the_store_is_are_told(service: Service) -> None:
    assert total(service, "joint_risk_rule_set_info", version="2026.1") == 1
    assert total(service, "joint_risk_store_up") == 1
    assert total(service, "joint_risk_rule_sets_refused") == 0


@pytest.mark.parametrize(("bench", "job"), [("workshop", "rule sets"), ("importer", "imports")])
def test_jobs_that_wait_or_run_are_told_by_what_they_are(service: Service, bench: str, job: str) -> None:
    assert total(service, "joint_risk_jobs_waiting", job=job) == 0
    workshop = getattr(service.app.state, bench)
    begun = threading.Thread(target=lambda: workshop.do(time.sleep, 1), daemon=True)
    begun.start()
    deadline = time.monotonic() + 30
    while total(service, "joint_risk_jobs_waiting", job=job) != 1:
        assert time.monotonic() < deadline
    begun.join()
    assert total(service, "joint_risk_jobs_waiting", job=job) == 0


def test_every_metric_is_one_that_the_table_lists_and_the_other_way_round(service: Service) -> None:
    service.score(example())
    written = service.get("/metrics").text
    named = set(re.findall(r"^# TYPE (\S+) ", written, re.MULTILINE))

    assert {name.removesuffix("_total").removesuffix("_created") for name in named} == set(METRICS)


@pytest.mark.parametrize("path", ["/metrics", "/readyz?verbose"])
def test_once_there_are_keys_numbers_and_settings_need_one_that_reads_rules(
    service: Service, sqlite_store_url: str, path: str
) -> None:
    keyring = Keyring(sqlite_store_url)
    reader, scorer = keyring.make("rules:read"), keyring.make("score")
    service.look_at_store()

    told = {who: service.get(path, headers=header) for who, header in {"nobody": {}, "scorer": scorer.header}.items()}
    assert service.get(path, headers=reader.header).status_code == 200
    if path == "/metrics":
        ensure_problem(told["nobody"], 401, "no-key")
        ensure_problem(told["scorer"], 403, "scope-missing")
    else:  # who asks whether it is well is answered, and no more
        assert [answer.json()["details"] for answer in told.values()] == [None, None]
        assert service.get(path, headers=reader.header).json()["details"] is not None


@pytest.mark.parametrize(("scopes", "status"), [("score", 403), ("score, rules:read", 200)])
def test_behind_a_gateway_numbers_and_settings_are_for_those_who_may_read_rules(
    sqlite_store_url: str, scopes: str, status: int
) -> None:
    with Service(sqlite_store_url, auth="off", auth_off_scopes=scopes) as service:
        assert service.get("/metrics").status_code == status
        readiness = service.get("/readyz?verbose")
        assert (readiness.status_code, readiness.json()["details"] is None) == (200, status == 403)


def test_details_hold_every_setting_but_secrets(sqlite_store_url: str) -> None:
    with Service(sqlite_store_url, otlp_endpoint=None, concurrent_calls=7) as service:
        assert service.get("/readyz").json()["details"] is None
        details = service.get("/readyz?verbose").json()["details"]

    assert details["settings"]["concurrent_calls"] == 7
    assert details["store_kind"] == "sqlite"
    assert "database_url" not in details["settings"]
    assert sqlite_store_url not in str(details)


def test_details_hold_every_bound_that_is_no_setting(service: Service) -> None:
    told = service.get("/readyz?verbose").json()["details"]["fixed_limits"]

    assert told == {name: limit.most for name, limit in fixed_limits().items()}
    assert {name for name in told if not name.endswith(("_bytes", "_count", "_s", "_days", "_ratio"))} == set()
    # As the code that keeps to them has them.
    importer, workshop = service.app.state.importer, service.app.state.workshop
    assert (told["import_deadline_s"], told["import_memory_bytes"]) == importer.limits[:2]
    assert told["import_at_work_count"] + told["import_waiting_count"] == importer.seats
    assert (told["job_deadline_s"], told["job_memory_bytes"]) == workshop.limits[:2]
    assert 1 + told["job_waiting_count"] == workshop.seats
    assert (told["head_headers_count"], told["request_nesting_count"], told["batch_rows_count"]) == (100, 16, 1_000)


def test_calls_are_counted_by_key_prefix(service: Service, sqlite_store_url: str) -> None:
    key = Keyring(sqlite_store_url).make("score", "rules:read")
    service.look_at_store()
    service.score(example(), headers=key.header)

    written = service.get("/metrics", headers=key.header).text
    assert f'joint_risk_key_calls_total{{prefix="{key.prefix}"}} 1.0' in written
    assert key.text not in written
