"""Further examples of answers, for ``backend.api.examples``: of what is shown of single test examples."""

from __future__ import annotations

from pydantic import BaseModel

from backend.domain.checks import CheckCell, CheckFailures, CheckMatrix, CheckQuestion, FailedCase
from backend.domain.flips import FlipKind, FlipKinds, FlippedExample, FlippedSeed, Flips, FlipTable, NamedText
from backend.domain.submission import GroupScore, SubmissionCheck, SubmissionChoice, SubmittedFile, SubmittedTask
from backend.domain.tasks import TASKS


def flips() -> tuple[BaseModel, ...]:
    xnli = TASKS["xnli"]
    kind = FlipKind(key="1", name="up to 34 characters", examples=170, fixed=9, broken=2)
    seen = FlippedSeed(
        seed=0, baseline="neutral", treated="contradiction", baseline_right=False, treated_right=True,
        baseline_confidence=0.44, treated_confidence=0.71,
    )  # fmt: skip
    text = NamedText(name="First text", text="kobe anasoma")
    return (
        Flips(
            model="mini-2", target="xnli", metric="accuracy", recipe="squad", language="sw", gain=3.1, lower_is_better=False,
            right_when="its label is the right one", seeds=[0, 1, 2],
            tables=[
                FlipTable(
                    seed=0, run=13, baseline_run=8, both_right=280, fixed=32, broken=15, both_wrong=173, examples=500, p=0.0185,
                )
            ],
            kinds=[FlipKinds(key="length", title="Text length", kinds=[kind], missing=None)],
            fixed=32, broken=15, both=0, texts="generated again", without_texts=None, licence=xnli.licence,
            citation=xnli.citation, missing=None,
        ),
        FlippedExample(
            id="17", gold="contradiction", fixed=1, broken=0, seeds=[seen], texts=[text], tokens=[], words={}, kinds=[kind.name]
        ),
        kind, seen, text,
    )  # fmt: skip


def submissions() -> tuple[BaseModel, ...]:
    file = SubmittedFile(
        language="sw",
        file="test-sw.tsv",
        status="wrong length",
        said=["wrong length: 5009 lines, the labels have 5010"],
        points={},
    )
    task = SubmittedTask(name="xnli", files=[file], there=1, average={}, score=None)
    group = GroupScore(name="classification", tasks=["xnli", "xcopa"], score=None, without=["xnli", "xcopa"])
    return (
        SubmissionCheck(
            benchmark="xtreme-r", title="XTREME-R", folder="", labels="upload", files=1, tasks=[task], official=[group],
            ours=[group], official_note=None, strangers=[], notes=[], wrong=1,
        ),
        task, file, group,
        SubmissionChoice(model="mini-2", recipe="squad", seed=0, tasks=["xnli"], missing=["xcopa"]),
    )  # fmt: skip


def checks() -> tuple[BaseModel, ...]:
    cell = CheckCell(
        test="comparisons", language="sw", error=61.5, baseline=66.0, gain=4.5, low=1.2, high=7.8, q=0.04, seeds=[0, 1, 2], missing=None,
        why_missing=None,
    )  # fmt: skip
    question = CheckQuestion(
        texts=[NamedText(name="Question", text="Nani ni mdogo?")],
        expected="Asha",
        answer="Juma",
        right=False,
        confidence=0.62,
    )
    case = FailedCase(case="comparisons/12", questions=[question])
    return (
        CheckMatrix(
            model="mini-2", recipe="squad", benchmark="mini-XTREME-R", synthetic=True, models=["mini-2"], recipes=["none", "squad"],
            tests=["comparisons"], languages=["sw"], cells=[cell],
        ),
        cell,
        CheckFailures(
            run=13, seed=0, seeds=[0, 1, 2], cases=20, failed=12, items=[case], next_cursor=None, without_texts=None, licence="Apache-2.0",
        ),
        case, question,
    )  # fmt: skip
