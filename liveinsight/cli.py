"""The `liveinsight` command. Each subcommand has `--help`; docs/cli.md lists them."""

import io
import os
import sys
from contextlib import suppress
from importlib import import_module

import click

from runtime.errors import FAILURE_EXIT, USAGE_EXIT, LiveInsightError, UsageError, system_error
from runtime.problem import ProblemError
from runtime.settings import Variable, write_versions
from schemas import registry
from schemas.text import visible

COMMANDS = {
    "archive": "archive:archive",
    "backup": "backups:backup",
    "bench": "bench:bench",
    "cost": "cost:cost",
    "dead-letters": "dead_letters:dead_letters",
    "demo": "serve:demo",
    "demo-script": "demo_script:demo_script",
    "doctor": "doctor:doctor",
    "erase": "erase:erase",
    "export": "exports:export",
    "import": "imports:import_",
    "realtime": "reports:realtime",
    "rebuild": "rebuild:rebuild",
    "reconcile": "reports:reconcile_days",
    "replay": "replay:replay",
    "restore": "backups:restore",
    "simulate": "traffic:simulate_traffic",
    "site": "site_rules:site",
    "smoke": "smoke:smoke",
    "stats": "reports:stats",
    "up": "serve:up",
}
"""Where each command is: its module in `liveinsight.commands`, and its name there."""


class _Commands(click.Group):
    """Imports a command when it is called: all together take most of a start.

    It refuses arguments that are no text: no store, header or JSON can take one.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - of click
        """Return the names of all commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command; None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command = getattr(import_module(f"liveinsight.commands.{module}"), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{COMMANDS[cmd_name]} is no command")
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Look at all arguments, those of the subcommands too."""
        for argument in args:
            try:
                argument.encode()
            except UnicodeEncodeError:
                ctx.fail(f"{argument!a} is not UTF-8: write it as text")
        return super().parse_args(ctx, args)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="liveinsight")
@click.option(
    "--write-versions", "versions", envvar=Variable.WRITE_VERSIONS, default="", hidden=True
)
def cli(versions: str) -> None:
    """Real-time web analytics with exact counts."""
    try:
        registry.write(dict(write_versions(versions)))
    except ValueError as error:
        raise UsageError(str(error)) from error


def main() -> None:
    """Run the command; what the caller can mend ends in one line and exit code 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal of another encoding still gets a line
    try:
        code = cli.main(standalone_mode=False)
        click.echo(nl=False)  # takes what is not written yet to its end
    except click.exceptions.Abort:
        sys.exit(130)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(USAGE_EXIT)
    except BrokenPipeError:
        _drop_output()
        sys.exit(FAILURE_EXIT)
    except OSError as error:
        _drop_output()
        _fail(system_error(error), FAILURE_EXIT)
    except (click.ClickException, ProblemError, LiveInsightError) as error:
        _fail(_message(error), USAGE_EXIT if _is_of_usage(error) else FAILURE_EXIT)
    sys.exit(code if isinstance(code, int) else 0)


def _message(error: Exception) -> str:
    match error:
        case click.ClickException():
            return error.format_message()
        case ProblemError():
            return error.problem.detail
        case _:
            return str(error)


def _is_of_usage(error: Exception) -> bool:
    return isinstance(error, UsageError) or not isinstance(error, LiveInsightError)


def _fail(message: str, code: int) -> None:
    click.echo(f"liveinsight: {visible(' '.join(message.split()))}", err=True)
    sys.exit(code)


def _drop_output() -> None:
    """Let go of what standard output has not taken: at its end Python would try again, aloud."""
    with suppress(AttributeError, OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())


if __name__ == "__main__":
    main()
