"""An experiment as one file: the same bytes, the same matrix elsewhere, and nothing of it where it was changed."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile

import pytest
from sqlalchemy import func, select

from backend.domain.learning import Learning
from backend.domain.run import RunKind, digest
from backend.domain.task import Source
from backend.errors import Conflict, Invalid, NotFound
from backend.exchange import arriving, leaving, packed
from backend.store import costs, experiments, gains, history, packages, runs, tables
from backend.store.session import Store

BASE = {"en": 60.0, "de": 50.0, "sw": 41.25}
ADDED = {"mnli": {"en": 1.0, "de": 0.1 + 0.2, "sw": 5.0}, "squad": {"en": -1.0, "de": 2.5, "sw": -4.0}}
PACKAGES = "numpy==2\ntorch==3\n"


def work(lab, *, more=0.0, fails=lambda view: False):
    """Do what can be done, as a worker would."""
    with lab.store.write() as session:
        packages.keep(session, {packages.digest(PACKAGES): PACKAGES})
    while (claim := lab.try_claim()) is not None:
        view = lab.view(claim.run_id)
        if fails(view):
            lab.fail(claim.run_id, claim.attempt, "the disk is full")
            continue
        scores = []
        if view.kind is RunKind.EVALUATE:
            added = ADDED.get(view.recipe, {})
            scores = [
                (c, "accuracy", v + added.get(c, 0.0) + (view.seed or 0) / 3 + more, 100) for c, v in BASE.items()
            ]
        trained = view.kind in (RunKind.INTERMEDIATE, RunKind.FINETUNE)
        with lab.store.write() as session:
            runs.record(session, claim.run_id, claim.attempt, curves=[("loss", s, 1 / s) for s in (1, 2, 3)])
        lab.finish(
            claim.run_id, claim.attempt, scores=scores, learning=Learning(0.4, 1.1) if trained else None,
            environment={"torch": "3", "packages": packages.digest(PACKAGES)}, device_seconds=7.0,
        )  # fmt: skip


@pytest.fixture
def ended(lab):
    """An experiment of two seeds, of which the intermediate run of one recipe and seed failed."""
    made = lab.submit(recipes=["mnli", "squad"], seeds=[0, 1], languages=list(BASE), name="Ünïcode & co")
    work(lab, fails=lambda v: v.kind is RunKind.INTERMEDIATE and v.recipe == "squad" and v.seed == 1)
    return made.id


@pytest.fixture
def other(store, request, tmp_path):
    """An empty store of the other kind than ``store``."""
    if store.engine.dialect.name == "sqlite":
        made = Store(request.getfixturevalue("postgres_migrated"))
        request.getfixturevalue("emptied")(made)
    else:
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "other.db")
        made = Store(f"sqlite:///{tmp_path}/other.db")
    yield made
    made.dispose()


def written(store, id):
    with store.read() as session:
        return packed.write(leaving.gather(session, id, installation="lab A", program="1"))


def brought(store, data, **more):
    content, sha = packed.read(data)
    with store.write() as session:
        return arriving.bring(session, content, sha, **more)


def matrix(store):
    """As pages get it, without what a store numbers by itself."""
    with store.read() as session:
        found = gains.matrix(session, model="mini-2", target="xnli", metric="accuracy", source=Source.MINI)
        names = dict(session.execute(select(tables.run.c.id, tables.run.c.fingerprint)).all())
    dumped = found.model_dump(mode="json")
    for cell in dumped["cells"]:
        for field in ("runs", "baseline_runs"):
            cell[field] = [names[id] for id in cell[field]]
        if cell["why_missing"]:
            cell["why_missing"] = " ".join(w for w in cell["why_missing"].split() if not w.strip("(,:)").isdigit())
    return dumped


def rezipped(data, **changes):
    """The same archive with some members replaced (None: left out), and a manifest that agrees with them."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(parts["manifest.json"])
    for name, part in changes.items():
        parts[name] = part
        manifest["files"][name] = {"sha256": hashlib.sha256(part).hexdigest(), "bytes": len(part)}
    parts["manifest.json"] = json.dumps(manifest).encode()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return made.getvalue()


def changed(data, change):
    """The file of a content that was changed by ``change`` and written anew, manifest and all."""
    content, _ = packed.read(data)
    change(content)
    return packed.write(content)


