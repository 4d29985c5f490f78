"""Every control of every page changes the address; that address in a fresh browser shows the same figures, texts and choices; and
Back leads to the page before.

Controls are found on the page and not listed here, so that one that is added cannot be forgotten. What is no part of the address is
named with its reason (``APART``). What is said in the console of the pages that are visited, or asked of another origin, fails too.

The form has some sixty controls, so it is walked in parts. A frozen page is reached by its link, as whoever was sent it does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from fnmatch import fnmatch
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, TimeoutError

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1800)]

#: Where its controls are looked for, and what shows that it is there.
PAGES = {
    "/": ".main-svg",
    "/explore?model=mini-2&target=xnli": "#explore-graph .main-svg",
    "/explore?below=family&model=mini-2&recipe=squad&target=xnli": "#explore-beneath .main-svg",
    "/explore?layout=model-language&recipe=squad&target=xnli": "#explore-graph .main-svg",
    "/tradeoff?target=xnli": "#tradeoff-graph .main-svg",
    "/tradeoff?target=xnli&x=hours": "#tradeoff-graph .main-svg",
    "/answer": "#answer-forest-graph .main-svg",
    "/compare?a=mini-2/none/xnli&b=mini-2/mnli/xnli": "#compare-graph .main-svg",
    "/languages?model=mini-2": "#languages-list tbody tr",
    "/languages/sw?model=mini-2": "#language-graph .main-svg",
    "/published?model=xlmr-large&task=xnli": "#published-grid .ag-cell",
    "/published?view=explore&set=xlmv-xquad-test": ".main-svg",
    "/published?view=compare": "#published-view",
    "/experiments": "#experiments-list a",
    "/experiments/1": "#exp-state",
    "/runs?kind=evaluate": ".run-table tbody tr",
    "/runs/4": "#run-state",
    "/runs/4?tab=log": "#run-level",
    "/queue": "#queue-show",
    "/checklist": "#checklist-source",
    "/submit-check?experiment=3": "#submit-benchmark",
    "/explore/examples?language=ar&model=mini-2&recipe=squad&target=xnli": "#flips-language",
    "/shares": "h1",
    "/imports": "#imports-format",
    "/help": "#gain",
    "/account": "h1",
}
FORM = "/new?models=mini-2&recipes=squad,hellaswag&seeds=0,7&targets=xnli"
FORMS = {FORM: 3, "/new?from=1": 3}  # in how many parts they are walked
READY = "#new-next .offers"  # what the form shows last
NARROW = 390  # where its steps are turned like pages
#: Live views, which are frozen to be walked, and what shows that they are there.
FROZEN = {
    "/explore?model=mini-2&target=xnli": "#frozen-graph .main-svg",
    "/explore?model=mini-2&target=xnli&view=table": "#frozen-table tbody tr",
    "/explore?layout=recipe-target&model=mini-2": "#frozen-graph .main-svg",
    "/explore?layout=target-language&model=mini-2&recipe=squad": "#frozen-graph .main-svg",
    "/explore?layout=model-language&recipe=squad&target=xnli&value=score": "#frozen-graph .main-svg",
    "/tradeoff?target=xnli": "#frozen-graph .main-svg",
    "/tradeoff?target=xnli&x=hours": "#frozen-graph .main-svg",
}
QUICK = "/languages/sw?model=mini-2"
ELSEWHERE = {"/new": "", "/s/a-token": "", "/not-found-404": "has no controls"}
#: What is no part of the address, by the name that ``FOUND`` gives it, and why.
APART: dict[str, str] = {
    "button *-copy": "puts the address itself on the clipboard",
    "button * Copy": "puts a text on the clipboard",
    "button share-open": "opens a dialog",
    "button export-open": "opens a dialog",
    "button views-open": "opens a dialog",
    "button *-retry": "acts on runs",
    "button *-cancel": "acts on runs",
    "check runs-pick": "rows that the next action is about",
    "check queue-pick*": "rows that the next action is about",
    "button queue-drain*": "acts on a worker",
    "* bring-*": "goes with a file that is brought in",
    "file *": "a file of the reader's own",
    "button submit-folder": "a folder of the reader's own",
    "button submit-file": "a file of the reader's own",
    "* imports-*": "goes with files that are brought in",
    "button compare-put": "does what Enter does in the field before it",
    "button new-submit": "submits the draft",
    "select new-kind": "of a recipe that is in no draft before it is added",
    "select new-mix": "of a recipe that is in no draft before it is added",
    "* new-build-*": "of a recipe that is in no draft before it is added",
    "text new-stage-*": "is in no draft before it is written into the recipes",
    "text new-paste": "is no draft before the form is filled from it",
    "tab * YAML": "one request in three spellings",
    "tab * curl": "one request in three spellings",
    "tab * Command line": "one request in three spellings",
}
#: What has to be said before a button does anything.
BEFORE = {
    "button new-add": "select new-mix",
    "button new-stage-write": "text new-stage-frozen",
    "button new-read": "text new-paste",
}
#: What is typed into a text field; else ``xn``, or of a number the next one.
TYPED = {
    "text compare-add": "12",
    "text new-paste": "{name: Pasted, models: [mini-1], recipes: [mnli], targets: [tatoeba], seeds: [4]}",
}
#: Of these the last option is chosen: the first is a preset, and may be what is shown.
LAST = ("select runs-columns",)

#: [kind, name] of every control in sight, one of each list of alike ones; each is marked with its name.
FOUND = r"""() => {
  const own = id => /^mantine-|^\{|^$/.test(id) ? '' : id;
  const named = e => own(e.id) || own(e.getAttribute('aria-labelledby') || '');
  const place = e => { while (e && !named(e)) e = e.parentElement; return e ? named(e) : 'main'; };
  const part = '[class*=Pill-remove], [class*=InputWrapper] button, .modebar-btn, [class*=NumberInput-control]';
  const kind = e => {
    if (e.matches('input[aria-haspopup=listbox]')) return 'select';
    if (e.matches('[role=radiogroup]')) return 'choice';
    if (e.matches('input[type=checkbox]')) return 'check';
    if (e.matches('[role=slider]')) return 'slider';
    if (e.matches('[role=tab]')) return e.ariaSelected === 'true' ? '' : 'tab';
    if (e.matches('input[type=file]')) return 'file';
    if (e.matches('input:not([type=radio], [type=hidden]), textarea')) return 'text';
    if (e.matches('select')) return 'select-one';
    return e.matches('button, [role=button]') && !e.matches(part) && e.ariaCurrent !== 'step' ? 'button' : '';
  };
  const shown = e => e.closest('label, [class*=Input-wrapper], [class*=-root]') || e;
  const found = new Map();
  document.querySelectorAll('#main details').forEach(e => { e.open = true; });
  document.querySelectorAll('#main *').forEach(e => {
    const is = kind(e);
    if (!is || e.disabled || e.closest('[role=dialog], [hidden], .ag-root')) return;
    if (!(is === 'check' ? shown(e) : e).checkVisibility({ visibilityProperty: true })) return;
    let name = own(e.id);
    if (!name && e.id[0] === '{') name = Object.keys(JSON.parse(e.id)).filter(k => k.includes('-')).join(' ');
    if (!name) name = place(e) + ' ' + (is === 'button' || is === 'tab' ? (e.ariaLabel || e.textContent).trim() : is);
    name = is + ' ' + name;
    if (is === 'check' && found.has(name) && found.get(name).checked && !e.checked) found.delete(name);
    if (!found.has(name)) found.set(name, e);
  });
  document.querySelectorAll('[data-walk]').forEach(e => e.removeAttribute('data-walk'));
  found.forEach((e, name) => e.setAttribute('data-walk', name));
  return [...found].map(([name, e]) => [kind(e), name]);
}"""

#: What the page shows: figures, every text in sight, and what every field holds.
SHOWS = r"""() => {
  document.querySelectorAll('#main details').forEach(e => { e.open = true; });
  const figures = [...document.querySelectorAll('#main .js-plotly-plot')].filter(p => p.checkVisibility() && p.data).map(p =>
    JSON.stringify([p.data, p.layout.xaxis?.ticktext, p.layout.yaxis?.ticktext, p.layout.shapes],
      (key, value) => key === 'uid' ? undefined : value));
  const texts = [];
  document.querySelectorAll('#main, [role=dialog]').forEach(part => {
    const walk = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const e = walk.currentNode.parentElement, text = walk.currentNode.data.trim();
      if (!text || e.closest('.js-plotly-plot, script, style, time') || !e.checkVisibility({ visibilityProperty: true })) continue;
      texts.push(text.replace(/\d+\s?\S+ ago/g, '… ago'));
    }
  });
  const fields = [...document.querySelectorAll('#main input:not([type=hidden], [type=file], [id^=new-stage-]), #main textarea')]
    .filter(e => !e.closest('[role=dialog]') && (e.closest('label, [class*=-root]') || e).checkVisibility({ visibilityProperty: true }))
    .map(e => /radio|checkbox/.test(e.type) ? e.value + (e.checked ? ' on' : ' off') : e.value);
  return [figures, texts.sort(), fields];
}"""


class Asked:
    """What a page has asked and not been answered yet; and of the form the draft that was last asked about, as its address."""

    def __init__(self, page: Page) -> None:
        self.open, self.draft = set[Any](), ""
        page.on("request", self._ask)
        page.on("requestfinished", lambda request: self.open.discard(request))
        page.on("requestfailed", lambda request: self.open.discard(request))

    def _ask(self, request: Any) -> None:
        if "/_dash-" not in request.url:
            return
        self.open.add(request)
        if '"new-asked.data"' in (request.post_data or ""):
            given = {each["id"]: each.get("value") for each in request.post_data_json["inputs"]}
            self.draft = given["new-asked"]["address"]

    def all_answered(self, page: Page) -> bool:
        """The form asks when its address has not changed for a moment; until then it awaits no answer, and what it shows is of before."""
        here = page.url.removeprefix("http://").partition("/")[2]
        return not self.open and (not here.startswith("new") or self.draft == f"/{here}")


def settled(page: Page, asked: Asked, ready: str = "h1") -> Any:
    """What the page shows once it awaits no answer and nothing of it changes any more."""
    page.locator(f"#main {ready}").first.wait_for()
    before, same = page.evaluate(SHOWS), 0
    for _ in range(100):
        page.wait_for_timeout(150)
        now = page.evaluate(SHOWS)
        same = same + 1 if now == before and asked.all_answered(page) else 0
        if same == 2:
            break
        before = now
    return before


def change(page: Page, kind: str, name: str) -> bool:
    """Give a control another value by hand; False where it has only one."""
    control = page.locator(f'[data-walk="{name}"]')
    if kind == "text":
        held = control.input_value()
        number = (
            control.get_attribute("inputmode") in ("numeric", "decimal") or control.get_attribute("type") == "number"
        )
        control.fill(TYPED.get(name, str(int(float(held or 0)) + 1) if number else "xn"))
        control.press("Enter")
    elif kind == "check":
        control.press("Space")
    elif kind == "slider":
        control.press("ArrowRight")
    elif kind == "choice":
        others = control.locator("label:not([data-active]):not([data-disabled])")
        if not others.count():
            return False
        others.first.click()
    elif kind == "select":
        control.click()
        page.wait_for_timeout(300)
        box = page.locator(f"[id='{control.get_attribute('aria-controls')}']")
        others = box.locator("[role=option]:not([aria-selected=true]):not([data-combobox-disabled])")
        if not others.count():
            page.keyboard.press("Escape")
            return False
        (others.last if name in LAST else others.first).click()
        page.keyboard.press("Escape")
    else:
        control.click()
    return True


def apart(name: str) -> str | None:
    return next((why for pattern, why in APART.items() if fnmatch(name, pattern)), None)


def difference(here: Any, there: Any) -> list[Any]:
    """What one shows and the other does not."""
    figures = [] if here[0] == there[0] else [(len(here[0]), len(there[0])), [a[:200] for a in (*here[0], *there[0])]]
    texts = [x for x in here[1] if x not in there[1]], [x for x in there[1] if x not in here[1]]
    fields = [] if here[2] == there[2] else [(a, b) for a, b in zip(here[2], there[2], strict=False) if a != b]
    return [figures, texts, fields] if here != there else []


class Walk:
    """From a page to another, whose controls are changed one after the other, and back."""

    def __init__(
        self, visit: Callable[..., Any], browser: Browser, site: Any, path: str, ready: str, width: int
    ) -> None:
        self.browser, self.site, self.path, self.ready, self.width = browser, site, path, ready, width
        self.before = "/help" if path != "/help" else "/shares"
        self.page: Page = visit(site, self.before, width=width).page
        self.asked = Asked(self.page)
        settled(self.page, self.asked)

    def enter(self) -> Any:
        self.asked.draft = ""
        if self.path.startswith("/s/"):  # a link from elsewhere
            self.page.goto(self.site.url + self.path)
        else:
            self.page.evaluate("to => { localStorage.clear(); window.crossliftGo(to); }", self.path)
        return settled(self.page, self.asked, self.ready)

    def alone(self, address: str, shows: Any) -> list[Any]:
        """How that address in a fresh browser differs from what is shown here."""
        context = self.browser.new_context(viewport={"width": self.width, "height": 900}, color_scheme="light")
        said: list[str] = []
        other = context.new_page()
        other.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
        other.on("pageerror", lambda e: said.append(str(e)))
        asked = Asked(other)
        other.goto(address)
        now = settled(other, asked)
        deadline = time.monotonic() + 10
        while now != shows and time.monotonic() < deadline:
            other.wait_for_timeout(300)
            now = other.evaluate(SHOWS)
        found = [*difference(shows, now), *said, *([] if other.url == address else [other.url])]
        context.close()
        return found

    def leave(self, start: str, shown: Any) -> list[Any]:
        """Back, to the page before; or first, where this was a step of its own, to where it was."""
        self.page.go_back()
        self.page.wait_for_timeout(100)
        if not self.page.url.endswith(self.before):
            differs = difference(shown, settled(self.page, self.asked))
            if self.page.url != start or differs:
                return ["Back", self.page.url, *differs]
            self.page.go_back()
        self.page.wait_for_url(f"**{self.before}")
        settled(self.page, self.asked)
        return []

    def all(self, part: slice, only: str, cold: bool) -> tuple[list[str], list[Any]]:
        """The names of the controls that were changed, and what was wrong. ``cold``: a look in a fresh browser before any is."""
        faults, walked = list[Any](), list[str]()
        shown = self.enter()
        start = self.page.url
        assert not cold or self.alone(start, shown) == []
        found = [(k, n) for k, n in self.page.evaluate(FOUND) if not apart(n) and fnmatch(n, only)]
        for kind, name in found[part]:
            if self.page.url.endswith(self.before):
                self.enter()
                self.page.evaluate(FOUND)
            if name in BEFORE:
                change(self.page, BEFORE[name].partition(" ")[0], BEFORE[name])
            if not change(self.page, kind, name):
                continue
            walked.append(name)
            try:
                self.page.wait_for_function("before => location.href !== before", arg=start, timeout=8_000)
            except TimeoutError:
                faults.append((name, "the address stays"))
            else:
                now = settled(self.page, self.asked)
                faults += [(name, self.page.url, d) for d in self.alone(self.page.url, now)]
                faults += [(name, d) for d in self.leave(start, shown)]
            if not self.page.url.endswith(self.before):
                self.page.goto(self.site.url + self.before)
                settled(self.page, self.asked)
        return walked, faults


@pytest.fixture
def walk(site: Any, visit: Callable[..., Any], browser: Browser) -> Callable[..., Any]:
    """``walk(path, ready)``: the names of the controls that were changed, and what was wrong."""

    def go(
        path: str, ready: str, *, part: slice = slice(None), only: str = "*", cold: bool = True, width: int = 1440
    ) -> Any:
        return Walk(visit, browser, site, path, ready, width).all(part, only, cold)

    return go


@pytest.fixture
def frozen_link(site: Any) -> Callable[[str], str]:
    """The path of a share link to what this view shows."""

    def make(view: str) -> str:
        made = httpx.post(f"{site.url}/api/v1/snapshots", json={"view": view, "title": "Frozen"}, timeout=60)
        return f"/s/{made.raise_for_status().json()['token']}"

    return make


def test_no_page_is_left_out(unvisited_by: Callable[..., list[str]]):
    assert unvisited_by([*PAGES, *ELSEWHERE]) == []
    assert unvisited_by(PAGES) != []


@pytest.mark.parametrize("path", [p if p == QUICK else pytest.param(p, marks=pytest.mark.slow) for p in PAGES])
def test_the_address_says_what_is_chosen(path: str, walk: Callable[..., Any]):
    assert walk(path, PAGES[path])[1] == []


def test_the_address_is_the_draft(walk: Callable[..., Any]):
    assert walk(FORM, READY, only="text new-seeds", cold=False) == (["text new-seeds"], [])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "part"),
    [pytest.param(path, slice(i, None, n), id=f"{path} {i + 1} of {n}") for path, n in FORMS.items() for i in range(n)],
)
def test_the_address_is_the_draft_whatever_is_changed(path: str, part: slice, walk: Callable[..., Any]):
    walked, faults = walk(path, READY, part=part)
    assert faults == [] and len(walked) > 14


@pytest.mark.slow
def test_the_address_says_which_step_a_narrow_screen_shows(walk: Callable[..., Any]):
    walked, faults = walk(FORM.replace("&seeds", "&step=2&seeds"), "#new-form", only="button new-step-*", width=NARROW)
    assert faults == [] and len(walked) == 5  # three others, back and next


@pytest.mark.slow
@pytest.mark.parametrize("view", FROZEN)
def test_every_way_to_look_at_what_is_frozen(view: str, walk: Callable[..., Any], frozen_link: Callable[[str], str]):
    walked, faults = walk(frozen_link(view), FROZEN[view])
    assert faults == [] and len(walked) > 1
