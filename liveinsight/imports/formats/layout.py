"""Finds where the lines of an Apache-like log have the client's address. Pure.

Nothing is guessed: the client's column is the only one that holds addresses in the lines that are
looked at. Where two do, or none, whoever imports the log is asked.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from liveinsight.imports.formats.combined import (
    LIST_COMMA,
    MIDDLE,
    PREFIXES,
    CombinedFormat,
    Layout,
    is_request,
)
from liveinsight.imports.formats.fields import (
    TOKEN,
    client_address,
    client_name,
    host_of,
    is_private,
)
from runtime.errors import UsageError

MOST_COLUMNS = 8
"""Words before the time in which an address is looked for."""
MOST = 0.9
"""The share of lines in which a column must hold what it is taken for."""
HALF = 0.5
_PREFIXES = {name: re.compile(text, re.ASCII | re.VERBOSE) for name, text in PREFIXES.items()}
_BEHIND_AGENT = re.compile(r'" (\d{3})(?: [^"]*)?"(?:[^"\\]++|\\.)*+" "(?:[^"\\]++|\\.)*+"(.*)')


@dataclass(frozen=True, slots=True)
class Cut:
    """A line of the sample, taken apart as far as all such logs are alike."""

    before: tuple[str, ...]
    """The words before the time."""
    middle: str
    behind: tuple[str, ...]
    """The fields behind the user agent."""
    fields: int
    """How many fields stand before those."""


def find_layout(lines: Sequence[str], client_field: int | None = None) -> CombinedFormat | None:
    """Return the format of a log, or None where its lines are no such log's.

    Args:
        lines: the first ones.
        client_field: the client's field, from 1 on, as somebody says who knows.

    Raises:
        UsageError: it cannot be told where the client is.
    """
    prefix = _prefix(lines)
    cuts = [cut for line in lines if (cut := _cut(line, prefix)) is not None]
    if not cuts:
        return None
    behind = Counter(len(cut.behind) for cut in cuts).most_common(1)[0][0]
    layout = Layout(prefix=prefix, behind=behind)
    if client_field is not None:
        return CombinedFormat(_with_host(_named(layout, cuts, client_field), cuts))
    return CombinedFormat(_with_host(_found(layout, cuts), cuts))


def _prefix(lines: Sequence[str]) -> str:
    """Return the name of what stands before most lines; empty where nothing does."""
    plain = sum(_begins_with_client(line) for line in lines)
    found = dict.fromkeys(_PREFIXES, 0)
    for name, pattern in _PREFIXES.items():
        for line in lines:
            match = pattern.match(line)
            found[name] += match is not None and _begins_with_client(line[match.end() :])
    best = max(found, key=lambda name: found[name])
    return best if found[best] > plain else ""


def _begins_with_client(line: str) -> bool:
    """Say whether one of the first two words is an address, and a time and a request follow."""
    words = LIST_COMMA.sub(",", line[:2000]).split(maxsplit=2)[:2]
    return any(client_address(word) for word in words) and is_request(line) is not None


def _cut(line: str, prefix: str) -> Cut | None:
    match = _PREFIXES[prefix].match(line) if prefix else None
    line = line[match.end() :] if match else line
    when = is_request(line)
    if when is None:
        return None
    before = tuple(LIST_COMMA.sub(",", line[: when.start()]).split())
    if not before:
        return None
    after = line[when.end() :]
    tail = _BEHIND_AGENT.search(after)
    behind = tuple(found[0] for found in TOKEN.finditer(tail[2])) if tail else ()
    whole = sum(1 for _ in TOKEN.finditer(LIST_COMMA.sub(",", line)))
    return Cut(before, after.partition('"')[0].strip(), behind, whole - len(behind))


def _named(layout: Layout, cuts: Sequence[Cut], number: int) -> Layout:
    """Take the field that somebody named as the client's."""
    fewest = min(len(cut.before) for cut in cuts)
    if number <= fewest:
        return replace(layout, client=number - 1, names=True)
    columns = _address_columns(cuts)
    return replace(layout, client=columns[0] if columns else 0, field=number)


def _found(layout: Layout, cuts: Sequence[Cut]) -> Layout:
    columns = _address_columns(cuts)
    if not columns:
        return _by_name(layout, cuts)
    if len(columns) > 1:
        fields = " and ".join(str(place + 1) for place in columns)
        shown = " ".join(cuts[0].before[: columns[-1] + 1])
        raise UsageError(
            f"fields {fields} of its lines both hold addresses ({shown[:100]}): say which is the"
            f" client's with --client-field {columns[0] + 1} or --client-field {columns[1] + 1}"
        )
    return _behind_a_proxy(replace(layout, client=columns[0], names=True), cuts)


def _address_columns(cuts: Sequence[Cut]) -> list[int]:
    """Return the places of the words before the time that are addresses, in nearly all lines."""
    shortest = min(MOST_COLUMNS, *(len(cut.before) for cut in cuts))
    return [
        place
        for place in range(shortest)
        if sum(bool(client_address(cut.before[place])) for cut in cuts) >= MOST * len(cuts)
    ]


def _by_name(layout: Layout, cuts: Sequence[Cut]) -> Layout:
    """Take the first word as the client's name, where some lines have an address in its place."""
    some = any(client_address(cut.before[0]) for cut in cuts)
    all_names = all(client_address(one) or client_name(one) for one in {c.before[0] for c in cuts})
    if some and all_names and all(len(cut.before) >= 3 for cut in cuts):  # noqa: PLR2004 - %h %l %u
        return replace(layout, names=True)
    raise UsageError(
        f"no field of its lines holds an address ({' '.join(cuts[0].before)[:100]}): if field 1 is"
        " the client's name, say --client-field 1; else say which field, or which format it has"
        " with --format nginx:'...' or --format apache:'...'"
    )


def _behind_a_proxy(layout: Layout, cuts: Sequence[Cut]) -> Layout:
    """Take a field behind the user agent, where the first one holds nothing but proxies."""
    counts = Counter(
        place
        for cut in cuts
        for place, text in enumerate(cut.behind)
        if client_address(text) and text[:1] == '"'
    )
    place, count = counts.most_common(1)[0] if counts else (0, 0)
    if count < HALF * len(cuts):
        return layout
    first = [client_address(cut.before[layout.client]) for cut in cuts]
    number = Counter(cut.fields for cut in cuts).most_common(1)[0][0] + place + 1
    same = sum(
        len(cut.behind) > place and client_address(cut.behind[place]) == address
        for cut, address in zip(cuts, first, strict=True)
    )
    if same == len(cuts):
        return layout
    if all(map(is_private, first)):
        return replace(layout, field=number)
    raise UsageError(
        f"field {layout.client + 1} of its lines and field {number} behind the user agent both hold"
        f" addresses: say which is the client's with --client-field {layout.client + 1}, or"
        f" --client-field {number} where that is what a proxy of yours says"
    )


def _with_host(layout: Layout, cuts: Sequence[Cut]) -> Layout:
    """Find the virtual host: the word before the client, or the one behind the time."""
    place = layout.client - 1
    if place >= 0 and _is_host([cut.before[place] for cut in cuts]):
        return replace(layout, host=place)
    if _is_host([cut.middle for cut in cuts]):
        return replace(layout, host=MIDDLE)
    return layout


def _is_host(words: Sequence[str]) -> bool:
    hosts = [host_of(word) for word in words]
    named = sum("." in host and not host.replace(".", "").isdigit() for host in hosts)
    return named >= HALF * len(words)
