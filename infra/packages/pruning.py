"""What of the installed distributions stays out of the zip: no function runs or reads it."""

import gzip
import json
from collections.abc import Iterator, Set
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

LEFT_OUT = {
    "*.dist-info/*": "metadata of distributions",
    "bin/*": "commands",
    ".lock": "the installer's",
    "REVISION": "of ua-parser's data; nothing reads it",
    "boto3/*": "functions make clients by botocore's session",
    "s3transfer/*": "boto3's",
    "*.pyi": "for type checkers",
    "*/py.typed": "for type checkers",
    "*.pyx": "source of a compiled module",
    "*.pxd": "source of a compiled module",
    "*.c": "source of a compiled module",
    "*.h": "source of a compiled module",
    "*/__pycache__/*": "made anew, without times",
    "*/__main__.py": "a command",
    "annotated_types/test_cases.py": "tests",
    "crawleruseragents/composer.json": "for another language's packages",
    "crawleruseragents/package*.json": "for another language's packages",
    "crawleruseragents/test_*": "tests",
    "crawleruseragents/validate.py": "a command",
    "dateutil/zoneinfo/rebuild.py": "a command",
    "dateutil/zoneinfo/*.tar.gz": "time zones; zoneinfo reads tzdata",
    "pydantic/mypy.py": "a plugin of mypy",
    "pydantic/v1/*": "reached only by a class with __get_validators__, of which there are none",
    "tzdata/zoneinfo/tzdata.zi": "the source of the compiled zones beside it",
}
"""Pattern of a path -> why. `*` matches slashes as well."""

SERVICES = frozenset({"dynamodb", "kinesis", "s3", "ssm"})
"""botocore's names of what functions make clients of."""

BOTOCORE_DATA = PurePosixPath("botocore/data")
MODELS = ("service-2", "endpoint-rule-set-1", "paginators-1", "waiters-2")
"""What botocore reads of a service. Its documentation's examples are not among them."""
SERVICE_MODEL = "service-2.json"
ENDPOINTS = "endpoints.json"

OF_BOTOCORE = frozenset({"CreateSession", "HeadBucket"})
"""Operations that botocore calls by itself: for S3 Express, and for a bucket in another region."""

Json = dict[str, Any]


def is_left_out(path: PurePosixPath) -> bool:
    """Say whether a file of a distribution stays out."""
    in_botocore_data = path.is_relative_to(BOTOCORE_DATA)
    return in_botocore_data or any(fnmatch(str(path), pattern) for pattern in LEFT_OUT)


def botocore_data(
    site: Path, services: Set[str], methods: Set[str]
) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Yield what botocore reads to make clients of some services.

    Of each service the latest version, as text, without the operations that nobody calls: a start
    reads and parses it.

    Args:
        site: the folder that holds botocore.
        services: botocore's names.
        methods: what may be called of a client, such as `put_item`; other names do not matter.
    """
    folder = site / BOTOCORE_DATA
    for file in sorted(folder.glob("*.json")):
        content = file.read_bytes()
        if file.name == ENDPOINTS:
            content = _text(_of_services(json.loads(content), services))
        yield BOTOCORE_DATA / file.name, content
    for service in sorted(services):
        latest = max(path.parent for path in (folder / service).glob("*/service-2.json*"))
        for file in sorted(latest.iterdir()):
            if file.name.partition(".")[0] in MODELS:
                name = file.name.removesuffix(".gz")
                packed = file.read_bytes()
                content = gzip.decompress(packed) if file.suffix == ".gz" else packed
                if name == SERVICE_MODEL:
                    content = _text(_of_methods(json.loads(content), methods))
                yield BOTOCORE_DATA / service / latest.name / name, content


def _of_services(endpoints: Json, services: Set[str]) -> Json:
    partitions = [
        {
            **partition,
            "services": {
                service: known
                for service, known in partition["services"].items()
                if service in services
            },
        }
        for partition in endpoints["partitions"]
    ]
    return {**endpoints, "partitions": partitions}


def _of_methods(model: Json, methods: Set[str]) -> Json:
    """Keep the operations of a service that may be called, and the shapes that these need."""
    # Not `__getitem__`, which would be GetItem.
    called = {method.replace("_", "") for method in methods if not method.startswith("_")}
    operations = {
        name: operation
        for name, operation in model["operations"].items()
        if name.lower() in called or name in OF_BOTOCORE or operation.get("endpointoperation")
    }
    shapes: Json = {}
    waiting = list(_shapes_in(operations))
    while waiting:
        name = waiting.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            waiting.extend(_shapes_in(shapes[name]))
    return {**model, "operations": operations, "shapes": dict(sorted(shapes.items()))}


def _shapes_in(part: Any) -> Iterator[str]:
    """Yield the names of the shapes that a part of a model refers to."""
    match part:
        case dict():
            for key, value in part.items():
                # A member of a structure may have this name: its value is no text then.
                if key == "shape" and isinstance(value, str):
                    yield value
                else:
                    yield from _shapes_in(value)
        case list():
            for value in part:
                yield from _shapes_in(value)


def _text(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
