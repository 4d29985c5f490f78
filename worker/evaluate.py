"""One checkpoint, one target, all its languages."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import nn

from backend.domain.attributes import Described, describe
from backend.domain.inputs import KEPT, shown_input
from backend.domain.run import DataSpec, Phase, Precision, RunSpec
from backend.domain.task import Format, Source, Split, Task
from backend.domain.tasks import TASKS
from worker import formats, guard
from worker.architectures import keep_lowest, layers_of
from worker.data import Door
from worker.distinct import distinct
from worker.encoder import Encoder, states
from worker.formats import Behaviour, Features, Level, Prediction, Read, collate_rows
from worker.meter import INFERENCE, Meter
from worker.micro import Room, TooLarge, out_of_memory
from worker.outcomes import Job, Report, Score, Stopped

HEAD = "head.safetensors"
HEAD_FACTS = "head.json"
PREDICTIONS = "predictions.parquet"
BUDGET = {"cpu": 4096, "cuda": 65536}  # sub-words of one batch, padding included
RETRIEVAL_LENGTH = 512  # XTREME's, where nothing was trained that would say


def predict(
    encoder: Encoder,
    head: nn.Module,
    behaviour: Behaviour,
    features: Features,
    *,
    ask: Callable[[], None],
    meter: Meter,
    precision: Precision = "fp32",
    done: Callable[[int, int], None] = lambda rows, of: None,
    room: Room | None = None,
) -> NDArray[np.float32]:
    """The head's output for every row or token of the features, as [rows or tokens, outputs].

    All rows in one stream sorted by length, so that hardly anything is padded; where a line is a row's, equal rows are read once, and
    all get the same. ``ask`` is called between batches. Where memory runs out a batch is halved, and ``room`` remembers what fitted.

    Raises:
        TooLarge: not even one row fits.
    """
    room = room or Room()
    divided = guard.of(encoder.module) is not None
    device = next(encoder.module.parameters()).device
    was_training = encoder.module.training
    encoder.module.eval()
    head.eval()
    collected: NDArray[np.float32] | None = None
    rows = 0
    first, of = distinct(features) if behaviour.LEVEL is Level.ROW else (np.arange(len(features.rows) - 1), None)
    half = torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16", cache_enabled=not divided)
    with guard.no_gradients(encoder.module), half:
        waiting = [first[batch] for batch in by_length(features.lengths[first], BUDGET[device.type])[::-1]]
        while waiting:
            ask()
            batch_rows = waiting.pop()
            places = len(batch_rows) * int(features.lengths[batch_rows].max())
            if len(batch_rows) > 1 and not room.holds(places):
                waiting += _halves(batch_rows)
                continue
            output = None
            try:
                batch = collate_rows(features, batch_rows, encoder.pad).to(device)
                with nullcontext() if divided else meter.counting(batch.tokens, INFERENCE):
                    output = head(states(encoder.module, batch, behaviour.READS), batch).float().cpu()
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
            # outside of the except clause, whose traceback holds on to the tensors of the batch
            if guard.agreed(encoder.module, output is None) or output is None:  # half of the rows, then the other half
                if len(batch_rows) == 1:
                    raise TooLarge(f"not even one row of {places} sub-words fits into memory to be scored")
                if device.type == "cuda":
                    torch.cuda.empty_cache()
                room.cut(places)
                waiting += _halves(batch_rows)
                continue
            meter.work(examples=0, tokens=batch.tokens, each=INFERENCE)
            at = batch_rows
            if behaviour.LEVEL is Level.TOKEN:
                at = batch.source
                if output.ndim == 3:  # every position: padding goes
                    output = output.flatten(0, 1) if batch.mask is None else output[batch.mask.cpu()]
                else:  # marked positions only
                    at = at[features.token["labels"][at] != formats.IGNORED]
            if collected is None:
                count = len(features.tokens) if behaviour.LEVEL is Level.TOKEN else len(features.rows) - 1
                collected = np.zeros((count, output.shape[-1]), np.float32)
            collected[at] = output.numpy()
            rows += len(batch_rows)
            done(rows, len(first))
    encoder.module.train(was_training)
    head.train(was_training)
    assert collected is not None  # the door lets no empty set through
    return collected if of is None or len(first) == len(of) else collected[first][of]


def _halves(rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The second half, then the first: as a stack gives them back."""
    middle = len(rows) // 2
    return [rows[middle:], rows[:middle]]


