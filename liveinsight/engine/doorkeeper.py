"""Sees to it that no client holds so many connections that there are none left for others.

The HTTP server limits how many connections there are, and not whose. So while more than half of
them are taken, a thread looks whose they are, and shuts down what a client has beyond its share:
first those on which nothing has come for the longest time. A proxy on this machine is nobody's
client: it has to divide its connections itself. Works where the system shows open files in /proc.
"""

import logging
import os
import socket
import struct
import time
from collections import defaultdict
from contextlib import closing, suppress
from pathlib import Path
from threading import Thread

from liveinsight.engine.rates import client_of

LOGGER = logging.getLogger(__name__)

LOOK_SECONDS = 0.1
SHARE = 8
"""A client may hold one in so many."""
TOLD_SECONDS = 60.0
OPEN_FILES = Path("/proc/self/fd")
TCP_INFO_BYTES = 56
LAST_DATA_RECEIVED = 52
"""Where struct tcp_info has for how many milliseconds nothing has come. linux/tcp.h"""
PROXIES = frozenset({"127.0.0.1", "::1"})


def keep_door(limit: int) -> None:
    """Look after the connections of this process from now on.

    Args:
        limit: how many it may hold.
    """
    if not OPEN_FILES.is_dir():
        return
    files_beside = sum(1 for _ in OPEN_FILES.iterdir())

    def look() -> None:
        told = -TOLD_SECONDS
        while True:
            time.sleep(LOOK_SECONDS)
            with suppress(OSError):
                if sum(1 for _ in OPEN_FILES.iterdir()) - files_beside <= limit // 2:
                    continue
                shut = shut_beyond(max(1, limit // SHARE))
                if shut and time.monotonic() - told > TOLD_SECONDS:
                    told = time.monotonic()
                    LOGGER.warning(
                        "%s connections of clients with more than %s were ended; told once in %s s",
                        shut,
                        max(1, limit // SHARE),
                        int(TOLD_SECONDS),
                    )

    Thread(target=look, name="doorkeeper", daemon=True).start()


def shut_beyond(share: int) -> int:
    """Shut down what a client holds beyond its share, the longest quiet first; return how many."""
    held: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for path in list(OPEN_FILES.iterdir()):
        with suppress(OSError, ValueError):
            if not str(path.readlink()).startswith("socket:"):
                continue
            with closing(_duplicate(int(path.name))) as connection:
                peer = connection.getpeername()
                if isinstance(peer, tuple) and peer[0] not in PROXIES:
                    held[client_of(peer[0])].append((_quiet_ms(connection), int(path.name)))
    shut = 0
    for connections in held.values():
        for _, number in sorted(connections, reverse=True)[: max(0, len(connections) - share)]:
            with suppress(OSError), closing(_duplicate(number)) as connection:
                peer = connection.getpeername()  # the number may be another file's by now
                if isinstance(peer, tuple) and peer[0] not in PROXIES:
                    connection.shutdown(socket.SHUT_RDWR)
                    shut += 1
    return shut


def _duplicate(number: int) -> socket.socket:
    """Return a socket of an open file; what it is cannot change while that is open.

    Raises:
        OSError: it is no socket, or none any more.
    """
    copy = os.dup(number)
    try:
        return socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise


def _quiet_ms(connection: socket.socket) -> int:
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES)
    return int(struct.unpack_from("I", info, LAST_DATA_RECEIVED)[0])
