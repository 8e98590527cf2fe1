"""How long a track of positions is, and how long somebody moved along it. Points are used and not kept.

A step between two points is a geodesic of the WGS84 ellipsoid. Steps below a kilometre, which are nearly all, take its
first-order form (the ellipsoid's two radii of curvature), which is within a millionth of it and twenty times as fast.
"""

import math
from typing import Final

EQUATOR_M: Final = 6_378_137.0
ECCENTRICITY_SQUARED: Final = 6.694_379_990_14e-3
NEAR_M: Final = 1_000.0
POLAR_DEG: Final = 85.0

STILL_M_PER_S: Final = 1 / 3.6
"""Slower than 1 km/h is standing; what the position still wanders then is noise."""
STILL_FROM_S: Final = 10.0
"""So long a stretch of standing is a pause; a shorter one is part of running."""
JUMP_M_PER_S: Final = 40.0
"""Faster than a bicycle downhill: the position jumped. Out and back again, and nobody went there; else the way was gone
while there was no fix."""
GAP_FROM_S: Final = 60.0
GAP_FROM_M: Final = 200.0
"""So long without a point, and so far apart: part of the way was not recorded."""


def step_m(lat_1: float, lon_1: float, lat_2: float, lon_2: float) -> float:
    """The distance between two positions in degrees, metres.

    >>> round(step_m(47.0, 8.0, 47.001, 8.001), 2)
    134.7
    >>> round(step_m(0.0, 179.9999, 0.0, -179.9999), 2), round(step_m(47.0, 8.0, 48.0, 9.0))
    (22.26, 134302)
    """
    mean = math.radians((lat_1 + lat_2) / 2)
    east = (lon_2 - lon_1 + 540.0) % 360.0 - 180.0
    curved = 1.0 - ECCENTRICITY_SQUARED * math.sin(mean) ** 2
    across = EQUATOR_M / math.sqrt(curved)
    along = across * (1.0 - ECCENTRICITY_SQUARED) / curved
    near = math.hypot(along * math.radians(lat_2 - lat_1), across * math.cos(mean) * math.radians(east))
    if near < NEAR_M and abs(lat_1) < POLAR_DEG and abs(lat_2) < POLAR_DEG:
        return near
    from geographiclib.geodesic import Geodesic

    return float(Geodesic.WGS84.Inverse(lat_1, lon_1, lat_2, lon_2, Geodesic.DISTANCE)["s12"])


class Track:
    """Adds up a track point by point.

    Attributes:
        distance_m: along the track, without jumps, and without what lies between two segments.
        moving_s: time from point to point without pauses (standing for ten seconds or more, or between segments).
        first_s, last_s: time of the first and last point that has one, seconds; None before that.
        first_lon_deg: of the first point.
        points, timed_points, gaps, jumps: how many there were.
        has_backward_time: a point is earlier than the one before it.
    """

    def __init__(self) -> None:
        self.distance_m = 0.0
        self.moving_s = 0.0
        self.first_s: float | None = None
        self.last_s: float | None = None
        self.first_lon_deg: float | None = None
        self.points = 0
        self.timed_points = 0
        self.gaps = 0
        self.jumps = 0
        self.has_backward_time = False
        self._before: tuple[float, float, float | None] | None = None
        self._jumped: tuple[float, float, float] | None = None
        self._still_s = 0.0
        self._is_new_segment = False

    def end_segment(self) -> None:
        """What comes next does not follow on from what came: a pause lies between."""
        self._is_new_segment = True
        self._keep_short_still()

    def add(self, lat_deg: float, lon_deg: float, at_s: float | None) -> None:
        """Takes one point; its time may be unknown."""
        if self.first_lon_deg is None:
            self.first_lon_deg = lon_deg
        self.points += 1
        if at_s is not None:
            self.timed_points += 1
            if self.first_s is None:
                self.first_s = at_s
            elif self.last_s is not None and at_s < self.last_s:
                self.has_backward_time = True
            self.last_s = at_s
        before, self._before = self._before, (lat_deg, lon_deg, at_s)
        if before is None:
            self._is_new_segment = False
            return
        self._step(before, lat_deg, lon_deg, at_s)

    def append(self, other: "Track") -> None:
        """Takes what another track added up, as what came after a pause."""
        self.distance_m += other.distance_m
        self.moving_s += other.moving_s
        self.points += other.points
        self.timed_points += other.timed_points
        self.gaps += other.gaps
        self.jumps += other.jumps
        self.has_backward_time |= other.has_backward_time
        self.last_s = other.last_s if other.last_s is not None else self.last_s

    def finish(self) -> None:
        """After the last point: a short standstill at the end still counts."""
        self._keep_short_still()

    def _step(
        self, before: tuple[float, float, float | None], lat_deg: float, lon_deg: float, at_s: float | None
    ) -> None:
        metres = step_m(before[0], before[1], lat_deg, lon_deg)
        seconds = None if at_s is None or before[2] is None else at_s - before[2]
        if seconds is not None and seconds >= GAP_FROM_S and metres >= GAP_FROM_M:
            self.gaps += 1
        if self._is_new_segment:
            self._is_new_segment = False
            return
        if seconds is None:
            self.distance_m += metres
            return
        jumped, self._jumped = self._jumped, None
        if metres > JUMP_M_PER_S * max(seconds, 1.0):
            self.jumps += 1
            if jumped is None:
                self._jumped = (before[0], before[1], metres)
            else:
                self.distance_m -= jumped[2]
                metres = step_m(jumped[0], jumped[1], lat_deg, lon_deg)
        self.distance_m += metres
        if seconds <= 0:
            return
        if metres < STILL_M_PER_S * seconds:
            self._still_s += seconds
        else:
            self._keep_short_still()
            self.moving_s += seconds

    def _keep_short_still(self) -> None:
        if self._still_s < STILL_FROM_S:
            self.moving_s += self._still_s
        self._still_s = 0.0

    @property
    def elapsed_s(self) -> float | None:
        """From the first to the last timed point; None without two of them."""
        if self.first_s is None or self.last_s is None or self.timed_points < 2:
            return None
        return max(self.last_s - self.first_s, 0.0)


def solar_offset_h(lon_deg: float | None) -> int | None:
    """Hours that the sun is ahead of Greenwich at a longitude, whole.

    >>> solar_offset_h(-122.4), solar_offset_h(13.4), solar_offset_h(None)
    (-8, 1, None)
    """
    return None if lon_deg is None or not -180 <= lon_deg <= 180 else round(lon_deg / 15)
