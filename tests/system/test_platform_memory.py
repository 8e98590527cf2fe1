"""The largest and the most hostile of platforms' files, in a process that may take what a reading process may."""

import json
import subprocess
import sys

import pytest

MIB = 2**20
ROOM_MIB = 512
WORST = {
    "many small records": (b'[{"id":1,"start_date":"","type":"","moving_time":1}', b',{"id":1,"a":2222}', b"]"),
    "many whole records": (
        b"[",
        b'{"activityId":1,"startTime":1774744200000,"totalTime":1,"totalDistance":1},',
        b"{}]",
    ),
    "empty objects": (b'[{"id":1,"start_date":"","type":"","moving_time":1}', b",{}", b"]"),
    "distinct members": (b'{"id":1,"start_date":"","type":"","moving_time":1', b',"%07d":1.5', b"}"),
    "no numbers": (b'[{"id":1,"start_date":"","type":"","moving_time":NaN}', b",NaN", b"]"),
    "whole rows": (b"a,b,c,d,e,f,g\n", b"Running,2022-12-03 09:47:09,false,x,5.01,380,00:27:32\n", b""),
    "one row": (b"Running,2022-12-03 09:47:09,false,x,5.01,380,00:27:32\n", b"ab,", b""),
    "one cell": (b'Running,2022-12-03 09:47:09,false,x,5.01,380,00:27:32\n"', b"ab\n", b""),
    "short rows": (b"Running,2022-12-03 09:47:09,false,x,5.01,380,00:27:32\n", b"a\n", b""),
}
READ = """
import json, re, sys, time
from app.errors import UnreadableTrainingError
from app.readers import read_content
from app.readers.content import Content
raw = sys.stdin.buffer.read()
began = time.process_time()
try:
    reading = read_content(Content(raw, name="worst"))
    told = [len(reading.activities), [finding.code for finding in reading.findings]]
except UnreadableTrainingError as refused:
    told = [0, [refused.slug]]
# Not what getrusage says: that remembers the process that this one was forked from.
peak_kib = int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
print(json.dumps([*told, peak_kib / 1024, time.process_time() - began]))
"""


def _filled(kind: str, *, size: int) -> bytes:
    head, piece, tail = WORST[kind]
    count = (size - len(head) - len(tail)) // len(piece % 0 if b"%" in piece else piece)
    body = b"".join(piece % number for number in range(count)) if b"%" in piece else piece * count
    return head + body + tail


def _read(raw: bytes) -> tuple[int, list[str], float, float]:
    told = subprocess.run([sys.executable, "-c", READ], input=raw, capture_output=True, check=True, timeout=120)
    count, codes, peak_mib, cpu_s = json.loads(told.stdout)
    return count, codes, peak_mib, cpu_s


@pytest.mark.parametrize("kind", WORST)
def test_the_worst_file_that_is_still_read_fits_into_a_reading_process(kind: str) -> None:
    count, codes, peak_mib, cpu_s = _read(_filled(kind, size=16 * MIB))
    assert peak_mib < ROOM_MIB
    assert cpu_s < 20
    assert (count, codes) != (0, [])


@pytest.mark.parametrize("kind", ["many whole records", "whole rows"])
def test_four_times_the_records_take_about_four_times_as_long(kind: str) -> None:
    quarter, whole = (_read(_filled(kind, size=size)) for size in (MIB // 2, 2 * MIB))
    assert whole[0] == pytest.approx(4 * quarter[0], rel=0.01)
    assert whole[3] < 8 * quarter[3]
