"""Wrong settings of AWS are one line that says which, and exit code 2."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from liveinsight.cli import cli
from runtime.errors import RetryableError, UsageError
from runtime.settings import AwsName, AwsSettings
from tests.aws import forget_clients

READS = {
    "site list": ["site", "list"],
    "archive verify": ["archive", "verify"],
    "dead-letters list": ["dead-letters", "list"],
}
NEVER_WRITTEN = f"shardId-0/{1:064d}"


def refused(*words: str) -> str:
    """What a command that works on AWS says."""
    done = CliRunner().invoke(cli, [*words, "--engine", "aws"])
    assert isinstance(done.exception, UsageError), (done.exception, done.output)
    said = str(done.exception)
    assert said
    return " ".join(said.split())


@pytest.fixture(params=READS, name="words")
def _words(request: pytest.FixtureRequest) -> list[str]:
    return READS[request.param]


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("AWS_SECRET_ACCESS_KEY", None, "Partial credentials"),
        ("AWS_DEFAULT_REGION", "no region", "no region"),
        ("AWS_PROFILE", "nobody", "nobody"),
        ("AWS_ENDPOINT_URL", "nonsense", "nonsense"),
        ("AWS_CONFIG_FILE", "broken", "broken"),
    ],
)
def test_what_no_client_can_be_made_of_is_said(
    words: list[str],
    variable: str,
    value: str | None,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "broken").write_text("[profile\nno file of settings")
    monkeypatch.chdir(tmp_path)
    if value is None:
        monkeypatch.delenv(variable, raising=False)
    else:
        monkeypatch.setenv(variable, value)
    forget_clients()
    assert says in refused(*words)


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("name", ["a b", "a/b", ":", "x" * 300, "ü"])
@pytest.mark.parametrize("variable", ["ARCHIVE_BUCKET", "DEAD_LETTERS_BUCKET"])
def test_a_bucket_that_none_can_be_named_is_said(
    variable: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, name)
    kind = "archive verify" if variable == "ARCHIVE_BUCKET" else "dead-letters list"
    assert "name" in refused(*READS[kind])


@pytest.mark.parametrize("variable", AwsName)
@pytest.mark.parametrize("value", [None, "", "a b", "\udcff", "a\n"])
def test_each_name_is_asked_for_by_what_it_names(variable: AwsName, value: str | None) -> None:
    settings = AwsSettings({} if value is None else {variable: value})
    with pytest.raises(UsageError, match=rf"{variable} is .*: name the \w+") as said:
        getattr(settings, variable.lower())
    assert "function" not in str(said.value)
    assert str(said.value).isascii()


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("words", [["list"], ["show", NEVER_WRITTEN], ["redrive", NEVER_WRITTEN]])
def test_a_bucket_that_is_missing_is_no_empty_one(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEAD_LETTERS_BUCKET", "missing")
    done = CliRunner().invoke(cli, ["dead-letters", *words, "--engine", "aws"])
    assert isinstance(done.exception, RetryableError)
    assert "NoSuchBucket" in str(done.exception)


@pytest.mark.usefixtures("aws")
def test_a_missing_region_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    forget_clients()
    assert "AWS_DEFAULT_REGION" in refused("site", "list")
