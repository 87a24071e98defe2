"""`python -m infra.minify`: make the small files that are served; says how large they are."""

import gzip

from infra.minify.builds import BUILDS, ROOT


def main() -> None:
    """Write each file, and say its size, plain and as gzip has it."""
    for build in BUILDS:
        made = build.made().encode()
        (ROOT / build.target).write_bytes(made)
        small = len(gzip.compress(made, mtime=0))
        print(f"{len(made):8,} B, gzip {small:7,} B  {build.target}")  # noqa: T201 - a command


if __name__ == "__main__":
    main()
