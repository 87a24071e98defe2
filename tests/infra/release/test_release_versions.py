"""Which versions a roll-back chooses, for every order of deploys and roll-backs."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from infra.release.shift import Function, Kind, Shift, Standing, deploys, described, rollbacks

FUNCTIONS = [Function(role, f"liveinsight-{role}-dev", "live", role) for role in ("a", "b", "c")]

names = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=20)
versions = st.integers(1, 10**9)


@given(names, st.sampled_from(Kind), versions, versions)
def test_what_a_description_tells_is_what_was_described(
    name: str, kind: Kind, source: int, target: int
) -> None:
    function = Function("role", name, "live", "group")
    shift = Shift(function, kind, "20260102T030405Z", source, target)
    assert described(function, shift.description()) == shift
    assert described(Function("role", f"{name}x", "live", "group"), shift.description()) is None
    assert shift.reversed().reversed() == Shift(function, Kind.ROLLBACK, *_rest(shift))


def _rest(shift: Shift) -> tuple[str, int, int]:
    return shift.release, shift.source, shift.target


def test_deployments_of_others_are_passed_over() -> None:
    assert described(FUNCTIONS[0], "") is None
    assert described(FUNCTIONS[0], "Deployment d-1: created as rollback of deployment d-0") is None


class Releases(RuleBasedStateMachine):
    """An account, and beside it the stack of what the traffic was before each release."""

    def __init__(self) -> None:
        super().__init__()
        self.newest = dict.fromkeys(FUNCTIONS, 1)
        self.present = dict.fromkeys(FUNCTIONS, 1)
        self.history: list[Shift] = []
        self.before: list[dict[Function, int]] = []
        self.count = 0

    @rule(published=st.sets(st.sampled_from(FUNCTIONS)))
    def deploy(self, published: set[Function]) -> None:
        for function in published:
            self.newest[function] += 1
        self.count += 1
        shifts = deploys(self._standings(), f"r{self.count:04}")
        if shifts:
            self.before.append(dict(self.present))
        self._move(shifts)
        assert self.present == self.newest

    @rule()
    def roll_back(self) -> None:
        histories = {
            function: [one for one in reversed(self.history) if one.function == function]
            for function in FUNCTIONS
        }
        self._move(rollbacks(self._standings(), histories))
        if self.before:
            expected = self.before.pop()
            assert self.present == expected

    @invariant()
    def nothing_is_ahead_of_what_is_published(self) -> None:
        assert all(1 <= self.present[one] <= self.newest[one] for one in FUNCTIONS)

    def _standings(self) -> dict[Function, Standing]:
        return {one: Standing(self.present[one], self.newest[one]) for one in FUNCTIONS}

    def _move(self, shifts: list[Shift]) -> None:
        for shift in shifts:
            assert self.present[shift.function] == shift.source
            self.present[shift.function] = shift.target
            self.history.append(shift)


TestReleases = Releases.TestCase
