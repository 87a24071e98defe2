"""The words of the page: the same in each language, and none that is missing."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.dashboard.asking import SOURCES, Ask

pytestmark = pytest.mark.browser

TABLES = """
const [{ EN }, { KO }] = await Promise.all([import("/texts/en.js"), import("/texts/ko.js")]);
return { en: EN, ko: KO };
"""
PLURALS = "return new Intl.PluralRules(arguments[0]).resolvedOptions().pluralCategories;"
NAMED = re.compile(r'\bt\("([\w.]+)"|data-t(?:-\w+)?="([\w.]+)"')
BUILT = re.compile(r"\bt\(`([^`]+)`")
HOLES = re.compile(r"\{(\w+)\}")
VALUES = re.compile(r"\$\{[^}]*\}")

Tables = dict[str, dict[str, str | dict[str, str]]]


@pytest.fixture(scope="module")
def tables(ask: Ask) -> Tables:
    found: Tables = ask(TABLES)
    return found


def sources() -> list[str]:
    paths = [*SOURCES.glob("*.js"), SOURCES / "index.html"]
    return [Path(path).read_text() for path in paths]


def forms(entry: str | dict[str, str]) -> list[str]:
    return [entry] if isinstance(entry, str) else list(entry.values())


def test_every_language_has_the_same_texts(tables: Tables) -> None:
    assert tables["en"].keys() == tables["ko"].keys()


def test_a_text_takes_the_same_values_in_every_language(tables: Tables) -> None:
    for key, entry in tables["en"].items():
        wanted = {hole for form in forms(entry) for hole in HOLES.findall(form)}
        for language, table in tables.items():
            for form in forms(table[key]):
                assert set(HOLES.findall(form)) == wanted, (language, key)


def test_a_text_with_a_number_has_every_plural_of_its_language(ask: Ask, tables: Tables) -> None:
    for language, table in tables.items():
        plurals = ask(PLURALS, language)
        for key, entry in table.items():
            if not isinstance(entry, str):
                assert sorted(entry) == sorted(plurals), (language, key)


def test_every_text_that_is_used_is_there(tables: Tables) -> None:
    used = {name for text in sources() for pair in NAMED.findall(text) for name in pair if name}
    assert used <= tables["en"].keys()
    assert len(used) > 100


def test_every_text_that_is_built_is_there(tables: Tables) -> None:
    built = {name for text in sources() for name in BUILT.findall(text)}
    for name in built:
        parts = [re.escape(part) for part in VALUES.split(name)]
        pattern = re.compile(".+".join(parts))
        assert any(pattern.fullmatch(key) for key in tables["en"]), name


def test_a_text_reads_as_its_number_wants(ask: Ask) -> None:
    code = """
    const { t } = await import("/texts.js");
    return arguments[0].map((n) => t("visitors", { n }));
    """
    said: Any = ask(code, [0, 1, 2, 1234])
    assert said == ["0 visitors", "1 visitor", "2 visitors", "1,234 visitors"]
