"""What lies in the zips."""

import importlib.util
import json
import os
import re
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from infra.packages.build import ROOT
from infra.packages.functions import FUNCTIONS, PYTHON, Function, named
from tests.packages.conftest import ELSEWHERE, HERE, OF_BOTH, Built

LIMIT_BYTES = 50_000_000
"""Lambda takes no larger zip in a request.
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
BUDGET_BYTES = 10_000_000
MACHINES = {"x86_64": 62, "arm64": 183}
"""Lambda's name of an architecture -> ELF's number of it."""
UNCHECKED_HASH = 1
NEVER = (
    "*.dist-info/*",
    "*/tests/*",
    "bin/*",
    "click/*",
    "duckdb*",
    "liveinsight/cli*",
    "liveinsight/engine/*",
    "liveinsight/operations/*",
    "liveinsight/replay/*",
    "rich/*",
    "waitress/*",
)

every_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda one: one.name)


def every_zip(built: Built) -> Iterator[tuple[str, zipfile.ZipFile]]:
    """Each zip with its architecture."""
    for architecture, functions in {HERE: FUNCTIONS, ELSEWHERE: OF_BOTH}.items():
        for function in functions:
            with zipfile.ZipFile(built.zip(function, architecture)) as archive:
                yield architecture, archive


@every_function
def test_a_zip_is_within_its_budget(function: Function, built: Built) -> None:
    size = built.zip(function).stat().st_size
    assert size <= BUDGET_BYTES < LIMIT_BYTES, f"{function.name}: {size} bytes"


def test_entries_are_sorted_and_have_fixed_times_and_modes(built: Built) -> None:
    for _, archive in every_zip(built):
        entries = archive.infolist()
        names = [entry.filename for entry in entries]
        assert names == sorted(set(names))
        assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.external_attr >> 16 for entry in entries} == {0o100644}
        assert {entry.create_system for entry in entries} == {3}


def test_compiled_modules_are_for_the_zip_s_architecture_and_python(built: Built) -> None:
    tag = f"cpython-{PYTHON.replace('.', '')}-"
    for architecture, archive in every_zip(built):
        compiled = [name for name in archive.namelist() if name.endswith(".so")]
        assert compiled
        for name in compiled:
            with archive.open(name) as file:
                (machine,) = struct.unpack_from("<H", file.read(20), 18)
            assert machine == MACHINES[architecture], name
            assert tag in name or ".abi3." in name, name


def test_both_architectures_hold_the_same_modules(built: Built) -> None:
    def shape(archive: zipfile.ZipFile) -> set[str]:
        return {re.sub(r"-(x86_64|aarch64)-", "-", name) for name in archive.namelist()}

    for function in OF_BOTH:
        with (
            zipfile.ZipFile(built.zip(function, HERE)) as here,
            zipfile.ZipFile(built.zip(function, ELSEWHERE)) as elsewhere,
        ):
            assert shape(here) == shape(elsewhere)


def test_every_module_has_bytecode_that_nobody_checks(built: Built) -> None:
    code = "import importlib.util; print(importlib.util.MAGIC_NUMBER.hex())"
    magic = bytes.fromhex(
        subprocess.run(
            [str(built.python), "-c", code], capture_output=True, text=True, check=True
        ).stdout
    )
    for _, archive in every_zip(built):
        names = set(archive.namelist())
        for name in names:
            if name.endswith(".py"):
                folder, _, module = name.rpartition("/")
                cached = f"{folder}/__pycache__/{module[:-3]}.cpython-313.pyc".removeprefix("/")
                header = archive.read(cached)[:16]
                assert header[:4] == magic, cached
                assert header[4:8] == UNCHECKED_HASH.to_bytes(4, "little"), cached
                source_hash = importlib.util.source_hash  # needs the writer's magic number
                if magic == importlib.util.MAGIC_NUMBER:
                    assert header[8:] == source_hash(archive.read(name))


def test_bytecode_names_the_folder_that_lambda_unpacks_into(built: Built) -> None:
    with zipfile.ZipFile(built.zip(named("stats"))) as archive:
        bytecode = archive.read("processors/stats/__pycache__/handler.cpython-313.pyc")
    assert b"/var/task/processors/stats/handler.py" in bytecode


def test_nothing_of_this_machine_is_in_a_zip(built: Built) -> None:
    for _, archive in every_zip(built):
        for name in archive.namelist():
            assert str(ROOT).encode() not in archive.read(name), name


def test_what_no_function_runs_is_in_no_zip(built: Built) -> None:
    for _, archive in every_zip(built):
        for name in archive.namelist():
            assert not any(fnmatch(name, pattern) for pattern in NEVER), name


def test_a_function_has_no_library_that_it_does_not_import(built: Built) -> None:
    def tops(name: str) -> set[str]:
        with zipfile.ZipFile(built.zip(named(name))) as archive:
            return {entry.partition("/")[0] for entry in archive.namelist()}

    assert tops("event-collector") >= {"ua_parser", "crawleruseragents", "pydantic", "tzdata"}
    assert not tops("stats-api") & {"ua_parser", "pydantic", "ingest", "processors"}
    assert not tops("spill-drain") & {"ua_parser", "pydantic", "aggregates", "api", "processors"}


def test_a_client_knows_the_operations_that_its_function_calls(built: Built) -> None:
    with zipfile.ZipFile(built.zip(named("event-collector"))) as archive:
        known = {
            name.split("/")[2]: set(json.loads(archive.read(name))["operations"])
            for name in archive.namelist()
            if fnmatch(name, "botocore/data/*/service-2.json")
        }
    tables = {"BatchGetItem", "BatchWriteItem", "PutItem", "Query", "Scan"}
    objects = {"DeleteObjects", "GetObject", "ListObjectsV2", "PutObject"}
    assert known == {
        "dynamodb": {*tables, "DescribeEndpoints"},
        "kinesis": {"PutRecords"},
        "s3": {*objects, "CreateSession", "HeadBucket"},
        "ssm": {"GetParameter"},
    }


def test_a_second_build_on_another_day_in_another_place_is_the_same(
    built: Built, tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        "TZ": "Asia/Tokyo",
        "PYTHONHASHSEED": "7",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(tmp_path),
    }
    command = [sys.executable, "-m", "infra.packages", "--function", "event-collector"]
    subprocess.run(
        [*command, "--output", str(tmp_path)],
        cwd=ROOT,
        env=environment,
        umask=0o077,
        check=True,
        capture_output=True,
    )
    for architecture in (HERE, ELSEWHERE):
        first = built.zip(named("event-collector"), architecture)
        second = tmp_path / architecture / "event-collector.zip"
        assert first.read_bytes() == second.read_bytes()


def test_terraform_and_the_table_of_functions_agree() -> None:
    text = "\n".join(path.read_text() for path in (ROOT / "infra/modules").glob("*/*.tf"))
    handlers = set(re.findall(r'\bhandler\s*=\s*"([\w.]+)"', text))
    assert handlers == {function.handler for function in FUNCTIONS}
    assert re.findall(r'default\s*=\s*"(python3\.\d+)"', text)
    assert set(re.findall(r'default\s*=\s*"(python3\.\d+)"', text)) == {f"python{PYTHON}"}


def test_a_function_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(LookupError, match="'collector': there are event-collector, "):
        named("collector")