def test_what_leaves_one_store_is_the_same_in_another(lab, ended, store, other):
    data = written(store, ended)
    assert written(store, ended) == data
    made = brought(other, data)
    assert made.created
    assert (made.runs, made.shared) == (len(lab.states(ended)), [])
    assert matrix(other) == matrix(store)
    with store.read() as here, other.read() as there:
        before, after = experiments.view(here, ended), experiments.view(there, made.experiment)
        assert before.counts == after.counts
        assert before.created_at == after.created_at
        assert (before.brought, after.brought.installation, after.brought.experiment_there) == (None, "lab A", ended)
        (a, *_), (b, *_) = (
            sorted(
                history.page(s, limit=200, cursor=None, kind=RunKind.FINETUNE).items,
                key=lambda r: (r.recipe, r.seed, r.state),
            )
            for s in (here, there)
        )
        assert (a.fingerprint, a.cost, a.finished_at) == (b.fingerprint, b.cost, b.finished_at)
        assert history.curves(here, a.id) == history.curves(there, b.id)
        one, two = history.detail(here, a.id), history.detail(there, b.id)
        assert (one.spec, one.environment, one.learning) == (two.spec, two.environment, two.learning)
        assert one.packages == two.packages == PACKAGES.splitlines()
        assert (one.brought, two.brought.sha256) == (None, packed.read(data)[1])
        assert b.artifact is None
    assert written(other, made.experiment) == data  # from either database, and passed on as it came


def test_the_same_file_twice_is_one_experiment(ended, store, other):
    data = written(store, ended)
    first = brought(other, data)
    again = brought(other, rezipped(data))  # other bytes around the same content
    assert (again.experiment, again.created, again.runs) == (first.experiment, False, 0)
    with other.read() as session:
        assert session.scalar(select(func.count()).select_from(tables.experiment)) == 1


def test_what_was_brought_in_answers_for_nobody(lab, lab_at, ended, store, other):
    """Its checkpoints are elsewhere: who asks for the same here gets it computed here, and then sees that."""
    brought(other, written(store, ended))
    here = lab_at(other)
    before = matrix(other)
    made = here.submit(recipes=["mnli", "squad"], seeds=[0, 1], languages=list(BASE))
    assert here.experiment(made.id).reused == 0
    with other.read() as session:
        assert costs.throughput(session) == []
    work(here, more=2.0)
    after = matrix(other)
    cells = {(c["recipe"], c["language"]): c for c in after["cells"]}
    old = {(c["recipe"], c["language"]): c for c in before["cells"]}
    assert cells["mnli", "sw"]["treated"] == pytest.approx(old["mnli", "sw"]["treated"] + 2.0)
    assert cells["mnli", "sw"]["n"] == 2  # each seed once, not once from here and once from there
    with other.read() as session:
        assert len(costs.throughput(session)) == len(here.states(made.id))


def numbers(store):
    """A matrix without when its newest run ended: where runs are shared, that is when they ended here."""
    return {k: v for k, v in matrix(store).items() if k != "updated_at"}


def test_runs_that_found_the_same_here_are_shared_and_others_are_a_conflict(ended, store, other, lab_at):
    data = written(store, ended)
    here = lab_at(other)
    here.submit(recipes=["mnli"], seeds=[0], languages=list(BASE))
    work(here)
    made = brought(other, data)
    assert len(made.shared) == 6
    assert numbers(other) == numbers(store)

    def worse(content):
        content.scores[0] = (*content.scores[0][:3], content.scores[0][3] - 1, 100)

    with pytest.raises(Conflict, match=r"run \d+: accuracy in \w+ is [\d.]+ of 100 here and [\d.]+ of 100 in the file"):
        brought(other, changed(data, worse))
    kept = brought(other, changed(data, worse), keep_ours=True)
    assert kept.created
    assert len(kept.ours) == 1
    assert numbers(other) == numbers(store)


def test_failed_runs_can_be_done_again_where_they_were_brought(ended, store, other, lab_at):
    made = brought(other, written(store, ended))
    here = lab_at(other)
    assert here.experiment(made.experiment).state == "done with failures"
    assert here.retry(made.experiment)
    work(here)
    assert here.experiment(made.experiment).state == "done"


def test_only_what_has_ended_leaves(lab, store):
    made = lab.submit()
    with pytest.raises(Conflict, match="have not ended"):
        written(store, made.id)
    with pytest.raises(NotFound):
        written(store, made.id + 1)


@pytest.fixture(scope="module")
def one_file(sqlite_template, tmp_path_factory, lab_at):
    path = tmp_path_factory.mktemp("one") / "crosslift.db"
    shutil.copy(sqlite_template, path)
    store = Store(f"sqlite:///{path}")
    lab = lab_at(store)
    made = lab.submit(languages=["en", "de"])
    work(lab)
    found = written(store, made.id)
    store.dispose()
    return found


def row(table, i, **values):
    def change(content):
        rows = getattr(content, table)
        rows[i] = {**rows[i], **values} if isinstance(rows[i], dict) else tuple(values.values())

    return change


