"""Finds out what format a log has, from its first lines; or takes the one that is named."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from liveinsight.imports.access_log import LogLine
from liveinsight.imports.formats.aws import ALB, S3, AlbFormat, S3Format
from liveinsight.imports.formats.combined import CombinedFormat, Layout
from liveinsight.imports.formats.described import DescribedFormat
from liveinsight.imports.formats.json_lines import JsonFormat
from liveinsight.imports.formats.layout import find_layout
from liveinsight.imports.formats.port import LogFormat
from liveinsight.imports.formats.w3c import FIELDS, W3cFormat
from runtime.errors import UsageError

AUTO = "auto"
NAMED = ("combined", "vhost", "caddy", "cloudfront", "alb", "s3", "iis", "traefik")
SHOWN = 100
"""Characters of a line that is shown to whoever imports it."""
CLOUDFRONT_FIELD = "x-edge-location"


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody says of a log.

    Attributes:
        format: one of AUTO, NAMED, `nginx:FORMAT`, `apache:FORMAT`.
        client_field: where the client's address is: the number of a field, from 1 on, or the name
            of a field or header; empty: not said.
    """

    format: str = AUTO
    client_field: str = ""

    @property
    def number(self) -> int | None:
        """The number of the client's field, where it is one."""
        return int(self.client_field) if self.client_field.isdecimal() else None

    def __post_init__(self) -> None:
        """Refuse what is no format."""
        kind, mark, description = self.format.partition(":")
        if mark and kind in {"nginx", "apache"} and description:
            return
        if self.format not in {AUTO, *NAMED}:
            raise UsageError(
                f"--format {self.format[:SHOWN]!r} is none: write one of auto, {', '.join(NAMED)},"
                " nginx:'FORMAT' or apache:'FORMAT'"
            )


def log_format(lines: Sequence[str], asked: Asked) -> LogFormat:
    """Return what reads a log that begins with these lines.

    Raises:
        UsageError: none of them can be read, or it cannot be told where the client is.
    """
    found = _found(lines, asked) if asked.format == AUTO else _named(lines, asked)
    if not any(isinstance(found.parse(line), LogLine) for line in lines):
        raise UsageError(_unreadable(lines, found, asked))
    return found


def _named(lines: Sequence[str], asked: Asked) -> LogFormat:  # noqa: PLR0911 - one for each
    kind, mark, description = asked.format.partition(":")
    if mark:
        return DescribedFormat(kind, description, asked.client_field)
    _refuse_number(asked)
    match kind:
        case "caddy" | "traefik" if lines and lines[0].lstrip().startswith("{"):
            return JsonFormat(asked.client_field)
        case "cloudfront" | "iis":
            return W3cFormat(kind, asked.client_field)
        case "alb":
            return AlbFormat()
        case "s3":
            return S3Format()
        case "vhost":
            return _with_field(lines, asked, Layout(client=1, host=0, names=True), kind)
    return _with_field(lines, asked, Layout(names=True), "combined")


def _with_field(lines: Sequence[str], asked: Asked, layout: Layout, name: str) -> LogFormat:
    if asked.number is None:
        return CombinedFormat(layout, name)
    found = find_layout(lines, asked.number)
    return found or CombinedFormat(layout, name)


def _found(lines: Sequence[str], asked: Asked) -> LogFormat:
    filled = [line for line in lines if line.strip()]
    if any(line.startswith(FIELDS) for line in filled):
        fields = next(line for line in filled if line.startswith(FIELDS)).lower()
        kind = "cloudfront" if CLOUDFRONT_FIELD in fields else "iis"
        return W3cFormat(kind, _name(asked))
    if _most(line.lstrip().startswith("{") for line in filled):
        return JsonFormat(_name(asked))
    if _most(ALB.fullmatch(line) for line in filled):
        return AlbFormat()
    if _most(S3.fullmatch(line) for line in filled):
        return S3Format()
    number = asked.number
    if asked.client_field and number is None:
        raise UsageError(
            f"--client-field {asked.client_field}: the fields of this log have no names: give the"
            " number of the field, from 1 on"
        )
    found = find_layout(filled, number)
    if found is None:
        raise UsageError(_unreadable(lines, None, asked))
    return found


def _most(read: Iterable[object]) -> bool:
    """Say whether more than half of some lines are of a kind."""
    answers = [bool(one) for one in read]
    return sum(answers) * 2 > len(answers)


def _name(asked: Asked) -> str:
    if asked.number is not None:
        raise UsageError(
            f"--client-field {asked.client_field}: the fields of this log have names: give one, or"
            " a header"
        )
    return asked.client_field


def _refuse_number(asked: Asked) -> None:
    kind = asked.format
    numbered = kind in {"combined", "vhost"} or (kind == "traefik" and asked.number is not None)
    if asked.client_field and kind in {"alb", "s3"}:
        raise UsageError(f"--client-field: the client of --format {kind} is always in one place")
    if asked.number is not None and not numbered:
        _name(asked)
    if asked.client_field and asked.number is None and numbered:
        raise UsageError(f"--client-field {asked.client_field}: give the number of a field")


def _unreadable(lines: Sequence[str], found: LogFormat | None, asked: Asked) -> str:
    shown = next((line for line in lines if line.strip()), "")
    part = ""
    if found is not None and shown:
        wrong = next((r for r in map(found.parse, lines) if r is not None), None)
        part = f" ({wrong.part})" if wrong is not None and not isinstance(wrong, LogLine) else ""
    where = "in any format that is known" if asked.format == AUTO else f"as --format {asked.format}"
    return (
        f"none of its first {len(lines):,} lines can be read {where[:SHOWN]}{part}; one of them is"
        f" {shown[:SHOWN]!a}: say what it is with --format, as nginx:'...' or apache:'...'"
        " where it is one of your own"
    )
