"""The demo study: its request, and its progress in a terminal.

Three encoders that differ in depth, pretrained here, four recipes beside the baseline, five targets of five formats, in
the mini world. Retrieval comes first, since it needs no fine-tuning: the first gain is there soonest. Submitting it again
finds every run by its fingerprint; what is not done yet goes on.
"""

from __future__ import annotations

import os
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from backend.domain.experiment import ExperimentRequest
from backend.domain.gains import Missing
from backend.domain.language import ENGLISH
from backend.domain.model import MODELS as CATALOGUE
from backend.domain.recipe import Recipe
from backend.domain.run import RunKind, RunState
from backend.domain.schemas import Band, ExperimentView, GainMatrix, Page, Preview, RunView
from backend.domain.task import Source
from backend.errors import Unavailable
from backend.local.home import running_pid
from backend.local.installation import Installation, serve
from backend.remote import Remote, address
from backend.settings import Settings

#: Two workers take the first two: the small one has a gain soonest, the large one takes longest and must not come last.
MODELS = ("mini-1", "mini-4", "mini-2")
RECIPES = ("mnli", "squad", "mnli+squad", "control-mlm:mnli")
TARGETS = ("tatoeba", "xnli", "xcopa", "udpos", "xquad")

LOOK_SECONDS = 1.0  # between two looks at the experiment
FORECAST_SECONDS = 10.0  # between two forecasts
LINE_SECONDS = 10.0  # between two lines of progress where there is no terminal
ENDED = ("done", "done with failures", "cancelled")


def request(seeds: int = 1) -> ExperimentRequest:
    """The demo study with this many seeds."""
    return ExperimentRequest(
        name="Demo study" if seeds == 1 else f"Demo study, {seeds} seeds",
        source=Source.MINI,
        models=MODELS,
        recipes=tuple(Recipe.parse(name) for name in RECIPES),
        targets=TARGETS,
        seeds=tuple(range(seeds)),
    )


def submit(remote: Remote, seeds: int) -> tuple[ExperimentView, str]:
    """Submit the study unless it was; do again what failed in it. Returns it, and what happened, in words."""
    body = request(seeds).model_dump(mode="json")
    plan = Preview.model_validate(remote.post("/experiments:preview", body).json())
    answer = remote.post("/experiments", body, key=f"demo-{plan.fingerprint[:40]}")
    view = ExperimentView.model_validate(answer.json())
    name = f"Experiment {view.id}, {view.name}"
    lost = view.counts.failed + view.counts.diverged + view.counts.cancelled + view.counts.skipped
    if lost:
        view = ExperimentView.model_validate(remote.post(f"/experiments/{view.id}:retry").json())
        return view, f"{name}: {lost} of {view.runs} runs had not come to an end and are done again"
    if view.counts.done == view.runs:
        return view, f"{name}: all {view.runs} runs exist and are reused; nothing to compute"
    if answer.status_code == 200:
        return view, f"{name} goes on: {view.counts.done} of its {view.runs} runs are done and reused"
    return view, f"{name}: {view.runs} runs, {view.reused} of them reused"


