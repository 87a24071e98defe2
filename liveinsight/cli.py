"""The `liveinsight` command. Each subcommand has `--help`; docs/cli.md lists them."""

import sys

import click

from liveinsight.commands.archive import archive
from liveinsight.commands.dead_letters import dead_letters
from liveinsight.commands.imports import import_
from liveinsight.commands.reports import realtime, reconcile_days, stats
from liveinsight.commands.serve import demo, up
from liveinsight.commands.sites import site
from liveinsight.commands.smoke import smoke
from liveinsight.commands.traffic import simulate_traffic
from runtime.errors import FAILURE_EXIT, USAGE_EXIT, LiveInsightError, UsageError
from runtime.problem import ProblemError

COMMANDS = (
    *(up, demo, site, stats, realtime, reconcile_days),
    *(import_, simulate_traffic, dead_letters, archive, smoke),
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="liveinsight")
def cli() -> None:
    """Real-time web analytics with exact counts."""


for command in COMMANDS:
    cli.add_command(command)


def main() -> None:
    """Run the command; what the caller can mend ends in one line and exit code 2."""
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        _fail(error.format_message(), USAGE_EXIT)
    except UsageError as error:
        _fail(str(error), USAGE_EXIT)
    except ProblemError as error:
        _fail(error.problem.detail, USAGE_EXIT)
    except LiveInsightError as error:
        _fail(str(error), FAILURE_EXIT)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(FAILURE_EXIT)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, code: int) -> None:
    click.echo(f"liveinsight: {' '.join(message.split())}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
