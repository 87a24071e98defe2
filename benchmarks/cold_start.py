"""Measures cold starts: each function in its zip beside a common stack of the same purpose.

The yardstick is FastAPI 0.104.1, Mangum 0.17.0, pydantic 2.5 and boto3, with an empty application
and clients of Kinesis and DynamoDB. A start is what Lambda does in a new environment: it imports
the handler's module and builds what it works with, clients included; all of it from bytecode. Each
start is a fresh process, and the candidates take turns, so that a pause of a shared machine meets
them all.

    python -m benchmarks.cold_start [--keep]
"""

import json
import platform
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import click

from infra.packages.build import build
from infra.packages.bytecode import interpreter
from infra.packages.errors import PackagingError
from infra.packages.functions import FUNCTIONS, PYTHON, Function
from infra.packages.start import environment_of_a_start, parameter_store, start
from infra.packages.wheels import install

RESULTS = Path(__file__).parent / "cold_start.json"
YARDSTICK = Path(__file__).parent / "yardstick.txt"
YARDSTICK_PYTHON = "3.12"
STARTS = 10
AIM = 0.35
"""Of the yardstick's time, or less."""
ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64"}

PROGRAM = """
import time
began, began_cpu = time.perf_counter(), time.process_time()
import boto3
from fastapi import FastAPI
from mangum import Mangum
handler = Mangum(FastAPI())
clients = [boto3.client("kinesis"), boto3.client("dynamodb")]
print(time.perf_counter() - began, time.process_time() - began_cpu)
"""

Measure = Callable[[], tuple[float, float]]
"""Starts once and returns seconds, and CPU seconds."""


@dataclass(frozen=True, slots=True)
class Figure:
    """Medians of one candidate."""

    name: str
    milliseconds: float
    cpu_milliseconds: float


@click.command
@click.option("--keep", is_flag=True, help=f"write {RESULTS.name}")
def main(*, keep: bool) -> None:
    """Measure cold starts and print them beside a yardstick's."""
    try:
        with tempfile.TemporaryDirectory() as folder, _candidates(Path(folder)) as candidates:
            figures = measure(candidates)
    except PackagingError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    report(figures)
    if keep:
        kept = {
            one.name: round(one.cpu_milliseconds / figures[0].cpu_milliseconds, 2)
            for one in figures
        }
        RESULTS.write_text(json.dumps(kept, indent=2) + "\n")


def measure(candidates: Mapping[str, Measure]) -> list[Figure]:
    """Let the candidates start in turns; the first round warms the disk and does not count."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in candidates}
    for _ in range(STARTS + 1):
        for name, candidate in candidates.items():
            times[name].append(candidate())
    return [
        Figure(
            name,
            median(wall for wall, _ in runs[1:]) * 1000,
            median(cpu for _, cpu in runs[1:]) * 1000,
        )
        for name, runs in times.items()
    ]


def report(figures: list[Figure]) -> None:
    """Print a table; the first figure is the yardstick."""
    yardstick = figures[0]
    print(f"{'':20}{'ms':>8}{'ratio':>8}{'CPU ms':>9}{'ratio':>8}   (aim: {AIM} or less)")
    for one in figures:
        wall = one.milliseconds / yardstick.milliseconds
        cpu = one.cpu_milliseconds / yardstick.cpu_milliseconds
        print(
            f"{one.name:20}{one.milliseconds:8.0f}{wall:8.2f}{one.cpu_milliseconds:9.0f}{cpu:8.2f}"
        )


@contextmanager
def _candidates(folder: Path) -> Iterator[dict[str, Measure]]:
    """Yield what is measured: the yardstick first."""
    python = interpreter(PYTHON)
    (path,) = build([ARCHITECTURES[platform.machine()]], folder / "zips", python)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder / "task")
    with parameter_store() as parameters:

        def candidate(function: Function) -> Measure:
            def once() -> tuple[float, float]:
                took = start(function, folder / "task", python, parameters)
                return took.seconds, took.cpu_seconds

            return once

        ours = {function.name: candidate(function) for function in FUNCTIONS}
        yield {"yardstick": _yardstick(folder / "yardstick"), **ours}


def _yardstick(folder: Path) -> Measure:
    python = interpreter(YARDSTICK_PYTHON)
    install(YARDSTICK, folder, python=python)
    compile_all = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([str(python), *compile_all, str(folder)], check=True)

    def once() -> tuple[float, float]:
        done = subprocess.run(
            [str(python), "-S", "-c", PROGRAM],
            cwd=folder,
            env=environment_of_a_start(),
            capture_output=True,
            text=True,
            check=True,
        )
        wall, cpu = map(float, done.stdout.split())
        return wall, cpu

    return once


if __name__ == "__main__":
    main()
