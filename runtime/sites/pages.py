"""What counts as one page on a site, by the rules of its owner."""

import re
from dataclasses import dataclass

from runtime.errors import UsageError

MOST_RULES = 100
MAX_RULE = 300
NAME = re.compile(r"[\w.~\[\]-]{1,100}")
FOLD = re.compile(r"(?:/(?:[^/*?#\x00-\x20\x7f]*\*?[^/*?#\x00-\x20\x7f]*))*(?:/\*\*)?")
"""A star at most in each part: what is found is found in one pass."""
ANY, REST = "*", "**"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRules:
    """How the paths of a site are joined.

    Raises:
        UsageError: a rule cannot be.
    """

    drop_slash: bool = False
    """Whether `/about/` is `/about`."""
    lower_case: bool = False
    """Whether `/About` is `/about`."""
    index_files: tuple[str, ...] = ()
    """Names of files that are their folder's page: `index.html`."""
    parameters: tuple[str, ...] = ()
    """Parameters of the query that tell pages apart, and stay in their addresses."""
    folds: tuple[str, ...] = ()
    """Patterns whose pages are one: `/order/*`, where `*` is one part of a path, and `**` at the
    end all that follows."""

    def __post_init__(self) -> None:
        """Refuse rules that cannot be."""
        for rules in (self.index_files, self.parameters):
            for rule in rules:
                if not NAME.fullmatch(rule):
                    raise UsageError(f"{rule[:MAX_RULE]!r} is no name of a file or a parameter")
        for fold in self.folds:
            if not FOLD.fullmatch(fold) or len(fold) > MAX_RULE or ANY not in fold:
                raise UsageError(
                    f"{fold[:MAX_RULE]!r} is no pattern of paths: write it as '/order/*'"
                )
        if max(len(self.index_files), len(self.parameters), len(self.folds)) > MOST_RULES:
            raise UsageError(f"a site has at most {MOST_RULES} rules of a kind for its pages")

    def joined(self, path: str) -> str:
        """Return the page that a path stands for."""
        if self.lower_case:
            path = path.lower()
        if self.index_files:
            folder, _, name = path.rpartition("/")
            if name in self.index_files:
                path = f"{folder}/"
        if self.drop_slash:
            path = path.rstrip("/") or "/"
        for fold in self.folds:
            if _matches(fold.split("/"), path.split("/")):
                return fold
        return path


AS_THEY_ARE = PageRules()


def _matches(fold: list[str], path: list[str]) -> bool:
    """Say whether a pattern finds a path, which may end with a slash."""
    if fold[-1] == REST:
        return len(path) >= len(fold) and path[-1:] != [""] and _same(fold[:-1], path)
    if len(path) == len(fold) + 1 and not path[-1]:
        path = path[:-1]
    return len(path) == len(fold) and _same(fold, path)


def _same(fold: list[str], path: list[str]) -> bool:
    for wanted, part in zip(fold, path, strict=False):
        before, star, behind = wanted.partition(ANY)
        if not star:
            if part != wanted:
                return False
        elif not (
            len(part) > len(before) + len(behind)
            and part.startswith(before)
            and part.endswith(behind)
        ):
            return False
    return True
