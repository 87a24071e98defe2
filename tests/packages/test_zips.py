"""What lies in the zip, for each architecture."""

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

from infra.packages.build import OURS, ROOT
from infra.packages.functions import FUNCTIONS, PACKAGE, PLATFORMS, PYTHON
from infra.packages.start import environment_of_a_start
from infra.verify.hcl import every, read
from tests.packages.conftest import Built

LIMIT_BYTES = 50_000_000
"""Lambda takes no larger zip in a request.
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
BUDGET_BYTES = 11_000_000
MACHINES = {"x86_64": 62, "arm64": 183}
"""Lambda's name of an architecture -> ELF's number of it."""
UNCHECKED_HASH = 1
NEVER = (
    "*.dist-info/*",
    "*/tests/*",
    "tests/*",
    "bin/*",
    "click/*",
    "duckdb*",
    "boto3/*",
    "liveinsight/*",
    "rich/*",
    "aiohttp/*",
    "granian/*",
    "uvloop/*",
)

IMPORT_ALL = """
import importlib, pkgutil, sys
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, f"{name}."):
        print(importlib.import_module(module.name).__file__)
"""


def every_zip(built: Built) -> Iterator[tuple[str, zipfile.ZipFile]]:
    """Each architecture with its zip."""
    for architecture in PLATFORMS:
        with zipfile.ZipFile(built.zip(architecture)) as archive:
            yield architecture, archive


@pytest.mark.parametrize("architecture", PLATFORMS)
def test_a_zip_is_within_its_budget(architecture: str, built: Built) -> None:
    size = built.zip(architecture).stat().st_size
    assert size <= BUDGET_BYTES < LIMIT_BYTES, f"{size} bytes"


def test_every_module_of_ours_is_in_the_zip_and_imports_with_nothing_beside_it(
    built: Built, unpacked: Path
) -> None:
    done = subprocess.run(
        [str(built.python), "-S", "-c", IMPORT_ALL, *OURS],
        check=False,
        cwd=unpacked,
        env=environment_of_a_start(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    imported = {str(Path(line).relative_to(unpacked)) for line in done.stdout.splitlines()}
    written = {str(path.relative_to(ROOT)) for one in OURS for path in (ROOT / one).rglob("*.py")}
    assert imported == written - {f"{one}/__init__.py" for one in OURS}
    assert {function.handler_module.replace(".", "/") + ".py" for function in FUNCTIONS} <= imported


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
    def shape(archive: zipfile.ZipFile) -> dict[str, int]:
        """Names, and the checksums of what is not compiled to machine code."""
        return {
            re.sub(r"-(x86_64|aarch64)-", "-", entry.filename): entry.CRC
            if not entry.filename.endswith(".so")
            else 0
            for entry in archive.infolist()
        }

    here, elsewhere = (shape(archive) for _, archive in every_zip(built))
    assert here == elsewhere


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
    with zipfile.ZipFile(built.zip()) as archive:
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


def test_a_client_knows_the_operations_that_functions_call(built: Built) -> None:
    with zipfile.ZipFile(built.zip()) as archive:
        known = {
            name.split("/")[2]: set(json.loads(archive.read(name))["operations"])
            for name in archive.namelist()
            if fnmatch(name, "botocore/data/*/service-2.json")
        }
    tables = {"BatchGetItem", "BatchWriteItem", "DeleteItem", "PutItem", "Query", "Scan"}
    objects = {"DeleteObjects", "GetObject", "HeadObject", "ListObjectsV2", "PutObject"}
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
    subprocess.run(
        [sys.executable, "-m", "infra.packages", "--output", str(tmp_path)],
        cwd=ROOT,
        env=environment,
        umask=0o077,
        check=True,
        capture_output=True,
    )
    for architecture in PLATFORMS:
        second = tmp_path / architecture / PACKAGE
        assert built.zip(architecture).read_bytes() == second.read_bytes()


def test_terraform_and_the_table_of_functions_agree() -> None:
    said = every((ROOT / "infra/modules").glob("*/*.tf"), "handler")
    handlers = [handler for handler in said if not handler.startswith("${")]
    assert sorted(handlers) == sorted(function.handler for function in FUNCTIONS)
    variables = read([ROOT / "infra/environments/dev/variables.tf"])["variable"]
    assert variables["runtime"]["default"] == f"python{PYTHON}"
