"""`python -m infra.page`: make the files of dashboard/served from their sources."""

import gzip
from pathlib import Path

import click

from infra.page.bundle import page
from infra.page.world import world

DASHBOARD = Path(__file__).parents[2] / "dashboard"
SERVED = DASHBOARD / "served"


def served() -> dict[str, bytes]:
    """Return what dashboard/served must hold, by the name of the file."""
    source = (DASHBOARD / "vendor" / "countries-110m.json").read_bytes()
    return {**page(DASHBOARD), "map.json": world(source)}


@click.command
def main() -> None:
    """Make the files of dashboard/served from their sources."""
    SERVED.mkdir(exist_ok=True)
    wanted = served()
    for path in SERVED.iterdir():
        if path.name not in wanted:
            path.unlink()
    for key, content in wanted.items():
        (SERVED / key).write_bytes(content)
        size = len(gzip.compress(content, mtime=0))
        click.echo(f"{len(content):8,} bytes, {size:7,} compressed  {key}")


if __name__ == "__main__":
    main(prog_name="python -m infra.page")
