"""What several workers may take together is divided among them, and none is left with nothing."""

from typing import Any

import pytest

from app.api.arrow_frames import MESSAGE_MOST_BYTES
from app.api.batch import BODY_MOST_BYTES as BATCH_MOST_BYTES
from app.api.streams import WAITING_MOST_BYTES
from app.api.training import BODY_MOST_BYTES as IMPORT_MOST_BYTES
from app.settings import Settings
from app.terminal.serving import LARGEST_CALL_BYTES, derive_shares

COUNTED: dict[str, Any] = {"rate_limit_per_minute": 1_001, "wrong_keys_per_minute": 20, "concurrent_calls": 64}
MIB = 1_048_576


@pytest.mark.parametrize("workers", [2, 3, 7, 64, 65])
def test_the_shares_together_are_the_whole_but_for_rounding_up(workers: int) -> None:
    shares = derive_shares(Settings(**COUNTED, stream_memory_bytes=100_000 * MIB), workers=workers)

    whole = {**COUNTED, "stream_memory_bytes": 100_000 * MIB}
    assert shares.keys() == whole.keys()
    for name, share in shares.items():
        assert whole[name] <= share * workers < whole[name] + workers, name


def test_no_limit_is_no_limit_for_any_worker() -> None:
    assert derive_shares(Settings(rate_limit_per_minute=0), workers=4)["rate_limit_per_minute"] == 0


@pytest.mark.parametrize(
    ("whole_mib", "workers", "share_mib"), [(128, 2, 64), (512, 4, 128), (128, 8, 64), (48, 4, 48), (16, 2, 16)]
)
def test_every_worker_has_memory_for_the_largest_call_that_the_whole_could_take(
    whole_mib: int, workers: int, share_mib: int
) -> None:
    shares = derive_shares(Settings(stream_memory_bytes=whole_mib * MIB), workers=workers)

    assert shares["stream_memory_bytes"] == share_mib * MIB
    set_aside = (IMPORT_MOST_BYTES, BATCH_MOST_BYTES, WAITING_MOST_BYTES, WAITING_MOST_BYTES + MESSAGE_MOST_BYTES)
    assert max(set_aside) == LARGEST_CALL_BYTES


def test_what_is_divided_can_be_set_for_a_worker() -> None:
    shares: dict[str, Any] = derive_shares(Settings(), workers=1_000)

    assert Settings(**shares).model_dump(include=set(shares)) == shares
