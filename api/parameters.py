"""The query parameters of a request, of which a query reads what it declares and no other.

Terraform keys caches by what is declared: an answer that hung on more would be given to others.
"""

from collections.abc import Iterator, Mapping, Set

from api.problem import ReadProblem
from runtime.gateway import Request
from runtime.problem import ProblemError

MAX_SHOWN = 64
"""Characters of a name that no query has."""


class Parameters(Mapping[str, str]):
    """What a request gives, as far as it is declared.

    Args:
        given: the request's own.
        declared: the names that may be asked for.

    Raises:
        LookupError: another is asked for, which is a fault of the code. It is no KeyError, because
            `get` would take that for a parameter that is missing.
    """

    def __init__(self, given: Mapping[str, str], declared: Set[str]) -> None:
        self._given = {name: text for name, text in given.items() if name in declared}
        self._declared = declared

    def __getitem__(self, name: str) -> str:
        """Return what is given."""
        if name not in self._declared:
            raise LookupError(f"the parameter {name} is read, but not declared")
        return self._given[name]

    def __iter__(self) -> Iterator[str]:
        """Yield the names of what is given."""
        return iter(self._given)

    def __len__(self) -> int:
        """Return how many are given."""
        return len(self._given)


def refuse_unknown(request: Request, declared: Set[str]) -> None:
    """See to it that a request asks for nothing that its path does not answer.

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
