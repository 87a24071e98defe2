"""The deployed configuration at work, without an account: `python -m infra.verify --end-to-end`.

The real zips are built for this machine, and Terraform applies the system to ministack, which runs
them behind its API Gateway and its stream. Then what must come out is known beforehand.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from infra.packages.bytecode import runtime_python
from infra.packages.errors import PackagingError
from infra.verify.deployment import APPLIED, Deployment, apply, package
from infra.verify.errors import CheckError, SkipError
from infra.verify.ministack import REQUIREMENTS, ministack
from infra.verify.tools import tools_python
from infra.verify.traffic import EVENTS, Traffic
from infra.verify.workspace import Workspace

SMOKE_SITE, BURST_SITE, SPILL_SITE = "smoke.example", "burst.example", "spill.example"
ENOUGH_SECONDS = 90
"""For an event to be counted, where functions start for the first time on a busy machine."""
TOO_FEW_SECONDS = 15
"""To wait for a consumer that is switched off."""
SCHEDULED = ("spill-drain", "archive-compactor", "sealer")
REFUSED = "AccessDenied"
LOG_CHARACTERS = 8000
"""Of the emulator's log, shown after a fault."""


@dataclass(slots=True)
class Progress:
    """Says what was done, and in how many seconds."""

    say: Callable[[str], None]
    begun: float = field(default_factory=time.monotonic)
    last: float = field(default_factory=time.monotonic)

    def done(self, name: str, what: str) -> None:
        """Say what was done since the last time."""
        now = time.monotonic()
        self.say(f"  {name:<9} {now - self.last:5.1f} s  {what}")
        self.last = now

    def seconds(self) -> float:
        """Return how long it took so far."""
        return time.monotonic() - self.begun


def prove_end_to_end(workspace: Workspace, say: Callable[[str], None]) -> int:
    """Apply the system to ministack and try it; return 1 if it does not do what it must.

    Raises:
        SkipError: ministack, or an interpreter of the runtime's version, is missing.
    """
    progress, folder = Progress(say), workspace.root.parent
    try:
        python = runtime_python()
    except PackagingError as error:
        raise SkipError(str(error)) from error
    emulator = tools_python(workspace.environ, REQUIREMENTS, python)
    architecture = package(folder / "built", python)
    progress.done("package", f"one zip for {architecture}")
    try:
        with ministack(emulator, folder) as running:
            deployment = apply(workspace, running, folder / "built", architecture)
            progress.done("apply", f"modules {', '.join(APPLIED)}")
            for name, step in STEPS:
                progress.done(name, step(deployment))
    except CheckError as fault:
        say(fault.output)
        say((folder / "ministack.log").read_text()[-LOG_CHARACTERS:])
        say(f"end to end: FAILED after {progress.seconds():.0f} s: {fault}")
        return 1
    say(f"end to end: passed in {progress.seconds():.0f} s")
    return 0


def passes_the_smoke_test(deployment: Deployment) -> str:
    """Add a public site, and let an operator's own test try everything."""
    deployment.run("site", "add", SMOKE_SITE, "--public")
    code, outcomes = deployment.smoke(SMOKE_SITE, ENOUGH_SECONDS)
    if code or set(outcomes.values()) != {"passed"}:
        raise CheckError(f"liveinsight smoke ended with {code}: {outcomes}")
    return f"liveinsight smoke: exit code 0, {len(outcomes)} checks passed"


def counts_exactly(deployment: Deployment) -> str:
    """Send a private site what is known to the last event, some of it twice, and compare."""
    traffic = _traffic(deployment, BURST_SITE)
    requests = traffic.send()
    _compare(traffic)
    return f"{EVENTS} events in {requests} requests, archived and counted once each"


def needs_no_more_rights(deployment: Deployment) -> str:
    """Run what is scheduled, and see that nobody was refused anything so far."""
    for function in SCHEDULED:
        deployment.invoke(function)
    if refused := deployment.logged(REFUSED):
        raise CheckError("a role lacks a right", "\n".join(refused))
    if spilled := deployment.spilled():
        raise CheckError(f"{spilled} requests did not reach the stream")
    return f"{', '.join(SCHEDULED)} ran; no function was refused anything by its role"


def survives_without_the_stream(deployment: Deployment) -> str:
    """Refuse the stream to the collector: it must accept, and the drain bring all of it."""
    traffic = _traffic(deployment, SPILL_SITE)
    with deployment.refused("event-collector", "PutOnTheStream"):
        requests = traffic.send()
    if (spilled := deployment.spilled()) < requests:
        raise CheckError(f"{spilled} of {requests} requests were spilled")
    deployment.invoke("spill-drain")
    _compare(traffic)
    if not deployment.logged(REFUSED):
        raise CheckError("the collector's log does not say that the stream was refused")
    return f"{EVENTS} events while the stream was refused: drained, archived and counted once each"


def notices_a_missing_consumer(deployment: Deployment) -> str:
    """Switch the stats consumer off: the smoke test must fail, and at that check alone."""
    deployment.switch("stats", on=False)
    code, outcomes = deployment.smoke(SMOKE_SITE, TOO_FEW_SECONDS)
    failed = [name for name, outcome in outcomes.items() if outcome == "failed"]
    if (code, failed) != (1, ["counts the event"]):
        raise CheckError(f"without stats liveinsight smoke ended with {code}: {outcomes}")
    return "stats switched off: exit code 1, at 'counts the event' alone"


def catches_up(deployment: Deployment) -> str:
    """Switch it on again: it must count what came meanwhile, too."""
    deployment.switch("stats", on=True)
    code, outcomes = deployment.smoke(SMOKE_SITE, ENOUGH_SECONDS)
    # One of each smoke test; they may lie in shards that are read one after the other.
    sent, ends_at = 3, time.monotonic() + ENOUGH_SECONDS
    while (counted := deployment.pageviews(SMOKE_SITE)) < sent and time.monotonic() < ends_at:
        time.sleep(1)
    if code or counted != sent:
        raise CheckError(f"liveinsight smoke ended with {code}, {counted} of {sent}: {outcomes}")
    return f"stats switched on: exit code 0, {counted} of {sent} page views counted"


def obeys_its_role(deployment: Deployment) -> str:
    """Refuse the rollups to the stats API: the smoke test must fail, so roles are enforced."""
    with deployment.refused("stats-api", "ReadNumbers"):
        code, outcomes = deployment.smoke(SMOKE_SITE, TOO_FEW_SECONDS)
    if code != 1 or outcomes["answers stats"] != "failed":
        raise CheckError(f"without its right liveinsight smoke ended with {code}: {outcomes}")
    return "stats-api without a right: exit code 1, at 'answers stats' first"


STEPS: tuple[tuple[str, Callable[[Deployment], str]], ...] = (
    ("smoke", passes_the_smoke_test),
    ("burst", counts_exactly),
    ("rights", needs_no_more_rights),
    ("control", notices_a_missing_consumer),
    ("recovery", catches_up),
    ("roles", obeys_its_role),
    # Last: the collector leaves a stream that refused it alone for a while.
    ("spill", survives_without_the_stream),
)


def _traffic(deployment: Deployment, site_id: str) -> Traffic:
    _, site = deployment.run("site", "add", site_id)
    return Traffic(deployment.url, site_id, site["read_key"])


def _compare(traffic: Traffic) -> None:
    traffic.wait()
    if differences := traffic.differences():
        raise CheckError("the numbers are not those that were sent", "\n".join(differences))
