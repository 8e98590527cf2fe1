"""The words and numbers by which files call a sport, beside those of the platforms."""

import re
from typing import Final

from app.readers.activities import Sport
from app.readers.platform_sports import sport_of_platform

# Strava's GPX exports up to about 2022 told the sport by number.
_STRAVA_NUMBERS: Final[dict[str, Sport]] = {"1": "ride", "4": "hike", "9": "run", "10": "walk", "16": "swim"}
_NAMED_AS_RUN: Final = re.compile(r"\b(run|running|jog|jogging)\b", re.IGNORECASE)
_NAMED_AS_ELSE: Final = re.compile(
    r"\b(ride|bike|biking|cycling|walk|walking|hike|hiking|swim|swimming|drive)\b", re.IGNORECASE
)


def sport_of_word(told: str) -> Sport:
    """The sport that a word of a file means; `unknown` where there is none, `other` where it is none of ours.

    >>> [sport_of_word(told) for told in ("Running", "trail_running", "TRAIL RUN", "9", "Kitesurfing", " ")]
    ['run', 'run_trail', 'run_trail', 'run', 'other', 'unknown']
    """
    return _STRAVA_NUMBERS.get(told.strip()) or sport_of_platform(told)


def sport_of_title(told: str) -> Sport:
    """The sport that a title names in so many words (English); `unknown` where it names none, or two.

    >>> [sport_of_title(told) for told in ("Morning Run", "Running 8/5/10 2:23 pm", "Run to the bike shop", "Lunch")]
    ['run', 'run', 'unknown', 'unknown']
    """
    is_run, other = _NAMED_AS_RUN.search(told), _NAMED_AS_ELSE.search(told)
    if is_run and not other:
        return "run"
    return sport_of_word(other[1]) if other and not is_run else "unknown"
