"""Sends simulated traffic to a collector over HTTP, as browsers behind CloudFront would.

Each session gets its token, then posts its events in order. What may not have arrived is sent
again with the same event ids, so nothing is counted twice.
"""

import math
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from liveinsight import caller
from liveinsight.traffic.event_sender import EventSender
from liveinsight.traffic.latency import merged
from liveinsight.traffic.simulation import SimulatedEvent, endless_visits, live_events
from runtime.errors import UsageError
from schemas.hit import MAX_HITS

QUEUE_LENGTH = 16
"""Requests that wait for one sender; the traffic model waits when they are as many."""
PROGRESS_SECONDS = 0.25
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class SimulationOptions:
    """How much traffic, and how it is sent.

    Raises:
        UsageError: a number is out of bounds.
    """

    rate: float | None = None
    """Events a second in the mean, with the pauses that people make; None: as fast as possible."""
    events: int | None = None
    """When to stop; None: never."""
    batch_size: int = 10
    """The most events of a visit in one request at full speed."""
    concurrency: int = 4
    """Requests under way at the same time."""
    seed: int = 1

    def __post_init__(self) -> None:
        if self.rate is not None and not 0 < self.rate < math.inf:
            raise UsageError(f"the rate must be above 0 events a second, not {self.rate}")
        if not 1 <= self.batch_size <= MAX_HITS:
            raise UsageError(f"a request holds 1 to {MAX_HITS} events, not {self.batch_size}")
        if self.concurrency < 1:
            raise UsageError(f"at least 1 request must be under way, not {self.concurrency}")


@dataclass(frozen=True, slots=True)
class SimulationReport:
    """What became of the events sent: accepted, duplicates, rejected and failed add up to sent."""

    sent: int
    accepted: int
    duplicates: int
    """Events whose id stood twice in one request."""
    rejected: int
    """Events that it refused one by one."""
    failed: int
    """Events given up after ATTEMPTS, or when the run was stopped."""
    requests: int
    """Requests with events that were answered, whatever the answer."""
    seconds: float
    latency_p50: float
    """Seconds, of these requests."""
    latency_p95: float
    latency_p99: float
    problem: str = ""
    """What first went wrong; empty: nothing."""

    @property
    def events_per_second(self) -> float:
        """Accepted events a second."""
        return self.accepted / self.seconds if self.seconds else 0.0


OnProgress = Callable[[SimulationReport], None]


def ignore_progress(_: SimulationReport) -> None:
    """Show nothing."""


def simulate(
    base_url: str,
    site_id: str,
    options: SimulationOptions,
    *,
    stop: threading.Event,
    on_progress: OnProgress = ignore_progress,
) -> SimulationReport:
    """Send simulated traffic until `options.events` are sent or `stop` is set.

    Args:
        base_url: where the collector is: `http://127.0.0.1:8000`.
        site_id: a site that it knows.
        options: how much, how fast.
        stop: ends the run soon after it is set; it is set when the run ends by an error.
        on_progress: called a few times a second.

    Raises:
        UsageError: the address cannot be one, or the collector does not take this site's events.
    """
    crew = _Crew(caller.base_url(base_url), site_id, options, stop)
    crew.start()
    try:
        for job in _jobs(site_id, options):
            if not crew.do(job, on_progress):
                break
    except BaseException:
        stop.set()
        raise
    finally:
        crew.finish(on_progress)
    return crew.report()


@dataclass(frozen=True, slots=True)
class _Job:
    """One request."""

    due: float
    """Seconds after the start of the run."""
    events: Sequence[SimulatedEvent]


def _jobs(site_id: str, options: SimulationOptions) -> Iterator[_Job]:
    rng = Random(options.seed)  # noqa: S311 - must be repeatable
    left = options.events
    for job in _endless_jobs(site_id, options, rng):
        if left is not None and left <= len(job.events):
            if left:
                yield _Job(job.due, job.events[:left])
            return
        yield job
        left = None if left is None else left - len(job.events)


