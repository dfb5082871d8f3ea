"""The HTML report in headless Chromium: what a person can do with it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright
from tests.unit.report.made import most_hostile
from tests.unit.report.samples import SAMPLES

from amigate.report.html import page as report_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from amigate.result import Report

    Open = Callable[..., Page]

SIZES = {"wide": (1280, 900), "phone": (390, 844), "least": (320, 568)}


def chromium() -> str:
    """Return where Chromium is; skips where there is none, or only a snap, which sees no files of ours."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("Chromium is not installed: Debian's package chromium")
    if "snap" in Path(found).resolve().parts:
        pytest.skip("Chromium is a snap, which does not see files in temporary folders")
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium())
        yield running
        running.close()


@pytest.fixture
def said() -> list[str]:
    """Return what the browser complained of, and what it asked the network for."""
    return []


@pytest.fixture
def opened(browser: Browser, tmp_path: Path, said: list[str]) -> Iterator[Open]:
    """Return what opens a report in a browser; nothing may be complained of, and nothing asked of a network."""
    contexts = []

    def run(report: Report, fragment: str = "", **settings: Any) -> Page:
        path = tmp_path / "report.html"
        path.write_text(report_page.render(report), encoding="utf-8")
        width, height = SIZES["wide"]
        context = browser.new_context(**{"viewport": {"width": width, "height": height}} | settings)
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("dialog", lambda dialog: said.append(dialog.message))
        tab.on("request", lambda request: said.extend([request.url] * (not request.url.startswith("file:"))))
        tab.goto(f"{path.as_uri()}{fragment}")
        return tab

    yield run
    for context in contexts:
        context.close()
    assert said == []


def shown(tab: Page) -> list[str]:
    return [str(rule.get_attribute("id")) for rule in tab.locator("details.rule:visible").all()]


@pytest.mark.parametrize(
    "name,scheme,size",
    [
        ("failing", "light", "wide"),
        ("undecided", "dark", "phone"),
        pytest.param("passing", "light", "phone", marks=pytest.mark.slow),
        pytest.param("undecided", "dark", "wide", marks=pytest.mark.slow),
        pytest.param("failing", "dark", "phone", marks=pytest.mark.slow),
        pytest.param("passing", "dark", "wide", marks=pytest.mark.slow),
        pytest.param("undecided", "light", "phone", marks=pytest.mark.slow),
        pytest.param("crowded", "light", "wide", marks=pytest.mark.slow),
        pytest.param("crowded", "dark", "phone", marks=pytest.mark.slow),
    ],
)
def test_axe_finds_nothing(opened: Open, name: str, scheme: str, size: str) -> None:
    width, height = SIZES[size]
    tab = opened(
        SAMPLES[name](),
        color_scheme=scheme,
        viewport={"width": width, "height": height},
        bypass_csp=True,  # for axe, which is put into the page
    )
    violations = Axe().run(tab).response["violations"]
    assert [(each["id"], each["impact"], each["nodes"][0]["html"]) for each in violations] == []


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_wider_than_the_window(opened: Open, size: str) -> None:
    width, height = SIZES[size]
    tab = opened(SAMPLES["failing"](), viewport={"width": width, "height": height})
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.locator("svg.picture:visible").count() == 1


def test_filters_show_what_they_say(opened: Open) -> None:
    tab = opened(SAMPLES["failing"]())
    whole = len(shown(tab))
    assert tab.inner_text("#shown") == f"{whole} of {whole} rules shown"
    tab.get_by_role("button", name="violated 8").click()
    assert len(shown(tab)) == 8
    tab.get_by_role("button", name="waived 1").click()
    assert len(shown(tab)) == 9
    tab.select_option("#severity", "low")
    assert shown(tab) == ["rule-ssh-no-dns-checks"]
    tab.select_option("#witness", "twin")
    assert shown(tab) == []
    assert tab.locator("#none").is_visible()
    assert tab.locator(".group:visible").count() == 0
    tab.get_by_role("button", name="Clear").click()
    tab.wait_for_function(f"document.getElementById('shown').textContent.startsWith('{whole} of')")
    assert len(shown(tab)) == whole


def test_search_finds_one_finding_of_five_hundred(opened: Open) -> None:
    tab = opened(SAMPLES["crowded"]())
    tab.fill("#search", "USER257 id_ed25519")
    assert shown(tab) == ["rule-key-no-user-private-keys"]
    assert tab.locator(".finding:visible").count() == 1
    assert "/home/user257/" in tab.locator(".finding:visible").inner_text()
    tab.fill("#search", "nothing like it")
    assert tab.inner_text("#shown") == "0 of 27 rules shown"
    tab.fill("#search", "")
    assert tab.locator("#rule-key-no-user-private-keys .finding:visible").count() == 20


def test_rules_open_by_keyboard_and_by_link(opened: Open) -> None:
    tab = opened(SAMPLES["passing"](), fragment="#rule-boot-fresh-key-logs-in")
    rule = tab.locator("#rule-boot-fresh-key-logs-in")
    assert rule.get_attribute("open") is not None
    tab.keyboard.press("Enter")
    assert rule.get_attribute("open") is None
    tab.goto(tab.url.partition("#")[0])
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "To the results"
    tab.keyboard.press("Enter")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.id") == "search"
    tab.get_by_role("button", name="Open all").click()
    assert tab.locator("details.rule:not([open])").count() == 0
    tab.get_by_role("button", name="Close all").click()
    assert tab.locator("details.rule[open]").count() == 0


def test_without_scripts_all_is_there_and_no_filter(opened: Open) -> None:
    tab = opened(SAMPLES["failing"](), java_script_enabled=False)
    assert len(shown(tab)) == 27
    assert not tab.locator("form.filters").is_visible()
    assert tab.locator("button:visible").count() == 0


def test_print_shows_what_is_folded_away(opened: Open, tmp_path: Path) -> None:
    tab = opened(SAMPLES["crowded"](), color_scheme="dark")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.locator("details.tone-fail:not([open])").count() == 0
    assert tab.locator("#rule-key-no-user-private-keys .finding:visible").count() == 500
    tab.emulate_media(media="print", color_scheme="dark")
    assert not tab.locator("form.filters").is_visible()
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.locator("#rule-key-no-user-private-keys .finding:visible").count() == 20


def test_commands_are_copied_as_they_are(opened: Open) -> None:
    tab = opened(SAMPLES["failing"](), permissions=["clipboard-read", "clipboard-write"])
    tab.locator("#rule-ssh-no-root-password-login .copy").click()
    assert tab.evaluate("navigator.clipboard.readText()") == "amigate harden ssh://USER@HOST --only sshd"


def test_nothing_that_an_image_says_is_markup_or_runs(opened: Open) -> None:
    tab = opened(most_hostile())
    assert tab.locator("#planted, img, iframe, object").count() == 0
    assert tab.locator("script").count() == 1
    assert tab.evaluate("document.documentElement.scrollWidth") <= SIZES["wide"][0]
