"""The form of a new experiment in a real browser: what is asked, refused, copied and submitted."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import yaml
from playwright.sync_api import Page, expect

from backend.domain.experiment import ExperimentRequest

pytestmark = [pytest.mark.browser]


@pytest.fixture(scope="module")
def lab_site(serve: Callable[..., Any]) -> Any:
    def fill(lab: Any) -> None:
        lab.appears()
        lab.submit(name="The first one", recipes=["squad"], targets=["xnli"], seeds=[0, 1, 2])
        lab.work()

    return serve(fill)


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def until(page: Page, name: str, value: str | None) -> None:
    page.wait_for_function("([n, v]) => new URLSearchParams(location.search).get(n) === v", arg=[name, value])


def press(page: Page, field: str, label: str) -> None:
    page.get_by_role("group", name=re.compile(f"^{field}")).locator("label", has_text=re.compile(f"^{label}$")).click()


def total(site: Any) -> int:
    return int(httpx.get(f"{site.url}/api/v1/experiments").json()["total"])


def ready(page: Page) -> Page:
    """Wait for the form to have told its address once."""
    page.wait_for_selector("#new-form")
    expect(page.locator("#new-curl")).to_contain_text(f"{urlsplit(page.url).netloc}/api/v1/experiments")
    return page


def test_from_a_blank_form_to_an_experiment(lab_site: Any, visit: Callable[..., Any]):
    """Choose, be told what it takes, reload, open the address elsewhere, click twice: one experiment."""
    page = ready(visit(lab_site, "/new").page)
    expect(page).to_have_title("New experiment · Crosslift")
    expect(page.locator("#new-preview")).to_contain_text("Choose a model, a recipe and a target")
    assert query(page) == {}
    press(page, "Models", "Mini XLM-R, 2 layers · 794 k")
    until(page, "models", "mini-2")
    press(page, "Targets", "XNLI")
    press(page, "Targets", "Tatoeba")
    press(page, "Recipes", "mnli")
    page.get_by_text("Controls: is it the task").click()
    press(page, "Recipes", "control:squad")
    page.get_by_label("Name").fill('It\'s a "test"')
    page.get_by_label("Choose 5 seeds").click()
    until(page, "seeds", "0,1,2,3,4")
    until(page, "recipes", "mnli,control:squad")
    panel = page.locator("#new-preview")
    expect(panel).to_contain_text("30 cells")  # the baseline is added
    expect(panel).to_contain_text("exist already")  # runs of the first one
    expect(panel).to_contain_text("mnli → xnli")
    expect(panel).to_contain_text("tatoeba has no training that could be prolonged")
    expect(panel).to_contain_text("5 seeds: paired t can reach")
    expect(panel).to_contain_text("every pair trained by itself would be 1.1 times as much")
    expect(panel.locator(".grid-preview td.na")).to_have_count(1)
    said = query(page)
    assert said["name"] == 'It\'s a "test"' and set(said["targets"].split(",")) == {"xnli", "tatoeba"}
    # built from two tasks
    page.locator("#new-mix").click()
    page.get_by_role("option", name="SQuAD v1.1").click()
    page.get_by_role("option", name="HellaSwag").click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Add recipe").click()
    until(page, "recipes", "mnli,control:squad,squad+hellaswag")
    expect(panel).to_contain_text("40 cells")
    asked = ExperimentRequest.model_validate(yaml.safe_load(page.locator("#new-yaml").inner_text()))
    assert [r.name for r in asked.recipes] == ["mnli", "control:squad", "squad+hellaswag"]
    # a reload and a fresh browser give the same form
    url, words, code = page.url, panel.locator(".check-headline").inner_text(), page.locator("#new-yaml").inner_text()
    page.reload()
    other = visit(lab_site, urlsplit(url)._replace(scheme="", netloc="").geturl(), locale="de-DE").page
    for each in (page, other):
        ready(each)
        expect(each.locator("#new-preview .check-headline")).to_have_text(words)
        assert each.locator("#new-yaml").inner_text() == code
        assert each.url == url
    before = total(lab_site)
    page.get_by_role("button", name=re.compile("^Submit")).dblclick()
    page.wait_for_url(re.compile(r"/experiments/\d+$"))
    expect(page.get_by_role("heading", level=1)).to_have_text('It\'s a "test"')
    assert total(lab_site) == before + 1
    page.go_back()
    ready(page)
    expect(page.get_by_label("Name")).to_have_value('It\'s a "test"')


def test_the_builder_makes_a_chain_of_mixes_with_translations_and_mlm(lab_site: Any, visit: Callable[..., Any]):
    page = ready(visit(lab_site, "/new?models=mini-2&targets=xnli&seeds=0").page)

    def choose(control: str, *names: str) -> None:
        page.locator(f"#new-{control}").click()
        for name in names:
            page.get_by_role("option", name=name, exact=True).click()
        page.keyboard.press("Escape")

    choose("mix", "SQuAD v1.1", "SNLI")
    expect(page.locator("#new-build-mlm")).not_to_be_visible()  # set aside until it is wanted
    page.get_by_text("Sampling, stages, translations, MLM").click()
    page.get_by_role("button", name="Put the tasks before").click()
    expect(page.locator("#new-build-before")).to_have_value("squad+snli")
    choose("mix", "COPA")
    choose("build-sampling", "by size, up to a cap")
    page.get_by_role("button", name="Add recipe").click()
    expect(page.get_by_text("Needs a number.")).to_be_visible()
    page.locator("#new-build-amount").fill("2000")
    choose("build-languages", "English (en)", "Swahili (sw)")
    page.locator("#new-build-mlm").fill("0.25")
    choose("build-mlm_languages", "German (de)")
    expect(page.locator("#new-build-said")).to_have_text(
        "after squad+snli · drawn by size, at most 2000 · in English, Swahili · MLM 0.25 of the steps on German"
    )
    page.get_by_role("button", name="Add recipe").click()
    written = "squad+snli>copa@cap=2000;languages=en+sw;mlm=0.25;mlm_languages=de"
    until(page, "recipes", written)
    expect(page.locator("#new-preview")).to_contain_text("2 cells")
    asked = ExperimentRequest.model_validate(yaml.safe_load(page.locator("#new-yaml").inner_text()))
    assert [r.name for r in asked.recipes] == [written.replace(";", ",")]
    page.locator("details:has(#new-translate_train) > summary").click()
    choose("translate_train", "English (en)", "German (de)")
    until(page, "translate_train", "en,de")
    expect(page.locator("#new-preview")).to_contain_text("2 cells")
    page.locator("#new-text").fill("../secrets")
    expect(page.locator("#new-preview")).to_contain_text("no folder below the data root")


def test_what_the_api_refuses_is_said_at_the_field(lab_site: Any, visit: Callable[..., Any]):
    page = ready(visit(lab_site, "/new?models=mini-2,nobody&recipes=mnli&targets=xnli&seeds=0").page)
    expect(page.locator("#new-error-models")).to_contain_text("unknown model 'nobody'")
    press(page, "Models", "nobody")  # what cannot be chosen can be taken back
    expect(page.locator("#new-error-models")).to_be_empty()
    seeds = page.get_by_label("Seeds", exact=False).first
    seeds.fill("0, 1, minus one")
    expect(page.locator(".mantine-InputWrapper-error", has_text="minus")).to_be_visible()
    expect(seeds).to_have_attribute("aria-invalid", "true")
    expect(seeds).to_have_value("0, 1, minus one")  # what is typed is left alone
    before = total(lab_site)
    page.get_by_role("button", name=re.compile("^Submit")).click()
    expect(page.locator("#new-said")).to_contain_text("Not submitted. Look at: Seeds.")
    assert total(lab_site) == before
    seeds.fill("0")
    expect(page.locator("#new-preview")).to_contain_text("2 cells")
    expect(seeds).not_to_have_attribute("aria-invalid", "true")


def test_a_copy_says_what_differs_and_what_exists(lab_site: Any, visit: Callable[..., Any]):
    page = ready(visit(lab_site, "/new?from=1").page)
    expect(page.locator("#new-diff")).to_contain_text("A copy of experiment 1, with no change yet")
    expect(page.locator("#new-preview")).to_contain_text("All runs exist already")
    expect(page.get_by_role("button", name="Submit, nothing to compute")).to_be_visible()
    press(page, "Recipes", "mnli")
    page.get_by_label("Choose 6 seeds").click()
    until(page, "seeds", "0,1,2,3,4,5")
    assert query(page) == {"from": "1", "recipes": "squad,mnli", "seeds": "0,1,2,3,4,5"}
    note = page.locator("#new-diff .changes")
    expect(note.locator("tr", has_text="Recipes").locator("td")).to_have_text(["squad", "squad, mnli"])  # was, is
    expect(note.locator("tr", has_text="Seeds").locator("td")).to_have_text(["0, 1, 2", "0, 1, 2, 3, 4, 5"])
    expect(note.locator("ins")).to_have_text(["mnli", "3", "4", "5"])
    expect(note.locator("del")).to_have_count(0)
    expect(page.locator("#new-mark-recipes")).to_have_text("changed")
    expect(page.locator("#new-mark-models")).to_be_empty()
    page.reload()
    expect(page.locator("#new-diff .changes ins")).to_have_count(4)
    # the form of another: the link in the header begins a blank one
    page.get_by_role("link", name="New experiment").click()
    expect(page.locator("#new-preview")).to_contain_text("Choose a model")
    # and YAML fills it
    page.get_by_text("Fill the form from YAML").click()
    page.get_by_label("or paste it").fill("name: x\nmodels: [mini-1\n")
    page.get_by_role("button", name="Fill the form").click()
    expect(page.locator("#new-read-said")).to_contain_text("This is not YAML")
    page.get_by_label("or paste it").fill(
        "name: Pasted\nmodels: [mini-1]\nrecipes: [mnli]\ntargets: [tatoeba]\nseeds: [4]"
    )
    page.get_by_role("button", name="Fill the form").click()
    until(page, "name", "Pasted")
    expect(page.get_by_label("Name")).to_have_value("Pasted")
    expect(page.locator("#new-preview")).to_contain_text("2 cells")
    assert query(page) == {"name": "Pasted", "models": "mini-1", "recipes": "mnli", "targets": "tatoeba", "seeds": "4"}


def test_with_keys_alone_and_on_a_phone(lab_site: Any, visit: Callable[..., Any]):
    page = ready(visit(lab_site, "/new?recipes=squad&targets=xnli&seeds=0", width=390, height=844).page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    models = page.get_by_role("group", name=re.compile("^Models"))
    expect(models).not_to_be_visible()  # one step at a time
    page.get_by_role("button", name="Next step").focus()
    page.keyboard.press("Enter")
    until(page, "step", "2")
    expect(page.get_by_role("button", name="Choices")).to_be_focused()
    expect(page.get_by_role("button", name="Choices")).to_have_attribute("aria-current", "step")
    models.get_by_role("checkbox").first.focus()
    page.keyboard.press("Space")
    until(page, "models", "mini-1")
    page.get_by_role("button", name="Recipe", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("group", name=re.compile("^Recipes"))).to_be_visible()
    until(page, "step", "3")
    page.reload()  # the step is in the address
    ready(page)
    expect(page.get_by_role("group", name=re.compile("^Recipes"))).to_be_visible()
    page.get_by_role("button", name="Check", exact=True).focus()
    page.keyboard.press("Enter")
    button = page.get_by_role("button", name=re.compile(r"^Submit \d+ runs"))
    expect(button).to_be_enabled()
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/experiments/\d+$"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_weights_and_oracle_are_set_in_a_section_of_their_own(lab_site: Any, visit: Callable[..., Any]):
    """LoRA on the target by its fields, in intermediate stages by writing it into the recipes; the table says what comes of it."""
    page = ready(visit(lab_site, "/new?models=mini-2&recipes=mnli,control:mnli&targets=xcopa&seeds=0").page)
    table = page.locator("#new-used")
    expect(table).to_contain_text("Settings that will be used")
    expect(table).to_contain_text("set for the mini world's small encoders")
    expect(table.locator(".set-here")).to_have_count(0)
    line = page.locator("#new-weights-said")
    expect(line).to_have_text("as the tasks say; oracle selection off")
    page.get_by_text("Trained weights and oracle").click()
    page.locator("#new-lora_rank").fill("8")
    until(page, "lora_rank", "8")
    expect(line).to_have_text("target: LoRA of rank 8; oracle selection off")
    expect(table.locator("tr", has_text="XCOPA")).to_contain_text("LoRA of rank 8, alpha 16")
    expect(table.locator(".set-here")).to_have_count(1)
    # alone, the scale is refused, at once and in words
    page.get_by_label("LoRA alpha of intermediate stages").fill("4")
    page.get_by_role("button", name="Write into the chosen recipes").click()
    expect(page.locator("#new-stage-said")).to_have_text("LoRA needs a rank.")
    page.get_by_label("LoRA rank of intermediate stages").fill("2")
    page.get_by_role("button", name="Write into the chosen recipes").click()
    until(page, "recipes", "mnli@lora_rank=2;lora_alpha=4.0,control:mnli")
    expect(page.locator("#new-stage-said")).to_be_empty()
    expect(table).to_contain_text("LoRA of rank 2, alpha 4")
    page.locator("#new-oracle").click()
    page.get_by_role("option", name=re.compile("^Yes")).click()
    until(page, "oracle", "yes")
    expect(page.locator("#new-preview")).to_contain_text(
        "Oracle selection on xcopa: 3 fine-tune runs evaluate up to 48,000 examples"
    )
    asked = ExperimentRequest.model_validate(yaml.safe_load(page.locator("#new-yaml").inner_text()))
    assert asked.oracle and asked.finetuning.lora_rank == 8 and asked.recipes[0].training.lora_alpha == 4
    page.reload()
    ready(page)
    expect(page.locator("#new-weights-said")).to_have_text(
        "target: LoRA of rank 8; set in 1 recipe; oracle selection on"
    )
    expect(page.locator("#new-lora_rank")).to_be_visible()  # what is set is not hidden
