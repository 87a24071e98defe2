"""The functions of a deployment, and what they run on."""

from dataclasses import dataclass

PYTHON = "3.13"
"""Lambda's runtime `python3.13`, supported until 30 June 2029, with SnapStart.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html (read in November 2026)."""

PLATFORMS = {
    "arm64": "aarch64-manylinux_2_34",
    "x86_64": "x86_64-manylinux_2_34",
}
"""Lambda's name of an architecture -> uv's name of a platform. The runtime is Amazon Linux 2023,
which has glibc 2.34. https://docs.aws.amazon.com/linux/al2023/ug/compare-with-al2.html"""

PACKAGE = "liveinsight.zip"
"""What all functions run, in a folder for each architecture."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function, deployed as `liveinsight-<name>-<environment>`."""

    name: str
    handler: str
    """Lambda's setting: the module and the name in it."""
    bootstrap: str
    """What a first invocation builds, clients included: the module and the name in it."""

    @property
    def handler_module(self) -> str:
        """The module that Lambda imports."""
        return self.handler.rpartition(".")[0]


FUNCTIONS = (
    Function("event-collector", "ingest.handler.handler", "ingest.bootstrap.collector"),
    Function("spill-drain", "ingest.drain.handler.handler", "ingest.drain.bootstrap.drain"),
    Function(
        "archive", "processors.archive.handler.handler", "processors.archive.bootstrap.processor"
    ),
    Function(
        "realtime", "processors.realtime.handler.handler", "processors.realtime.bootstrap.processor"
    ),
    Function("stats", "processors.stats.handler.handler", "processors.stats.bootstrap.processor"),
    Function(
        "archive-compactor",
        "processors.compaction.handler.handler",
        "processors.compaction.bootstrap.compactor",
    ),
    Function("sealer", "processors.seal.handler.handler", "processors.seal.bootstrap.sealer"),
    Function("realtime-api", "api.realtime.handler.handler", "api.realtime.bootstrap.endpoint"),
    Function("stats-api", "api.stats.handler.handler", "api.stats.bootstrap.endpoint"),
    Function(
        "reconciliation-api",
        "api.reconciliation.handler.handler",
        "api.reconciliation.bootstrap.endpoint",
    ),
    Function("query-api", "api.query.handler.handler", "api.query.bootstrap.endpoint"),
    Function("rebuild-api", "api.rebuild.handler.handler", "api.rebuild.bootstrap.endpoint"),
)
