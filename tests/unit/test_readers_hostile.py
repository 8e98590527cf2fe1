"""What nobody should open: bombs, deep nests, paths for names, junk. Each ends in one clear sentence, and soon."""

import gzip
import io
import json
import signal
import struct
import time
import tracemalloc
import zipfile

import pytest

from app.errors import UnreadableTrainingError
from app.readers import READERS, read_content
from app.readers.activities import Reader, ReadingFinding
from app.readers.assembly import Collected
from app.readers.containers import Room
from app.readers.content import Content
from app.readers.importing import read_files, read_into
from tests.samples import sample
from tests.unit.training_files import as_gpx, gzip_bomb, points_of, zipped

MIB = 1_048_576
FIT = sample("fit/Activity.fit")


def collected(raw: bytes, name: str = "a.bin", *, room: Room | None = None) -> Collected:
    found = Collected()
    read_into(found, Content(raw, name=name), room=room or Room(), most_s=10)
    return found


def refusals(found: Collected) -> list[ReadingFinding]:
    return [each for each in found.findings if each.code == "unreadable-file"]


FOREIGN = (
    b"", b"{}", b"[]", b"[1]", b"null", b"<a/>", b"\xff\xfe\0", b"a,b\n1,2\n", FIT[:40], b'{"a": {"b": [{}]}}'
)  # fmt: skip
LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE gpx [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]><gpx><trk><name>&j;</name></trk></gpx>"
)
OUTSIDE = b'<!DOCTYPE gpx [<!ENTITY x SYSTEM "file:///etc/hostname">]><gpx><trk><name>&x;</name></trk></gpx>'


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (LAUGHS, "entities or a DTD"),
        (OUTSIDE, "entities or a DTD"),
        (b"<gpx>" + b"<a>" * 100_000, "deep"),
        (b"<TrainingCenterDatabase>" + b"<a>" * 100_000, "deep"),
        (b"[" * 200_000, "broken JSON"),
        (b'{"sessions":' + b"[" * 200_000 + b"]" * 200_000 + b"}", "broken JSON"),
        (b"\x0e\x10\xd9\x07\xff\xff\xff\xff.FIT" + b"\x40" * 500, "damaged"),
        (b"\x0e\x10\xd9\x07\0\0\0\0.FIT", "damaged"),
        (bytes(range(256)) * 40, "no format"),
        (b"", "empty"),
        (b"<gpx><trk", "well-formed"),
        (b"[0" + b",0" * (9 * MIB) + b"]", "in parts"),
    ],
)
def test_a_hostile_file_is_refused_with_its_name_and_the_reason(raw: bytes, reason: str) -> None:
    (refusal,) = refusals(collected(raw, "../../evil.fit"))
    assert refusal.source == "evil.fit"
    assert reason in refusal.detail


