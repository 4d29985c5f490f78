"""What oracle selection and LoRA leave in the store: scores of a name of their own, which no gain, matrix or metric knows of."""

from __future__ import annotations

from backend.domain.run import RunKind
from backend.domain.task import Source
from backend.store import export, gains, runs

SEEDS = [0, 1, 2]


def work(lab, *, oracle: float):
    """Do everything: evaluations score 60, treated 63; every fine-tune that looks on records this oracle score."""
    tuned = []
    while (claim := lab.try_claim()) is not None:
        view = lab.view(claim.run_id)
        scores, extra = [], {"parameters_trainable": 77}
        if view.kind is RunKind.EVALUATE:
            scores, extra = [("sw", "accuracy", 60.0 + 3 * (view.recipe != "none") + view.seed, 400)], {}
        elif claim.spec.oracle is not None:
            scores = [("sw", "oracle/accuracy", oracle, 400)]
            tuned.append(claim.run_id)
        assert lab.finish(claim.run_id, claim.attempt, scores=scores, extra=extra).ok
    return tuned


def found(lab):
    with lab.store.read() as session:
        return gains.matrix(session, model="mini-2", target="xcopa", metric=None, source=Source.MINI)


def test_oracle_scores_are_kept_and_no_gain_knows_of_them(lab):
    lab.submit(targets=["xcopa"], seeds=SEEDS)
    assert work(lab, oracle=99.0) == []
    before = found(lab)
    asked = lab.submit(targets=["xcopa"], seeds=SEEDS, oracle=True)
    tuned = work(lab, oracle=99.0)
    assert len(tuned) == 6
    after = found(lab)
    # the same cell was measured twice, with equal settings: one measurement a seed, and the same gain
    (cell,) = [c for c in after.cells if c.gain is not None]
    assert (cell.n, cell.gain, cell.treated) == (3, 3.0, 64.0)
    assert after.model_copy(update={"updated_at": before.updated_at}) == before
    assert after.metrics == ["accuracy"]
    with lab.store.read() as session:
        assert {(s.metric, s.language, s.value) for i in tuned for s in runs.scores(session, i)} == {
            ("oracle/accuracy", "sw", 99.0)
        }
        rows = list(export.export(session, experiment=asked.id))
    assert {r["target"] for r in rows if r["metric"] == "oracle/accuracy"} == {"xcopa"}


def test_how_many_weights_a_run_trained_is_part_of_its_detail(lab):
    lab.submit(targets=["xcopa"])
    work(lab, oracle=1.0)
    with lab.store.read() as session:
        items = runs.page(session, limit=50, cursor=None).items
        trained = {view.kind: runs.detail(session, view.id).parameters_trainable for view in items}
    assert trained == {
        RunKind.PRETRAIN: 77, RunKind.INTERMEDIATE: 77, RunKind.FINETUNE: 77, RunKind.EVALUATE: None
    }  # fmt: skip
