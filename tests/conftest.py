"""Settings that hold for every test, the browser, and AWS."""

import gc
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

from tests.effort import LONG, LONG_SHARE, examples
from tests.simulation.summary import pytest_terminal_summary

if TYPE_CHECKING:
    from tests.aws import Aws

__all__ = ["pytest_terminal_summary"]  # pytest finds the hook here

pytest.register_assert_rewrite("tests.stores.contract")  # else its failures tell no values

os.environ["POWERTOOLS_METRICS_DISABLED"] = "true"
os.environ["POWERTOOLS_LOG_LEVEL"] = "WARNING"

gc.set_threshold(50_000, 20, 100)  # by Python's own figures collecting is a tenth of all time

settings.register_profile(
    "default",
    max_examples=examples(100),
    deadline=None,  # a shared machine's pauses say nothing about the code
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    print_blob=True,
)
settings.load_profile("default")

MANY_FILES = 300

BROWSER = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36"
)
CHROMIUM_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    f"--user-agent={BROWSER}",  # a headless browser's own says that it is no person
)


def pytest_collection_finish() -> None:
    """Leave what is imported out of every later collection."""
    gc.collect()
    gc.freeze()


def pytest_runtest_teardown() -> None:
    """Close databases that wait for the collector: many systems allow a process 1,024 files."""
    lowest_free = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest_free)
    if lowest_free > MANY_FILES:
        gc.collect()


def pytest_unconfigure() -> None:
    """Let libraries find their objects when they look for leaks at the end."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chrome]:
    """A headless Chromium, where there is one."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or driver is None:
        if os.environ.get("CI"):
            pytest.fail("CI must install chromium and chromedriver")
        pytest.skip("no chromium and chromedriver on the PATH (Debian: chromium chromium-driver)")
    options = ChromeOptions()
    options.binary_location = browser
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in CHROMIUM_ARGUMENTS:
        options.add_argument(argument)
    chrome = Chrome(options=options, service=ChromeService(driver))
    yield chrome
    chrome.quit()


@pytest.fixture
def aws() -> "Iterator[Aws]":
    """An AWS account in this process; the environment is that of a function in it."""
    from tests.aws import Aws, simulated_aws  # noqa: PLC0415 - moto takes two seconds to import

    with simulated_aws():
        yield Aws()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out some of the long tests where time is short, and say how many."""
    today = datetime.now(UTC).date().toordinal()
    long = [item for item in items if item.nodeid.startswith(LONG)]
    left_out = {item for number, item in enumerate(long) if (number + today) % LONG_SHARE}
    if left_out:
        config.hook.pytest_deselected(items=sorted(left_out, key=lambda item: item.nodeid))
        items[:] = [item for item in items if item not in left_out]