def by_length(lengths: NDArray[np.int64], budget: int) -> list[NDArray[np.int64]]:
    """Row numbers, longest first, in batches of at most ``budget`` sub-words with padding (one row at least)."""
    order = np.argsort(-lengths, kind="stable")
    batches = []
    start = 0
    while start < len(order):
        size = max(1, budget // max(1, int(lengths[order[start]])))
        batches.append(order[start : start + size])
        start += size
    return batches


def evaluate(job: Job, encoder: Encoder, door: Door, report: Report, meter: Meter) -> tuple[Score, ...]:
    """Score the target in every language of the run; predictions go to ``job.out``.

    Raises:
        Stopped: as asked; an evaluation is short and starts anew.
    """
    spec = job.spec
    task = settled(TASKS[spec.data[0].task], spec)
    behaviour = formats.of(task.format)
    max_length = spec.training.max_length if spec.training else RETRIEVAL_LENGTH
    stride = spec.training.stride if spec.training else 0
    if task.trained_on is None:
        assert task.retrieval is not None  # nothing else goes without training
        keep_layers(encoder, task.retrieval.layer_fraction)
        head = behaviour.head(encoder.hidden, task, 0.0)
    else:
        head = load_head(job.inputs[spec.parents[0]], task, encoder)
    cast(nn.Module, encoder.module).to(job.device)
    head.to(job.device)
    report.phase(Phase.EVALUATING)

    def ask() -> None:
        if report.should_stop():
            raise Stopped(0, saved=False)

    scores: list[Score] = []
    predictions: dict[str, list[Prediction]] = {}
    described: dict[str, list[Described | None]] = {}
    evaluated: dict[str, Sequence[Any]] = {}  # examples whose texts nobody could read again
    streams = in_streams(task, spec)
    room = Room()
    for number, parts in enumerate(streams):
        loaded = {part: door.scored(*part, encoder, max_length, stride) for part in parts}
        joined = Features.joined([features for _, features in loaded.values()])

        def done(rows: int, of: int, number: int = number) -> None:
            report.progress(number * of + rows, len(streams) * of)

        outputs = predict(
            encoder, head, behaviour, joined, ask=ask, meter=meter, precision=spec.precision, done=done, room=room
        )
        read: dict[Split, dict[str, Read]] = {data.split: {} for data in spec.data}
        start = 0
        for (data, code), (examples, features) in loaded.items():
            size = len(features.tokens) if behaviour.LEVEL is Level.TOKEN else len(features.rows) - 1
            read[data.split][code] = Read(examples, features, outputs[start : start + size])
            start += size
            meter.work(examples=len(examples), tokens=0, each=INFERENCE)
        sets = read.pop(spec.data[0].split)
        scored = [code for code in sets if code in spec.languages]
        for code, each in formats.decode_all(behaviour, task, sets, read, scored).items():
            predictions[code] = each
            described[code] = descriptions(each, sets[code].examples)
            if spec.data[0].source is Source.HUB:
                evaluated[code] = sets[code].examples
            values = behaviour.score(task, each)
            scores += [Score(code, metric, *values[metric]) for metric in task.metrics]
    report.phase(Phase.SAVING)
    write_predictions(job.out / PREDICTIONS, predictions, described)
    if evaluated:
        write_texts(job.out / KEPT, predictions, evaluated)
    return tuple(scores)


def settled(task: Task, spec: RunSpec) -> Task:
    """The task with the layer and pooling of this run: of its source's version, or what the request set."""
    base = task.retrieval_in(spec.data[0].source)
    if base is None:
        return task
    return task.model_copy(update={"retrieval": spec.retrieval.applied_to(base) if spec.retrieval else base})


def in_streams(task: Task, spec: RunSpec) -> list[list[tuple[DataSpec, str]]]:
    """What is read together: sets of rows and their languages.

    All of them; but of mining each language alone, because its texts are large and the languages have nothing to do with each
    other. A pool is of all languages of its target, whichever are scored.
    """
    data, *beside = spec.data
    if task.format is Format.BITEXT_MINING:
        return [[(each, code) for each in spec.data] for code in spec.languages]
    parts = [(data, code) for code in (task.languages_in(data.source) if task.pooled else spec.languages)]
    for each in beside:
        parts += [(each, code) for code in (("en",) if each.split is Split.CANDIDATES else spec.languages)]
    return [parts]


def save_head(folder: Path, task: Task, head: nn.Module) -> None:
    """Beside the encoder that was trained with it, with what it is for."""
    save_file({k: v.detach().cpu().contiguous() for k, v in head.state_dict().items()}, folder / HEAD)
    facts = {"task": task.name, "version": task.version, "format": task.format.value, "labels": list(task.labels)}
    (folder / HEAD_FACTS).write_text(json.dumps(facts, indent=1))


def load_head(folder: Path, task: Task, encoder: Encoder) -> nn.Module:
    """The head that a fine-tune left, for evaluating ``task`` with it.

    Raises:
        ValueError: it is for another format or other labels.
    """
    facts = cast(dict[str, Any], json.loads((folder / HEAD_FACTS).read_text()))
    if facts["format"] != task.format.value or facts["labels"] != list(task.labels):
        raise ValueError(f"the head trained on {facts['task']} does not fit {task.name}: other format or labels")
    head = formats.of(task.format).head(encoder.hidden, task, encoder.dropout)
    head.load_state_dict(load_file(folder / HEAD))
    return head


def keep_layers(encoder: Encoder, fraction: float, *, norm: bool = False) -> None:
    """Drop the layers above this share of them: their states are not looked at. What is saved then has no more either.

    Args:
        norm: keep the norm after the last layer, where there is one, for what is trained and saved without the others.
    """
    keep_lowest(encoder.module, max(1, round(fraction * len(layers_of(encoder.module)))), norm=norm)


def descriptions(predictions: Sequence[Prediction], examples: Sequence[Any]) -> list[Described | None]:
    """What kind of example each prediction is of; None where its id names none, or several that are not the predictions' own."""
    if [p.id for p in predictions] == [e.id for e in examples]:
        return [describe(e) for e in examples]
    by_id = {e.id: e for e in examples}
    return [describe(by_id[p.id]) if p.id in by_id else None for p in predictions]


def write_predictions(
    path: Path,
    predictions: Mapping[str, Sequence[Prediction]],
    described: Mapping[str, Sequence[Described | None]] | None = None,
) -> None:
    """One line an example: language, id, prediction, gold (text; JSON where it is a list), score 0 to 100, confidence; and, where
    it is described, unit, length, overlap and script (``backend.domain.attributes``)."""
    import pyarrow as arrow
    from pyarrow import parquet

    lines = [(code, p) for code, each in predictions.items() for p in each]
    columns = {
        "language": arrow.array([code for code, _ in lines]).dictionary_encode(),
        "id": arrow.array([p.id for _, p in lines], arrow.string()),
        "prediction": arrow.array([_text(p.prediction) for _, p in lines], arrow.string()),
        "gold": arrow.array([_text(p.gold) for _, p in lines], arrow.string()),
        "score": arrow.array([p.score for _, p in lines], arrow.float32()),
        "confidence": arrow.array([p.confidence for _, p in lines], arrow.float32()),
    }
    if described is not None:
        of = [d for code in predictions for d in described[code]]
        columns |= {
            "unit": arrow.array(
                [p.id if d is None else d.unit for (_, p), d in zip(lines, of, strict=True)], arrow.string()
            ),
            "length": arrow.array([d and d.length for d in of], arrow.int32()),
            "overlap": arrow.array([d and d.overlap for d in of], arrow.float32()),
            "script": arrow.array([d and d.script for d in of], arrow.string()).dictionary_encode(),
        }
    parquet.write_table(arrow.table(columns), path, compression="zstd")


def write_texts(
    path: Path, predictions: Mapping[str, Sequence[Prediction]], examples: Mapping[str, Sequence[Any]]
) -> None:
    """What the examples of the predictions say (``backend.domain.inputs``), for a page that cannot read the hub's data: a file of its
    own, so that who counts predictions does not read it. A sentence's tokens are JSON."""
    import pyarrow as arrow
    from pyarrow import parquet

    lines = []
    for code, each in predictions.items():
        wanted = {p.id for p in each}
        lines += [(code, e.id, shown_input(e)) for e in examples[code] if e.id in wanted]
    columns = {
        "language": arrow.array([code for code, _, _ in lines]).dictionary_encode(),
        "id": arrow.array([id for _, id, _ in lines], arrow.string()),
        "texts": arrow.array([_text(one.texts) for _, _, one in lines], arrow.string()),
        "tokens": arrow.array([_text(one.tokens) if one.tokens else None for _, _, one in lines], arrow.string()),
    }
    parquet.write_table(arrow.table(columns), path, compression="zstd")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
