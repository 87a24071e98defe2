"""An export has its name when it is whole, and takes the place of nothing."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from liveinsight.exports.formats import Format
from liveinsight.exports.output import exported_to
from liveinsight.imports.export_source import export_source, rows_in
from query.columns import EVENTS
from runtime.errors import UsageError

ROW = {"day": "2026-11-01", "page": "/a"}


@pytest.mark.parametrize("format_", Format)
def test_a_file_is_not_there_before_it_is_whole(tmp_path: Path, format_: Format) -> None:
    path = tmp_path / f"events.{format_}"
    with exported_to(str(path), EVENTS, format_) as output:
        output.write(ROW)
        assert not path.exists()
        assert len(list(tmp_path.glob(".events.*.unfinished"))) == 1
    assert list(tmp_path.iterdir()) == [path]
    assert output.bytes == path.stat().st_size > 0
    assert list(rows_in(path)) == [ROW]


@pytest.mark.parametrize("format_", Format)
def test_what_fails_leaves_nothing(tmp_path: Path, format_: Format) -> None:
    with suppress(ZeroDivisionError), exported_to(f"{tmp_path}/x", EVENTS, format_) as output:
        output.write(ROW)
        output.write({**ROW, "partition": 1 // 0})
    assert list(tmp_path.iterdir()) == []


def test_what_is_killed_leaves_nothing_that_looks_whole(tmp_path: Path) -> None:
    code = f"""
import os
from query.columns import EVENTS
from liveinsight.exports.formats import Format
from liveinsight.exports.output import exported_to
with exported_to("{tmp_path}/x.ndjson", EVENTS, Format.NDJSON) as output:
    output.write({ROW!r})
    os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".")
    with pytest.raises(UsageError, match="holds no export"):
        export_source(tmp_path)


@pytest.mark.parametrize("format_", Format)
def test_a_folder_has_files_of_so_many_rows(tmp_path: Path, format_: Format) -> None:
    with exported_to(f"{tmp_path}/all/", EVENTS, format_) as output:
        output.file_rows = 4
        for number in range(10):
            output.write({**ROW, "partition": number})
    source = export_source(tmp_path / "all")
    assert [path.name for path in source.files] == [f"events-0000{n}.{format_}" for n in (1, 2, 3)]
    found = [row["partition"] for path in source.files for row in rows_in(path)]
    assert found == list(range(10))


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    with exported_to(str(tmp_path / "all"), EVENTS, Format.CSV) as output:
        output.write(ROW)
    assert [path.name for path in (tmp_path / "all").iterdir()] == ["events-00001.csv"]


def test_what_stands_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    for out, why in (
        ("file", "exists already"),
        ("file/", "is a file"),
        ("full", "is not empty"),
        ("file/x", "cannot be written"),
    ):
        with (
            pytest.raises(UsageError, match=why),
            exported_to(f"{tmp_path}/{out}", EVENTS, Format.CSV),
        ):
            pass
    assert (tmp_path / "file").read_text() == "mine"


def test_nothing_imports_duckdb_before_parquet_is_wanted() -> None:
    code = """
import sys
import liveinsight.cli
import liveinsight.commands.exports
loaded = {name.partition(".")[0] for name in sys.modules}
assert "duckdb" not in loaded
import liveinsight.exports.output, liveinsight.imports.export_importer
assert "duckdb" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_duckdb_it_is_said_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with (
        pytest.raises(UsageError, match="Parquet needs DuckDB"),
        exported_to(f"{tmp_path}/x", EVENTS, Format.PARQUET) as output,
    ):
        output.write(ROW)
    assert list(tmp_path.iterdir()) == []