def _endless_jobs(site_id: str, options: SimulationOptions, rng: Random) -> Iterator[_Job]:
    if options.rate is not None:
        for event in live_events(options.rate, site_id=site_id, rng=rng):
            yield _Job(event.at, (event,))
        return
    for visit in endless_visits(site_id=site_id, rng=rng):
        for first in range(0, len(visit), options.batch_size):
            yield _Job(0.0, visit[first : first + options.batch_size])


class _Worker(threading.Thread):
    """Gives the jobs of its queue to a sender."""

    def __init__(self, sender: EventSender, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.sender = sender
        self.error: Exception | None = None
        self.no_more = threading.Event()
        self._stop_run = stop
        self._jobs: queue.Queue[tuple[float, _Job]] = queue.Queue(QUEUE_LENGTH)

    def take(self, job: _Job) -> bool:
        """Queue a job that happens now; return False where the run was stopped."""
        now = time.monotonic()
        while not self._stop_run.is_set():
            try:
                self._jobs.put((now, job), timeout=PROGRESS_SECONDS)
            except queue.Full:
                continue
            return True
        return False

    def run(self) -> None:
        """Work until the run is stopped, or there are no more jobs."""
        try:
            while not self._stop_run.is_set():
                no_more = self.no_more.is_set()  # asked first: a job may come while we wait
                try:
                    happened_at, job = self._jobs.get(timeout=POLL_SECONDS)
                except queue.Empty:
                    if no_more:
                        return
                    continue
                self.sender.deliver(job.events, happened_at)
        except Exception as error:  # noqa: BLE001 - raised again by the thread that waits
            self.error = error
            self._stop_run.set()


class _Crew:
    """The workers. A session always has the same one, which keeps its events in order."""

    def __init__(
        self, base_url: str, site_id: str, options: SimulationOptions, stop: threading.Event
    ) -> None:
        self._stop = stop
        self._started_at = time.monotonic()
        self._progress_at = self._started_at
        rngs = [Random(f"{options.seed}|{number}") for number in range(options.concurrency)]  # noqa: S311
        self._workers = [_Worker(EventSender(base_url, site_id, stop, rng), stop) for rng in rngs]

    def start(self) -> None:
        """Start the workers."""
        for worker in self._workers:
            worker.start()

    def do(self, job: _Job, on_progress: OnProgress) -> bool:
        """Queue a job when it is due; return False where the run was stopped before."""
        while (left := self._started_at + job.due - time.monotonic()) > 0:
            self._show(on_progress)
            if self._stop.wait(min(left, PROGRESS_SECONDS)):
                return False
        self._show(on_progress)
        session_id = job.events[0].hit.session_id or "0"
        return self._workers[int(session_id, 16) % len(self._workers)].take(job)

    def finish(self, on_progress: OnProgress) -> None:
        """Let the workers do what is queued, or drop it where the run was stopped.

        Raises:
            UsageError: the collector does not take the site's events.
        """
        for worker in self._workers:
            worker.no_more.set()
        for worker in self._workers:
            while worker.is_alive():
                worker.join(PROGRESS_SECONDS)
                self._show(on_progress)
        for worker in self._workers:
            if worker.error is not None:
                raise worker.error

    def report(self) -> SimulationReport:
        """Return what has become of the events so far."""
        counts = [worker.sender.counts for worker in self._workers]
        latency = merged(worker.sender.latency for worker in self._workers)
        return SimulationReport(
            sent=sum(each.sent for each in counts),
            accepted=sum(each.accepted for each in counts),
            duplicates=sum(each.duplicates for each in counts),
            rejected=sum(each.rejected for each in counts),
            failed=sum(each.failed for each in counts),
            requests=sum(each.requests for each in counts),
            seconds=time.monotonic() - self._started_at,
            latency_p50=latency.percentile(50),
            latency_p95=latency.percentile(95),
            latency_p99=latency.percentile(99),
            problem=next((each.problem for each in counts if each.problem), ""),
        )

    def _show(self, on_progress: OnProgress) -> None:
        if time.monotonic() - self._progress_at >= PROGRESS_SECONDS:
            self._progress_at = time.monotonic()
            on_progress(self.report())
