"""Where the command begins: Ctrl-C ends it without a traceback, whatever it interrupts."""

# Not `signal`, whose own imports take longer than all that is done here.
import _signal  # type: ignore[import-not-found]
import sys

AGAIN_SECONDS = 0.05


def main() -> None:
    """Run the command."""
    # Python's own handler would show a traceback of whatever import it interrupts.
    is_ignored = _signal.getsignal(_signal.SIGINT) == _signal.SIG_IGN  # by a shell, for its jobs
    if not is_ignored:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    from liveinsight.cli import main as run  # noqa: PLC0415 - this is what takes time

    sys.unraisablehook = _interrupt_again
    if not is_ignored:
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)
    run()


def _interrupt_again(unraisable: "sys.UnraisableHookArgs") -> None:
    """Let a Ctrl-C that came within a destructor, where it would be lost, come a moment later."""
    from _thread import interrupt_main  # noqa: PLC0415
    from threading import Timer  # noqa: PLC0415

    if unraisable.exc_type is KeyboardInterrupt:
        Timer(AGAIN_SECONDS, interrupt_main).start()
    else:
        sys.__unraisablehook__(unraisable)


if __name__ == "__main__":
    main()