def spoken(seconds: float) -> str:
    """As in *2 min 10 s*."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def ahead(band: Band | None) -> str:
    """The time until the end as a range; empty where nothing can be said yet."""
    if band is None:
        return ""
    low, high = (max(1, round(v * 60)) for v in (band.low, band.high))
    return f"{low} min" if low == high else f"{low} to {high} min"


def standing(run: RunView) -> tuple[str, str, str]:
    """Phase, step and time left of a running run, in words; empty where there is nothing to say."""
    phase = run.phase.value if run.phase else "starting"
    steps = f"step {run.step} of {run.total_steps}" if run.total_steps and run.step else ""
    left = ""
    if run.eta_seconds_low is not None and run.eta_seconds_high is not None:
        left = f"{spoken(run.eta_seconds_low)} to {spoken(run.eta_seconds_high)} left"
    return phase, steps, left


class Progress:
    """Follows one experiment. ``step`` is called some times a second and returns an exit code once it has ended."""

    def __init__(self, remote: Remote, view: ExperimentView, began: float, say: Callable[[str], None]) -> None:
        self.remote, self.view, self.began, self.say = remote, view, began, say
        self.running: list[RunView] = []
        self.left: Band | None = None
        self.first_gain = ""
        self._old = {r.id for r in self._treated()}
        self.away = False
        self._looked = self._asked = self._spoke = -1e9

    @property
    def ended(self) -> bool:
        return self.view.state in ENDED

    def step(self) -> int | None:
        now = time.monotonic()
        if not self.ended and now - self._looked >= LOOK_SECONDS:
            self._looked = now
            try:
                self._look(now)
                self.away = False
            except Unavailable as error:  # the web process is being started again
                if not self.away:
                    self.say(error.detail)
                self.away = True
        if not self.ended:
            return None
        return 0 if self.view.state == "done" else 1

    def _look(self, now: float) -> None:
        before = self.view.counts.done
        self.view = self.remote.view(ExperimentView, f"/experiments/{self.view.id}")
        path = f"/experiments/{self.view.id}/runs"
        self.running = self.remote.view(Page[RunView], path, state=RunState.RUNNING.value, limit=20).items
        if not self.first_gain and self.view.counts.done > before:
            self._find_first_gain()
        if now - self._asked >= FORECAST_SECONDS:
            self._asked = now
            body = self.view.request.model_dump(mode="json")
            answer = self.remote.post("/experiments:preview", body)
            self.left = Preview.model_validate(answer.json()).hours_until_done

    def _treated(self) -> list[RunView]:
        """Evaluations of a recipe that are done, the newest first."""
        page = self.remote.view(
            Page[RunView],
            "/runs",
            experiment=self.view.id,
            kind=RunKind.EVALUATE.value,
            state=RunState.DONE.value,
            limit=50,
        )
        return [run for run in page.items if run.recipe != "none"]

    def _find_first_gain(self) -> None:
        for run in self._treated():
            if run.id in self._old:
                continue
            matrix = self.remote.view(GainMatrix, "/gains", model=run.model, target=run.target)
            row = next((r for r in matrix.recipes if r.recipe == run.recipe), None)
            if row is not None and row.mean_transfer is not None:
                self.first_gain = (
                    f"first gain after {spoken(time.monotonic() - self.began)}: {run.model}, {run.recipe} → {run.target} "
                    f"{row.mean_transfer:+.1f} points (mean of {support(matrix, run.recipe)[0]} languages)"
                )
                self.say(self.first_gain)
                return

    # in words

    def headline(self) -> str:
        counts = self.view.counts
        words = f"{counts.done}/{self.view.runs} runs done"
        lost = counts.failed + counts.diverged + counts.skipped
        if lost:
            words += f", {lost} without result"
        if not self.ended and (left := ahead(self.left)):
            words += f", about {left} to go"
        return f"{words}, {spoken(time.monotonic() - self.began)} so far"

    def at_work(self) -> Iterator[str]:
        """What each running run is at."""
        for run in self.running:
            yield f"{run.title}: {', '.join(part for part in standing(run) if part)}"

    def line(self) -> str | None:
        """A line of progress now and then, for a pipe or a file."""
        now = time.monotonic()
        if self.ended or now - self._spoke < LINE_SECONDS:
            return None
        self._spoke = now
        return f"{self.headline()}; now: {'; '.join(self.at_work()) or 'nothing, waiting for a worker'}"

    def picture(self) -> RenderableType:
        """What a terminal shows, drawn anew some times a second."""
        runs = Table(box=None, pad_edge=False, show_header=False)
        for run in self.running:
            bar = ProgressBar(total=max(1, run.total_steps), completed=run.step, width=20)
            phase, *rest = standing(run)
            runs.add_row(f"  {run.title}", phase, bar, *rest)
        bar = ProgressBar(total=self.view.runs, completed=self.view.counts.done, width=60)
        return Group(Text(self.headline()), bar, runs)


def summary(remote: Remote, view: ExperimentView) -> RenderableType:
    """Mean gain over the transfer languages, model × recipe by target, and the number of seeds; fits 80 columns."""
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    table.add_column("model, recipe", no_wrap=True)
    for target in view.request.targets:
        table.add_column(target, justify="right", no_wrap=True)
    seen: set[str] = set()
    for model in sorted(view.request.models, key=lambda name: CATALOGUE[name].parameters):
        table.add_row(Text(model, style="bold"))
        matrices = [remote.view(GainMatrix, "/gains", model=model, target=t) for t in view.request.targets]
        for recipe in view.request.recipes:
            if recipe.name == "none":
                continue
            cells = [_summary_cell(m, recipe.name) for m in matrices]
            seen.update(c[-1] for c in cells)
            table.add_row(f"  {recipe.name}", *cells)
    seeds = len(view.request.seeds)
    notes = [
        "Gain over no intermediate task, in points: mean over the languages other than English (k/n: only k of them have a gain); "
        f"{seeds} seed{'s' if seeds > 1 else ''}.",
        f"{view.benchmark} is synthetic: it shows that the method works, and nothing about real languages.",
    ]
    if "²" in seen:
        notes.append("² same training data twice: runs, and is left out of headline means.")
    if seeds < 3:
        notes.append("Too few seeds for a verdict on any of them: `make study` goes on to six.")
    return Group(Text(), table, Text(), *(Text(n) for n in notes))


def support(matrix: GainMatrix, recipe: str) -> tuple[int, int]:
    """How many languages other than English have a gain, of how many that the target has."""
    cells = [c for c in matrix.cells if c.recipe == recipe and c.language != ENGLISH]
    return sum(c.gain is not None for c in cells), sum(c.missing is not Missing.NOT_APPLICABLE for c in cells)


def _summary_cell(matrix: GainMatrix, recipe: str) -> str:
    row = next((r for r in matrix.recipes if r.recipe == recipe), None)
    if row is None or row.mean_transfer is None:
        return "–"
    k, n = support(matrix, recipe)
    only = "" if k == n else f" {k}/{n}"
    return f"{row.mean_transfer:+.1f}{only}{'²' if row.same_data_twice else ''}"


@contextmanager
def shown(screen: Console) -> Iterator[Callable[[Progress], None]]:
    """Draws progress: in place on a terminal, else line by line."""
    if not screen.is_terminal:

        def lines(progress: Progress) -> None:
            if line := progress.line():
                screen.print(escape(line))

        yield lines
        return
    with Live(console=screen, refresh_per_second=4, transient=True) as live:
        yield lambda progress: live.update(Text() if progress.ended else progress.picture())


def open_browser(url: str) -> None:
    """Where there is a desktop; a text browser would take the terminal away."""
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.uname().sysname == "Darwin":
        webbrowser.open(url)


def run(settings: Settings, screen: Console, out: Console, *, seeds: int, stay: bool, browser: bool) -> int:
    """The whole of ``crosslift demo``: up, submit, follow, sum up. Returns the exit code: 1 where a run failed."""
    began = time.monotonic()
    follower: Progress | None = None
    told = False

    def say(words: str) -> None:
        screen.print(escape(words))

    with shown(screen) as draw, ExitStack() as stack:

        def begin(url: str, api: str) -> Progress:
            remote = stack.enter_context(Remote(api, timeout=10, token=settings.token_shown))
            view, words = submit(remote, seeds)
            say(words)
            say(f"Watch it at {url}/explore")
            if browser and screen.is_terminal:
                open_browser(f"{url}/explore")
            return Progress(remote, view, began, say)

        def step(follow: Progress) -> int | None:
            nonlocal told
            code = follow.step()
            draw(follow)
            if code is not None and not told:
                told = True
                say(f"{follow.view.state}: {follow.headline()}")
                out.print(summary(follow.remote, follow.view))
            return code

        if running_pid(settings.root) is not None:  # follow the one that is up; it stays up
            api = address(settings, None)
            follower = begin(api, api)
            try:
                while (code := step(follower)) is None:
                    time.sleep(0.2)
                return code
            except KeyboardInterrupt:
                say("It goes on without this window")
                return 130

        def keep(installation: Installation) -> int | None:
            nonlocal follower
            if follower is None:
                follower = begin(installation.url, installation.api)
            before = told
            code = step(follower)
            if code is not None and stay:
                if not before:
                    say(f"The page stays at {installation.url}/explore. Ctrl-C stops everything; what is done is kept.")
                return None
            return code

        code = serve(settings, say, keep)
    if follower is None or not follower.ended:
        return code or 130
    return code if not stay else (0 if follower.view.state == "done" else 1)
