"""A process of the engine, as its supervisor starts it: `python -m liveinsight.engine ROLE`.

A child ends on SIGTERM, and when its parent is gone: then its standard input ends. SIGINT is the
parent's: Ctrl-C in a terminal reaches every process of the group.
"""

import argparse
import logging
import os
import signal
import sys
from pathlib import Path
from threading import Event, Thread

from runtime.settings import Settings


def main() -> None:
    """Run one child."""
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["collector", "consumer"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--geo-db", type=Path)
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    settings = Settings(data=options.data)
    if options.role == "collector":
        _collect(settings, options)
    else:
        _consume(settings)


def _collect(settings: Settings, options: argparse.Namespace) -> None:
    from liveinsight.engine.server import serve  # noqa: PLC0415 - a child imports only its own part

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    serve(settings, host=options.host, port=options.port, geo_path=options.geo_db)


def _consume(settings: Settings) -> None:
    from liveinsight.engine.consumer import consume  # noqa: PLC0415

    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    consume(settings, stop)


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
