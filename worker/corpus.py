"""Text of a user's own for masked-language modelling: checked against what was planned, a tokenizer for it, and its sub-words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from itertools import islice
from typing import Any, cast

import numpy as np
import sentencepiece
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from backend.domain.run import digest
from backend.domain.text import Corpus, Unreadable, sampling
from backend.domain.text.spec import TextSpec
from worker.artifacts import file_digest
from worker.data import MissingData, cached
from worker.encoder import SPECIAL_TOKENS, Encoder, finished, kept
from worker.formats import Features
from worker.outcomes import Job

TOKENIZER_VERSION = 1  # raise it when the same text would give another tokenizer
ENCODING_VERSION = 1  # raise it when the same lines would give other rows
MOST_LINES = 1_000_000  # that a tokenizer is trained on
#: Share of the text whose characters are entries of the vocabulary; rarer ones are unknown. SentencePiece's own default, which
#: XLM-R's tokenizer was made with (Kudo & Richardson 2018, ``character_coverage``).
COVERAGE = 0.9995
CHUNK = 8192  # lines that are tokenized at a time


def opened(job: Job) -> Corpus:
    """The run's text, every file of it as it was when the run was planned.

    Raises:
        MissingData: no data root is set, or a file is not there or has changed; names it.
    """
    spec = _spec(job)
    if job.data_root is None:
        raise MissingData("this run reads text, but no data root is set on this worker (CROSSLIFT_DATA_ROOT)")
    for part in spec.files:
        path = job.data_root / part.path
        if not path.is_file():
            raise MissingData(f"{part.path} is not in the data root of this worker (CROSSLIFT_DATA_ROOT)")
        if (found := file_digest(path)) != part.sha256:
            raise MissingData(
                f"{part.path} has changed since this model was defined: its SHA-256 is {found}, expected {part.sha256}; put the "
                "old file back, or pretrain a model of another name on the new one"
            )
    try:
        return spec.corpus(job.data_root)
    except Unreadable as error:
        raise MissingData(error.detail) from error


def _spec(job: Job) -> TextSpec:
    assert job.spec.text is not None  # the caller asks
    return job.spec.text


# --- the tokenizer --------------------------------------------------------------------------------------------------


def tokenizer_for(job: Job, vocabulary: int) -> PreTrainedTokenizerFast:
    """A Unigram tokenizer of exactly this many entries for the run's text. Same text, same tokenizer; kept in the cache.

    Raises:
        MissingData: as ``opened``; ValueError: the vocabulary does not hold the characters of the text.
    """
    spec = _spec(job)
    key = digest([TOKENIZER_VERSION, vocabulary, spec.exponent, _content(spec)])

    def make() -> PreTrainedTokenizerFast:
        corpus = opened(job)
        return train_unigram({code: _sample(corpus, code, spec) for code in corpus.languages}, vocabulary)

    return kept(job.cache / "tokenizers" / key, make)


def _content(spec: TextSpec) -> list[Any]:
    return [spec.reader, list(spec.languages), [[f.path, f.sha256] for f in spec.files]]


def _sample(corpus: Corpus, language: str, spec: TextSpec) -> list[str]:
    """Lines that the tokenizer sees of a language, evenly spread: by the same p ∝ n^α as training, as XLM-R's vocabulary was
    made (Conneau et al. 2020, section 3.1), but none twice."""
    lines = corpus.lines
    wanted = round(sampling(lines, spec.exponent)[language] * min(sum(lines.values()), MOST_LINES))
    have = lines[language]
    taken = min(max(1, wanted), have)
    chosen = iter(i * have // taken for i in range(taken))
    following = next(chosen)
    found = []
    for number, line in enumerate(corpus.read(language)):
        if number == following:
            found.append(line)
            following = next(chosen, -1)
    return found


def train_unigram(text: Mapping[str, Sequence[str]], vocabulary: int) -> PreTrainedTokenizerFast:
    """Train on lines by language: XLM-R's kind, a SentencePiece Unigram model (Kudo 2018) over NFKC text with ``▁`` for spaces.

    SentencePiece trains it and the pieces are handed over: the trainer of ``tokenizers`` took five minutes for 27,000 lines,
    this one seconds. Text too small for so many pieces gives fewer, and the vocabulary is filled up.

    Raises:
        ValueError: the vocabulary does not hold the characters of the text; says how many entries would.
    """
    normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")])
    lines = [normalizer.normalize_str(line) for own in text.values() for line in own]
    known = _characters(Counter("".join(lines)))
    least = known + len(SPECIAL_TOKENS) + 3
    if vocabulary < least:
        raise ValueError(
            f"vocabulary {vocabulary} does not hold the {known} characters that make up {COVERAGE:.2%} of the text; at least "
            f"{least} is needed, and some thousands more for words"
        )
    written = BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=written, model_type="unigram",
        vocab_size=vocabulary - len(SPECIAL_TOKENS), hard_vocab_limit=False, character_coverage=COVERAGE,
        normalization_rule_name="identity", bos_id=-1, eos_id=-1, pad_id=-1, num_threads=1, minloglevel=2,
        max_sentence_length=1 << 16, seed_sentencepiece_size=min(1_000_000, 16 * vocabulary),
    )  # fmt: skip
    model = sentencepiece.SentencePieceProcessor(model_proto=written.getvalue())
    pieces = [
        (model.id_to_piece(i), model.get_score(i)) for i in range(model.get_piece_size()) if not model.is_unknown(i)
    ]
    own = models.Unigram([*((token, 0.0) for token in SPECIAL_TOKENS), *pieces], len(SPECIAL_TOKENS) - 1, False)
    tokenizer = Tokenizer(own)
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS))
    return finished(tokenizer, vocabulary)


def _characters(counts: Counter[str]) -> int:
    """How many of the most frequent characters together make up COVERAGE of the text."""
    wanted, have = COVERAGE * counts.total(), 0
    for number, (_, n) in enumerate(counts.most_common(), 1):
        have += n
        if have >= wanted:
            return number
    return 0


# --- sub-words -------------------------------------------------------------------------------------------------------


def features_of(job: Job, encoder: Encoder, max_length: int) -> Features:
    """The lines of all languages as rows of at most ``max_length`` sub-words; a longer line gives several. ``row["language"]`` is
    the number of a row's language in the order of the spec.

    Raises:
        MissingData: as ``opened``.
    """
    spec = _spec(job)
    key = digest(["own text", ENCODING_VERSION, _content(spec), encoder.tokenizer_digest, max_length])

    def make() -> Mapping[str, NDArray[Any]]:
        corpus = opened(job)
        parts = [
            Features.build(rows, row={"language": [number] * len(rows)})
            for number, code in enumerate(corpus.languages)
            for lines in _chunks(corpus.read(code))
            if (rows := _rows(encoder.tokenizer, lines, max_length))
        ]
        return Features.joined(parts).arrays()

    return Features.from_arrays(cached(job.cache / "features" / f"{key}.safetensors", make))


def _chunks(lines: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(lines)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def _rows(tokenizer: PreTrainedTokenizerFast, lines: Sequence[str], max_length: int) -> list[list[int]]:
    encoded = tokenizer(
        lines, truncation=True, max_length=max_length, return_overflowing_tokens=True, return_attention_mask=False,
        return_token_type_ids=False,
    )  # fmt: skip
    return cast(list[list[int]], encoded["input_ids"])


def split(
    features: Features, languages: Sequence[str], most: int
) -> tuple[dict[str, NDArray[np.int64]], NDArray[np.int64]]:
    """Row numbers to train on, by language, and those to hold out: of each language its last rows, at most ``most`` and a
    twentieth of it.

    Raises:
        MissingData: there is too little text to hold anything out.
    """
    train: dict[str, NDArray[np.int64]] = {}
    held: list[NDArray[np.int64]] = []
    for number, code in enumerate(languages):
        own = np.flatnonzero(features.row["language"] == number)
        out = min(most, max(1, len(own) // 20)) if len(own) > 1 else 0
        train[code] = own[: len(own) - out]
        held.append(own[len(own) - out :])
    dev = np.concatenate(held)
    if not len(dev):
        raise MissingData("the text has no language with two lines: nothing could be held out to measure the loss on")
    return train, dev