def test_a_gzip_bomb_is_not_unpacked() -> None:
    bomb = gzip_bomb(unpacked_bytes=150 * MIB)
    tracemalloc.start()
    try:
        (refusal,) = refusals(collected(bomb, "a.gpx.gz"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "100 times" in refusal.detail
    assert peak < 150 * MIB


def test_a_zip_bomb_is_not_unpacked_and_what_stands_beside_it_is_read() -> None:
    found = collected(zipped({"a.fit": bytes(30 * MIB), "b.fit": FIT}), "x.zip")
    assert ["100 times" in each.detail for each in refusals(found)] == [True]
    assert [each.source for each in found.activities] == ["b.fit"]


def test_a_zip_that_lies_about_its_sizes_is_held_to_them() -> None:
    raw = bytearray(zipped({"a.gpx": b"x" * 5_000_000}))
    place = raw.index(b"PK\x01\x02") + 24
    raw[place : place + 4] = struct.pack("<I", 1_000)
    assert len(refusals(collected(bytes(raw), "x.zip"))) == 1


def test_all_that_is_unpacked_together_is_bounded() -> None:
    noise = b"".join(struct.pack("<I", n * 2_654_435_761 % 2**32) for n in range(MIB // 2))
    found = collected(zipped({f"{n}.fit": noise for n in range(4)}), "x.zip", room=Room(5 * MIB))
    assert sum("would be unpacked" in each.detail for each in refusals(found)) == 2


def test_an_archive_in_an_archive_is_not_opened_and_a_gz_of_one_file_is() -> None:
    inner = zipped({"b.fit": FIT})
    found = collected(
        zipped({"a.fit": inner, "c.fit.gz": gzip.compress(FIT), "d.fit.gz": gzip.compress(inner)}), "x.zip"
    )
    assert sorted(each.source for each in refusals(found)) == ["a.fit", "d.fit.gz"]
    assert [each.source for each in found.activities] == ["c.fit"]


def test_names_in_archives_are_text_and_never_paths() -> None:
    found = collected(
        zipped({"../../../etc/cron.d/a.fit": FIT, "C:\\temp\\b\x1b[31m.fit": FIT, "/c.fit": FIT}), "x.zip"
    )
    assert sorted(each.source for each in found.activities) == ["a.fit", "b_[31m.fit", "c.fit"]


def test_an_archive_of_very_many_files_or_none_that_can_be_read_is_refused_whole() -> None:
    assert len(refusals(collected(zipped({f"{n}": b"" for n in range(10_001)}), "x.zip"))) == 1
    assert len(refusals(collected(b"PK\x03\x04" + b"?" * 100, "x.zip"))) == 1


def test_an_encrypted_part_is_named() -> None:
    raw = bytearray(zipped({"a.fit": FIT}))
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    assert "encrypted" in refusals(collected(bytes(raw), "x.zip"))[0].detail


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_part_packed_in_a_greedy_way_is_not_unpacked(method: int) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr("a.fit", FIT)
    assert "deflate" in refusals(collected(packed.getvalue(), "x.zip"))[0].detail


def test_a_gz_that_breaks_off_tells_what_it_can() -> None:
    found = collected(gzip.compress(sample("gpx/cerknicko-jezero.gpx"))[:-3_000], "a.gpx.gz")
    assert [each.code for each in found.findings].count("salvaged") == 2
    assert found.activities


def test_a_file_that_takes_too_long_is_named_and_the_next_is_read() -> None:
    slow = as_gpx(points_of(sample("fit/activity-small-fenix2-run.fit")) * 20)
    found = Collected()
    read_into(found, Content(slow, name="slow.gpx"), room=Room(), most_s=0.05)
    read_into(found, Content(FIT, name="b.fit"), room=Room(), most_s=10)
    assert [each.detail[:13] for each in refusals(found)] == ["It took too l"]
    assert [each.source for each in found.activities] == ["b.fit"]


def test_an_alarm_that_was_set_before_rings_after_a_file_was_read() -> None:
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _frame: rung.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 60)
        read_into(Collected(), Content(FIT, name="b.fit"), room=Room(), most_s=10)
        left_s, _ = signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert 50 < left_s < 60
    assert rung == []


def test_files_for_which_there_is_no_time_are_named_one_by_one() -> None:
    files = [Content(FIT, name=f"{n}.fit") for n in range(3)]
    found = read_files(files, reader=None, until_s=time.monotonic() - 1)
    assert [each.source for each in refusals(found)] == ["0.fit", "1.fit", "2.fit"]


@pytest.mark.parametrize("reader", READERS.values(), ids=lambda reader: reader.id)
def test_a_reader_that_is_asked_for_by_name_refuses_what_is_not_its_own(reader: Reader) -> None:
    for raw in (
        b"",
        b"{}",
        b"[]",
        b"[1]",
        b"null",
        b"<a/>",
        b"\xff\xfe\0",
        b"a,b\n1,2\n",
        FIT[:40],
        b'{"a": {"b": [{}]}}',
    ):
        try:
            reading = read_content(Content(raw, name="a"), reader=reader)
        except UnreadableTrainingError:
            continue
        assert [each for each in reading.activities if each.distance_mm or each.started_at] == []


def test_numbers_beyond_reason_are_no_numbers() -> None:
    told = json.dumps({"sessions": [{"started_on": "2026-11-20", "distance_m": 1e300}, {"started_on": "2026-11-20"}]})
    found = collected(told.encode(), "a.json")
    assert [each.distance_mm for each in found.activities] == [None]


@pytest.mark.parametrize("repeat", [4, 16])
def test_memory_does_not_grow_with_the_points_of_a_track(repeat: int) -> None:
    raw = as_gpx(points_of(sample("fit/2013-02-06-12-11-14.fit")) * repeat)
    tracemalloc.start()
    try:
        read_content(Content(raw, name="a.gpx"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * len(raw) + MIB
