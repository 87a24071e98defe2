"""What a terminal is sent: texts that it shows, and none that it obeys.

Whatever comes from events, names and files may hold escape sequences, ends of lines and markup. A
value is made visible where it is put into a line (`plain`, `say`); should one have been forgotten,
`SafeConsole` lets nothing through that a terminal obeys.
"""

from collections.abc import Iterable

import click
from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment

from schemas.text import visible


class SafeConsole(Console):
    """A console that shows control characters, but for the ends of lines, and obeys none."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Make the texts of everything that is printed visible; its colours come after this."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                lines = map(visible, segment.text.split("\n"))
                yield Segment("\n".join(lines), segment.style)


def plain(value: object) -> str:
    """Return a value as a part of what a console prints: one line, and no markup."""
    return escape(visible(str(value)))


def say(line: str, *, err: bool = False) -> None:
    """Print a line as it is, with all in it visible."""
    click.echo(visible(line), err=err)