def spec_of(content, **values):
    content.runs[0]["spec"] = {**content.runs[0]["spec"], **values}
    content.runs[0]["fingerprint"] = digest("something else")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (row("runs", 0, model="../mini"), r"runs.parquet, row 0: model '\.\./mini'"),
        (row("runs", 0, seed=7), r"row 0: seed is 7"),
        (row("runs", 0, state="running"), r"row 0: state is 'running'; only runs that have ended"),
        (row("runs", 0, fingerprint="0" * 64), r"row 0: the fingerprint is not that of what the run computes"),
        (row("runs", 0, device_seconds=None), r"row 0: the run is done and its device_seconds is missing"),
        (row("runs", 1, benchmark="XTREME-R"), r"row 1: benchmark is 'XTREME-R', and 'mini-XTREME-R' is expected"),
        (lambda c: spec_of(c, colour="red"), r"row 0: this version cannot read what the run computes: colour"),
        (row("scores", 0, run=2, metric="accuracy", language="de", value=101.0, n=10), r"scores.parquet, row 0: 101.0"),
        (row("scores", 0, run=2, metric="accuracy", language="xx", value=1.0, n=10), r"row 0: .* language 'xx'"),
        (row("scores", 0, run=99, metric="accuracy", language="de", value=1.0, n=10), r"row 0: there is no run 99"),
        (lambda c: c.scores.append(c.scores[0]), r"this score is there twice"),
        (lambda c: c.parents.reverse() or c.parents.pop(), r"parents.parquet does not link it"),
        (lambda c: c.parents.append((1, 1)), r"run 1 cannot start from run 1"),
        (lambda c: c.request.update(models=[]), r"experiment.yaml is no request .*models"),
        (lambda c: c.curves.append((77, "loss", 1, 1.0)), r"curves.parquet, row \d+: there is no run 77"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_nothing_is_written(one_file, change, said, sqlite_template, tmp_path):
    shutil.copy(sqlite_template, tmp_path / "crosslift.db")
    store = Store(f"sqlite:///{tmp_path}/crosslift.db")
    with pytest.raises(Invalid, match=said):
        brought(store, changed(one_file, change))
    with store.read() as session:
        assert not [t.name for t in (tables.experiment, tables.run, tables.brought) if session.execute(select(t)).all()]
    store.dispose()


def raw(data, name, part, *, compress=zipfile.ZIP_DEFLATED, keep=True):
    """The archive with one member put in place of its own, and the manifest as it was."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w") as new:
        for each in old.namelist():
            if each != name or not keep:
                new.writestr(each, old.read(each), zipfile.ZIP_DEFLATED)
        if part is not None:
            new.writestr(name, part, compress)
    return made.getvalue()


def compressed(data):
    """The scores, compressed inside: what they unpack to cannot be seen from outside."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        table = pq.read_table(pa.BufferReader(archive.read("scores.parquet")))
    sink = io.BytesIO()
    pq.write_table(table.cast(packed._schema("scores.parquet")), sink, compression="zstd")
    return rezipped(data, **{"scores.parquet": sink.getvalue()})


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda d: b"no archive", "is damaged"),
        (lambda d: d[: len(d) // 2], "is damaged"),
        (lambda d: raw(d, "scores.parquet", b"PAR1"), "scores.parquet was changed"),
        (lambda d: raw(d, "scores.parquet", None), "'scores.parquet' is missing"),
        (lambda d: raw(d, "../../etc/passwd", b"x", keep=False), r"'../../etc/passwd', which is no part"),
        (lambda d: raw(d, "/etc/passwd", b"x", keep=False), r"which is no part"),
        (lambda d: raw(d, "packages/../../x.txt", b"x", keep=False), r"which is no part"),
        (lambda d: raw(d, "manifest.json", b"{}"), "manifest.json: format"),
        (lambda d: raw(d, "manifest.json", b'{"format": 99}'), "later version"),
        (lambda d: raw(d, "manifest.json", b"0" * (2 << 20)), "at most 1,048,576 are accepted"),
        (lambda d: rezipped(d, **{"scores.parquet": b"PAR1 nothing PAR1"}), "scores.parquet is no readable Parquet"),
        (lambda d: rezipped(d, **{"experiment.yaml": b"a: &a [1]\nb: *a\n"}), "refers to itself"),
        (lambda d: rezipped(d, **{"experiment.yaml": b"!!python/object/apply:os.system [ls]"}), "not acceptable"),
        (compressed, "scores.parquet is compressed inside"),
    ],
)  # fmt: skip
def test_a_file_that_was_changed_says_what_is_wrong(one_file, damage, said):
    with pytest.raises(Invalid, match=said):
        packed.read(damage(one_file))


def test_a_bomb_is_refused_before_it_is_unpacked(one_file, monkeypatch):
    """A gigabyte of zeros packs to a megabyte."""
    monkeypatch.setattr(packed, "MOST_UNPACKED", 1 << 20)
    with pytest.raises(Invalid, match="unpacks to"):
        packed.read(raw(one_file, "curves.parquet", b"\0" * (2 << 20)))


def test_a_byte_anywhere_in_the_file_is_noticed_or_changes_nothing(one_file):
    whole = packed.read(one_file)
    for at in range(0, len(one_file), max(1, len(one_file) // 400)):
        damaged = bytearray(one_file)
        damaged[at] ^= 0x41
        try:
            found = packed.read(bytes(damaged))
        except Invalid:
            continue
        assert found == whole, at
