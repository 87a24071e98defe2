"""Where the command begins: Ctrl-C ends it in silence, also while it is still being imported."""

import signal


def main() -> None:
    """Run the command."""
    # Python's own handler would show a traceback of whatever import it interrupts.
    is_ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # by a shell, in the background
    if not is_ignored:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from liveinsight.cli import main as run  # noqa: PLC0415 - this is what takes time

    if not is_ignored:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


if __name__ == "__main__":
    main()
