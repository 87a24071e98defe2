"""The query parameters of a request, of which a query reads what it declares and no other.

Terraform keys caches by what is declared: an answer that hung on more would be given to others.
"""

from collections.abc import Iterator, Mapping, Set

from api.problem import ReadProblem
from runtime.gateway import Request
from runtime.problem import ProblemError

MAX_SHOWN = 64
"""Characters of a name that no query has."""

REPEATABLE = frozenset({"filter", "step"})
"""The parameters that may stand several times; of any other a second one is a mistake."""


class Parameters(Mapping[str, str]):
    """What a request gives, as far as it is declared.

    Args:
        given: the request's own.
        declared: the names that may be asked for.
        repeated: all values of those that have several.

    Raises:
        LookupError: another is asked for, which is a fault of the code. It is no KeyError, because
            `get` would take that for a parameter that is missing.
    """

    def __init__(
        self,
        given: Mapping[str, str],
        declared: Set[str],
        repeated: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self._given = {name: text for name, text in given.items() if name in declared}
        self._declared = declared
        self._repeated = repeated or {}

    def __getitem__(self, name: str) -> str:
        """Return what is given."""
        if name not in self._declared:
            raise LookupError(f"the parameter {name} is read, but not declared")
        return self._given[name]

    def every(self, name: str) -> tuple[str, ...]:
        """Return all values of a parameter, in their order."""
        last = self.get(name)
        return () if last is None else self._repeated.get(name, (last,))

    def __iter__(self) -> Iterator[str]:
        """Yield the names of what is given."""
        return iter(self._given)

    def __len__(self) -> int:
        """Return how many are given."""
        return len(self._given)


def refuse_unknown(request: Request, declared: Set[str]) -> None:
    """See to it that a request asks for nothing that its path does not answer, and once.

    Raises:
        ProblemError: it does.
    """
    unknown = sorted(request.parameters.keys() - declared)
    if unknown:
        raise ProblemError(
            422,
            ReadProblem.UNKNOWN_PARAMETER,
            f"{request.path[:MAX_SHOWN]} has no parameter {unknown[0][:MAX_SHOWN]!r}: leave it out."
            f" It takes {', '.join(sorted(declared))}.",
        )
    repeated = sorted(request.repeated.keys() - REPEATABLE)
    if repeated:
        raise ProblemError(
            422,
            ReadProblem.PARAMETER_REPEATED,
            f"{repeated[0]} stands {len(request.repeated[repeated[0]])} times: say it once.",
        )
