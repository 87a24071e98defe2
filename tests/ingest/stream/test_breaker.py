"""The circuit breaker, with a clock that the test moves."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from ingest.stream.breaker import PAUSES, Breaker


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


def test_everybody_is_admitted_while_nothing_fails(breaker: Breaker) -> None:
    for _ in range(3):
        assert breaker.admits()
        breaker.succeeded()


def test_after_a_failure_nobody_is_admitted_for_a_while_and_then_one(
    breaker: Breaker, clock: Clock
) -> None:
    breaker.failed()
    clock.now += PAUSES.first - 0.1
    assert not breaker.admits()
    clock.now += 0.1
    assert [breaker.admits() for _ in range(3)] == [True, False, False]
    breaker.succeeded()
    assert [breaker.admits() for _ in range(3)] == [True, True, True]


def test_the_pause_doubles_with_each_try_that_fails(breaker: Breaker, clock: Clock) -> None:
    breaker.failed()
    pauses = []
    for _ in range(5):
        began = clock.now
        while not breaker.admits():
            clock.now += 0.5
        breaker.failed()
        pauses.append(clock.now - began)
    assert pauses == [5, 10, 20, PAUSES.longest, PAUSES.longest]


def test_failures_of_those_who_were_admitted_before_the_pause_do_not_lengthen_it(
    breaker: Breaker, clock: Clock
) -> None:
    for _ in range(8):
        breaker.failed()
    clock.now += PAUSES.first
    assert breaker.admits()


def test_one_who_tries_and_never_comes_back_holds_nobody_up_for_ever(
    breaker: Breaker, clock: Clock
) -> None:
    breaker.failed()
    clock.now += PAUSES.first
    assert breaker.admits()
    clock.now += PAUSES.longest
    assert breaker.admits()


def test_of_many_threads_one_tries(breaker: Breaker, clock: Clock) -> None:
    breaker.failed()
    clock.now += PAUSES.first
    with ThreadPoolExecutor(8) as pool:
        admitted = list(pool.map(lambda _: breaker.admits(), range(200)))
    assert admitted.count(True) == 1
