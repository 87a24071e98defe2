"""The small files that are served, made of the sources that people read. Both are checked in.

A build is a function of its sources alone. `minify` (tdewolff's, a wheel with no Node behind it)
renames, shortens, and leaves out what nobody needs.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import minify  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]
JAVASCRIPT, STYLES = "application/javascript", "text/css"

FULL_ONLY = re.compile(r"//\+.*?//-", re.DOTALL)
SMALL_ONLY = re.compile(r"//=")


@dataclass(frozen=True, slots=True)
class Build:
    """A file that is made.

    Attributes:
        target: its path in the repository.
        sources: those of what it is made of, in order.
        make: makes it of their texts.
    """

    target: str
    sources: Sequence[str]
    make: Callable[[Sequence[str]], str]

    def made(self) -> str:
        """Return the file as it has to be."""
        return self.make([(ROOT / source).read_text() for source in self.sources])


def minified(media_type: str) -> Callable[[Sequence[str]], str]:
    """Return what makes one small text of others of this type, one behind the other."""

    def make(texts: Sequence[str]) -> str:
        made: str = minify.string(media_type, "\n".join(texts))
        return made

    return make


def without_extras(texts: Sequence[str]) -> str:
    """Make the small build of the tracker: without what stands between //+ and //-."""
    return minified(JAVASCRIPT)([SMALL_ONLY.sub("", FULL_ONLY.sub("", text)) for text in texts])


BUILDS = (
    Build("tracker/liveinsight.js", ["tracker/tracker.js"], minified(JAVASCRIPT)),
    Build("tracker/liveinsight-small.js", ["tracker/tracker.js"], without_extras),
)
