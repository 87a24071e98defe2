"""Waiting longer after each failure."""

from threading import Event

from runtime.backoff import Backoff


def test_the_pause_doubles_up_to_the_longest_whatever_the_number_of_failures() -> None:
    pauses: list[float] = []
    backoff = Backoff(1.0, 5.0, chance=lambda: 1.0, sleep=pauses.append)
    for failures in (1, 2, 3, 4, 5000):
        assert not backoff.wait(failures)
    assert pauses == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_chance_shortens_a_pause_and_the_other_side_lengthens_it() -> None:
    pauses: list[float] = []
    backoff = Backoff(1.0, 5.0, chance=lambda: 0.5, sleep=pauses.append)
    backoff.wait(2)
    backoff.wait(2, at_least=3.0)
    backoff.wait(2, at_least=60.0)
    assert pauses == [1.0, 3.0, 5.0]


def test_an_event_ends_the_waiting() -> None:
    stop = Event()
    stop.set()
    assert Backoff(first=60.0, longest=60.0, sleep=stop.wait).wait(1)
