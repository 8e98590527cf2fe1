"""Windows of a minute, and the age of a list of keys: they go by a clock that nobody sets."""

from pathlib import Path

from app.access.files import KeyFile, write_key_file
from app.access.held import KeysHeld
from app.access.windows import SteadyStorage


class Clock:
    """Seconds that only a test moves on."""

    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_window_begins_with_the_first_count_and_ends_a_minute_later() -> None:
    clock = Clock()
    storage = SteadyStorage(clock=clock)
    assert (storage.get("ann"), storage.get_expiry("ann")) == (0, 1_000)
    assert [storage.incr("ann", 60, amount) for amount in (1, 5)] == [1, 6]
    clock.now_s += 59
    assert (storage.incr("ann", 60), storage.get("ann"), storage.get_expiry("ann")) == (7, 7, 1_060)
    clock.now_s += 1
    assert (storage.get("ann"), storage.get_expiry("ann")) == (0, 1_060)
    assert storage.incr("ann", 60) == 1


def test_one_caller_uses_nothing_up_of_another() -> None:
    storage = SteadyStorage()
    storage.incr("ann", 60, 9)
    assert storage.incr("bob", 60) == 1
    storage.clear("ann")
    assert (storage.get("ann"), storage.get("bob")) == (0, 1)


def test_counters_that_are_over_are_let_go() -> None:
    clock = Clock()
    storage = SteadyStorage(clock=clock)
    for number in range(1_000):
        storage.incr(f"address-{number}", 60)
    clock.now_s += 61
    storage.incr("ann", 60)
    assert storage.reset() == 1


def test_a_clock_that_is_set_makes_the_list_of_keys_neither_old_nor_young(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(write_key_file([]))
    day = Clock()
    held = KeysHeld(KeyFile(file), poll_s=5, clock=day)
    held.load()
    for step_s in (172_800, -345_600):
        day.now_s += step_s
        assert 0 <= held.age_s < 3_600
    held.close()
