"""Every control of every page changes the address; that address in a fresh browser shows the same figures, texts and choices; and
Back leads to the page before.

Controls are found on the page and not listed here, so that one that is added cannot be forgotten. What is no part of the address is
named with its reason (``APART``). What is said in the console of the pages that are visited, or asked of another origin, fails too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from fnmatch import fnmatch
from typing import Any

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
QUICK = "/languages/sw?model=mini-2"
ELSEWHERE = {
    "/new": "its draft: ``test_draft`` and ``test_new``",
    "/s/a-token": "frozen: ``test_share``",
    "/not-found-404": "has no controls",
}
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
}
#: What is typed into a text field; else ``xn``, or of a number the next one.
TYPED = {"text compare-add": "12"}
#: Of these the last option is chosen: the first is a preset, and may be what is shown.
LAST = ("select runs-columns",)

#: [kind, name] of every control in sight, one of each list of alike ones; each is marked with its name.
FOUND = r"""() => {
  const own = id => /^mantine-|^\{|^$/.test(id) ? '' : id;
  const place = e => { while (e && !own(e.id)) e = e.parentElement; return e ? e.id : 'main'; };
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
    return e.matches('button, [role=button]') && !e.matches(part) ? 'button' : '';
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
  const texts = [], walk = document.createTreeWalker(document.querySelector('#main'), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement, text = walk.currentNode.data.trim();
    if (!text || e.closest('.js-plotly-plot, script, style, time') || !e.checkVisibility({ visibilityProperty: true })) continue;
    texts.push(text.replace(/\d+\s?\S+ ago/g, '… ago'));
  }
  const fields = [...document.querySelectorAll('#main input:not([type=hidden], [type=file]), #main textarea')]
    .filter(e => !e.closest('[role=dialog]') && (e.closest('label, [class*=-root]') || e).checkVisibility({ visibilityProperty: true }))
    .map(e => /radio|checkbox/.test(e.type) ? e.value + (e.checked ? ' on' : ' off') : e.value);
  return [figures, texts.sort(), fields];
}"""


def watched(page: Page) -> set[Any]:
    """What the page has asked and not been answered yet."""
    asked = set[Any]()

    def ask(request: Any) -> None:
        if "/_dash-" in request.url:
            asked.add(request)

    page.on("request", ask)
    page.on("requestfinished", lambda request: asked.discard(request))
    page.on("requestfailed", lambda request: asked.discard(request))
    return asked


def settled(page: Page, asked: set[Any], ready: str = "h1") -> Any:
    """What the page shows once it awaits no answer and nothing of it changes any more."""
    page.locator(f"#main {ready}").first.wait_for()
    before, same = page.evaluate(SHOWS), 0
    for _ in range(100):
        page.wait_for_timeout(150)
        now = page.evaluate(SHOWS)
        same = same + 1 if now == before and not asked else 0
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


def test_no_page_is_left_out(unvisited_by: Callable[..., list[str]]):
    assert unvisited_by([*PAGES, *ELSEWHERE]) == []
    assert unvisited_by(PAGES) != []


@pytest.mark.parametrize("path", [p if p == QUICK else pytest.param(p, marks=pytest.mark.slow) for p in PAGES])
def test_the_address_says_what_is_chosen(path: str, site: Any, visit: Callable[..., Any], browser: Browser):
    ready, faults = PAGES[path], list[Any]()
    before = "/help" if path != "/help" else "/shares"  # the page before
    page = visit(site, before).page
    asked = watched(page)
    settled(page, asked)

    def alone(address: str, shows: Any) -> list[Any]:
        """How that address in a fresh browser differs from what is shown here."""
        context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
        said: list[str] = []
        other = context.new_page()
        other.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
        other.on("pageerror", lambda e: said.append(str(e)))
        other.goto(address)
        now = settled(other, watched(other))
        deadline = time.monotonic() + 10
        while now != shows and time.monotonic() < deadline:
            other.wait_for_timeout(300)
            now = other.evaluate(SHOWS)
        found = [*difference(shows, now), *said, *([] if other.url == address else [other.url])]
        context.close()
        return found

    def enter() -> Any:
        page.evaluate("to => { localStorage.clear(); window.crossliftGo(to); }", path)
        return settled(page, asked, ready)

    def leave(start: str, shown: Any) -> list[Any]:
        """Back, to the page before; or first, where this was a step of its own, to where it was."""
        page.go_back()
        page.wait_for_timeout(100)
        if not page.url.endswith(before):
            differs = difference(shown, settled(page, asked))
            if page.url != start or differs:
                return ["Back", page.url, *differs]
            page.go_back()
        page.wait_for_url(f"**{before}")
        settled(page, asked)
        return []

    shown = enter()
    start = page.url
    assert alone(start, shown) == []  # cold, before anything was chosen
    found = page.evaluate(FOUND)
    for kind, name in found:
        if apart(name) or not change(page, kind, name):
            continue
        try:
            page.wait_for_function("before => location.href !== before", arg=start, timeout=8_000)
        except TimeoutError:
            faults.append((name, "the address stays"))
        else:
            now = settled(page, asked)
            faults += [(name, page.url, d) for d in alone(page.url, now)] + [(name, d) for d in leave(start, shown)]
        if not page.url.endswith(before):
            page.goto(site.url + before)
            settled(page, asked)
        enter()
        page.evaluate(FOUND)
    assert faults == []
