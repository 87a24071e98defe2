"""What is taken out of distributions."""

import json
import struct
from pathlib import Path, PurePosixPath

import pytest

from infra.packages.elf import SECTION_HEADER, without_debug_information
from infra.packages.pruning import botocore_data, is_left_out

MODEL = {
    "operations": {
        "GetPage": {"name": "GetPage", "output": {"shape": "Book"}, "errors": [{"shape": "Torn"}]},
        "GetPages": {"name": "GetPages", "output": {"shape": "Unread"}},
        "HeadBucket": {"name": "HeadBucket"},
        "Discover": {"name": "Discover", "endpointoperation": True},
    },
    "shapes": {
        "Book": {"type": "list", "member": {"shape": "Page"}},
        "Text": {"type": "string"},
        "Torn": {
            "type": "structure",
            "members": {"shape": {"shape": "Text"}, "within": {"shape": "Torn"}},
        },
        "Unread": {"type": "list", "member": {"shape": "Unread"}},
        "Page": {
            "type": "structure",
            "members": {"text": {"shape": "Text"}},
        },
    },
}


@pytest.mark.parametrize(
    ("path", "out"),
    [
        ("pydantic/main.py", False),
        ("pydantic/v1/main.py", True),
        ("pydantic_core/_pydantic_core.pyi", True),
        ("fastavro/_read.cpython-313-aarch64-linux-gnu.so", False),
        ("crawleruseragents/crawler-user-agents.json", False),
        ("botocore/data/ec2/2016-11-15/service-2.json.gz", True),
        ("botocore/cacert.pem", False),
        ("botocore/session.py", False),
        ("boto3/session.py", True),
        ("s3transfer/manager.py", True),
        ("pydantic-2.14.3.dist-info/METADATA", True),
        ("bin/jp.py", True),
        ("tzdata/zoneinfo/Europe/Berlin", False),
    ],
)
def test_what_never_runs_stays_out(path: str, *, out: bool) -> None:
    assert is_left_out(PurePosixPath(path)) is out


def test_a_service_keeps_its_latest_model_as_far_as_it_is_used(tmp_path: Path) -> None:
    data = tmp_path / "botocore" / "data"
    for version in ("2011-12-05", "2013-12-02"):
        (data / "kinesis" / version).mkdir(parents=True)
        (data / "kinesis" / version / "service-2.json").write_text(json.dumps(MODEL))
        (data / "kinesis" / version / "examples-1.json").write_text("{}")
    (data / "ec2" / "2016-11-15").mkdir(parents=True)
    (data / "ec2" / "2016-11-15" / "service-2.json").write_text("{}")
    services: dict[str, object] = {"kinesis": {"endpoints": {"eu-central-1": {}}}, "ec2": {}}
    partitions = [{"partition": "aws", "services": services}]
    (data / "endpoints.json").write_text(json.dumps({"partitions": partitions, "version": 3}))
    kept = {
        str(path.relative_to("botocore/data")): json.loads(content)
        for path, content in botocore_data(tmp_path, {"kinesis"}, {"get_page", "client"})
    }
    assert set(kept) == {"endpoints.json", "kinesis/2013-12-02/service-2.json"}
    assert kept["endpoints.json"]["partitions"][0]["services"] == {"kinesis": services["kinesis"]}
    model = kept["kinesis/2013-12-02/service-2.json"]
    assert set(model["operations"]) == {"GetPage", "HeadBucket", "Discover"}
    assert set(model["shapes"]) == {"Book", "Page", "Text", "Torn"}


def module(*sections: tuple[str, int, bytes]) -> bytes:
    """A compiled module: a header, sections of (name, flags, content), and their headers."""
    names = b"\0" + b"".join(name.encode() + b"\0" for name, _, _ in sections) + b".names\0"
    content, headers = b"", []
    for name, flags, data in [*sections, (".names", 0, names)]:
        at = names.index(name.encode())
        headers.append(SECTION_HEADER.pack(at, 1, flags, 0, 64 + len(content), len(data)))
        content += data
    header = bytearray(b"\x7fELF\x02\x01".ljust(64, b"\0"))
    struct.pack_into("<Q", header, 0x28, 64 + len(content))
    struct.pack_into("<HH", header, 0x3C, len(headers), len(headers) - 1)
    return bytes(header) + content + b"".join(headers)


def test_debug_information_becomes_zeros_and_all_else_stays() -> None:
    text, debug = (".text", 6, b"machine code"), (".debug_info", 0, b"names and lines")
    loaded = (".debug_gdb_scripts", 2, b"in memory")
    zeros = (".debug_info", 0, bytes(len(debug[2])))
    expected = module(text, zeros, loaded)
    assert without_debug_information(module(text, debug, loaded)) == expected
    assert without_debug_information(b"import json\n") == b"import json\n"
