"""One run written in other formats, as devices and platforms write them; and files that nobody should open."""

import gzip
import io
import struct
import zipfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from fitdecode import FIT_FRAME_DATA, CrcCheck, FitReader
from fitdecode.utils import compute_crc

FIT_EPOCH_S = 631_065_600


class Point(NamedTuple):
    """One record of a FIT file."""

    at: datetime
    lat: float
    lon: float
    total_m: float


def points_of(fit: bytes) -> list[Point]:
    """The records of a FIT file that have a position and a distance."""
    points = []
    with FitReader(io.BytesIO(fit), check_crc=CrcCheck.DISABLED) as frames:
        for frame in frames:
            if frame.frame_type != FIT_FRAME_DATA or frame.name != "record":
                continue
            told = {each.name: each.value for each in frame.fields}
            lat, lon, total_m = (told.get(name) for name in ("position_lat", "position_long", "distance"))
            if lat is not None and lon is not None and total_m is not None:
                points.append(Point(told["timestamp"], lat * 180 / 2**31, lon * 180 / 2**31, total_m))
    return points


def as_gpx(points: Iterable[Point], *, type: str = "running") -> bytes:
    rows = "".join(
        f'<trkpt lat="{each.lat:.7f}" lon="{each.lon:.7f}"><time>{each.at:%Y-%m-%dT%H:%M:%SZ}</time></trkpt>'
        for each in points
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><gpx version="1.1" creator="a test" '
        f'xmlns="http://www.topografix.com/GPX/1/1"><trk><type>{type}</type><trkseg>{rows}</trkseg></trk></gpx>'
    ).encode()


def as_tcx(points: list[Point], *, seconds: float, metres: float, sport: str = "Running") -> bytes:
    rows = "".join(
        f"<Trackpoint><Time>{each.at:%Y-%m-%dT%H:%M:%SZ}</Time><Position><LatitudeDegrees>{each.lat:.7f}"
        f"</LatitudeDegrees><LongitudeDegrees>{each.lon:.7f}</LongitudeDegrees></Position>"
        f"<DistanceMeters>{each.total_m}</DistanceMeters></Trackpoint>"
        for each in points
    )
    start = f"{points[0].at:%Y-%m-%dT%H:%M:%SZ}"
    return (
        f'<TrainingCenterDatabase><Activities><Activity Sport="{sport}"><Id>{start}</Id><Lap StartTime="{start}">'
        f"<TotalTimeSeconds>{seconds}</TotalTimeSeconds><DistanceMeters>{metres}</DistanceMeters><Track>{rows}"
        "</Track></Lap></Activity></Activities></TrainingCenterDatabase>"
    ).encode()


# ------------------------------------------------------------------------------------------ FIT, written field by field

_FIELDS = {
    "file_id": (0, {"type": (0, "B", 0x00), "manufacturer": (1, "H", 0x84), "time_created": (4, "I", 0x86)}),
    "session": (
        18,
        {
            "timestamp": (253, "I", 0x86), "start_time": (2, "I", 0x86), "sport": (5, "B", 0x00),
            "sub_sport": (6, "B", 0x00), "total_elapsed_time": (7, "I", 0x86), "total_timer_time": (8, "I", 0x86),
            "total_distance": (9, "I", 0x86),
        },
    ),
    "lap": (
        19,
        {
            "timestamp": (253, "I", 0x86), "start_time": (2, "I", 0x86), "total_elapsed_time": (7, "I", 0x86),
            "total_timer_time": (8, "I", 0x86), "total_distance": (9, "I", 0x86), "sport": (25, "B", 0x00),
        },
    ),
    "record": (20, {"timestamp": (253, "I", 0x86), "distance": (5, "I", 0x86)}),
    "activity": (34, {"timestamp": (253, "I", 0x86), "local_timestamp": (5, "I", 0x86)}),
}  # fmt: skip
_SCALES = {"total_elapsed_time": 1000, "total_timer_time": 1000, "total_distance": 100, "distance": 100}


def fit_s(moment: datetime) -> int:
    """A moment as FIT counts it."""
    return round(moment.astimezone(UTC).timestamp()) - FIT_EPOCH_S


def as_fit(*messages: tuple[str, Mapping[str, float]]) -> bytes:
    """A FIT file of these messages; quantities in metres and seconds, times as `fit_s` gives them."""
    body = bytearray()
    for name, told in messages:
        number, fields = _FIELDS[name]
        known = [(fields[field], _SCALES.get(field, 1) * value) for field, value in told.items()]
        body += struct.pack("<BBBHB", 0x40, 0, 0, number, len(known))
        for (field, form, base), _ in known:
            body += struct.pack("<BBB", field, struct.calcsize(form), base)
        body += b"\0" + b"".join(struct.pack(f"<{form}", round(value)) for (_, form, _), value in known)
    head = struct.pack("<2BHI4s", 14, 0x20, 2100, len(body), b".FIT")
    head += struct.pack("<H", compute_crc(head))
    whole = head + bytes(body)
    return whole + struct.pack("<H", compute_crc(whole))


RUNNING, CYCLING = 1, 2
FILE_ID: tuple[str, Mapping[str, float]] = ("file_id", {"type": 4, "manufacturer": 1, "time_created": 1_000_000_000})


# --------------------------------------------------------------------------------------------------------- hostile


def zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in files.items():
            archive.writestr(name, raw)
    return packed.getvalue()


def gzip_bomb(*, unpacked_bytes: int) -> bytes:
    return gzip.compress(bytes(unpacked_bytes), 9)
