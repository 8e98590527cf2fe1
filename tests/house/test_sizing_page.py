"""What the handbook says a call costs is what the last benchmark measured, give or take what rounds differ by."""

import re

import pytest

from tests.house.test_docs import page

ROUNDS_DIFFER_BY = 0.15
RESULT = re.compile(r"^\| \d+ runners, ([\w ]+) \| (full|codes|scores) \| ([\d.]+) \| (\d+) \|", re.MULTILINE)
SIZED = re.compile(r"^\| ([\w ]+) \| `(full|codes|scores)` \| ([\d,]+) \| (\d+) \| ([\d.]+) GB \|$", re.MULTILINE)


def test_what_replicas_are_sized_by_is_what_was_measured() -> None:
    measured = {
        (who, detail): (float(kb), float(cpu_us))
        for who, detail, kb, cpu_us in RESULT.findall(page("benchmarks/RESULTS.md"))
    }
    sized = {
        (who, detail): (float(rate.replace(",", "")), float(cpu_s), float(gb))
        for who, detail, rate, cpu_s, gb in SIZED.findall(page("docs/handbook.md"))
    }

    assert len(sized) == 6
    assert sized.keys() == measured.keys()
    for row, (rate, cpu_s, gb) in sized.items():
        kb, cpu_us = measured[row]
        assert cpu_s == pytest.approx(cpu_us, rel=ROUNDS_DIFFER_BY), row  # a microsecond a runner is a second a million
        assert rate == pytest.approx(1e6 / cpu_s, abs=5), row
        assert gb == pytest.approx(kb, rel=ROUNDS_DIFFER_BY, abs=0.05), row


def test_the_latency_and_the_saturation_that_are_named_are_those_of_the_last_soak() -> None:
    soak = page("benchmarks/SOAK.md")
    saturation = re.search(r"^\| saturation, .*? \| (\d+) \|", soak, re.MULTILINE)
    held = re.search(r"^\| 70% of it, .*? \| (\d+) \| .* \| .* \| ([\d.]+ ms) \|$", soak, re.MULTILINE)
    assert saturation is not None
    assert held is not None

    said = " ".join(page("docs/handbook.md").split())
    assert f"full at {saturation[1]} calls a second" in said
    assert f"{held[1]} calls a second for 15 minutes with a p99 of {held[2]}" in said
