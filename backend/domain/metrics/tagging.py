"""Precision, recall and F1 of chunks.

Source: seqeval 0.0.12, ``metrics/sequence_labeling.py``, which XTREME's published test constants need. Later versions read
the first letter of a bare tag as a prefix *and take it off*, so that SCONJ and CCONJ become one kind: other numbers for
UD-POS, the same ones for PAN-X.
"""

from __future__ import annotations

from collections.abc import Sequence

OUTSIDE = "O"


def chunk_f1(predictions: Sequence[Sequence[str]], gold: Sequence[Sequence[str]]) -> float:
    """Micro F1 of chunks over all sentences: UD-POS on bare tags, PAN-X on IOB tags (XTREME's ``f1``).

    On bare tags a run of equal adjacent tags is one chunk, which is why this is not token accuracy.
    """
    return chunk_scores(predictions, gold)[2]


def chunk_scores(predictions: Sequence[Sequence[str]], gold: Sequence[Sequence[str]]) -> tuple[float, float, float]:
    """Precision, recall and F1 of chunks, in points; 0 where nothing was found or nothing was there.

    Raises:
        ValueError: a sentence has another number of tags than its gold, or there is no sentence.
    """
    if len(predictions) != len(gold) or any(len(p) != len(g) for p, g in zip(predictions, gold, strict=True)):
        raise ValueError("predicted and gold tags differ in number")
    if not gold:
        raise ValueError("nothing to score")
    # all sentences in one line with an outside tag after each, as seqeval has them
    ours = chunks([tag for sentence in predictions for tag in (*sentence, OUTSIDE)])
    theirs = chunks([tag for sentence in gold for tag in (*sentence, OUTSIDE)])
    right = len(ours & theirs)
    precision = right / len(ours) if ours else 0.0
    recall = right / len(theirs) if theirs else 0.0
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return precision * 100, recall * 100, f1 * 100


def token_accuracy(predictions: Sequence[Sequence[str]], gold: Sequence[Sequence[str]]) -> float:
    """Share of tokens with the right tag, in points. XTREME does not report it; many papers mean it by "POS accuracy".

    Raises:
        ValueError: the two differ in their number of tags, or there is none.
    """
    pairs = [pair for p, g in zip(predictions, gold, strict=True) for pair in zip(p, g, strict=True)]
    if not pairs:
        raise ValueError("nothing to score")
    return sum(p == g for p, g in pairs) / len(pairs) * 100


def chunks(tags: Sequence[str]) -> set[tuple[str, int, int]]:
    """Chunks (type, first, last) of a line of tags as seqeval 0.0.12 ``get_entities`` finds them.

    The first letter of a tag is its prefix, what follows the last hyphen its type, also in a bare tag: of ``SCONJ`` and
    ``SYM`` the S reads as "single", so that each is a chunk of its own. Nothing has to be well formed: an I after an O, or
    of another type than the tag before it, begins a chunk.
    """
    found = set()
    begin = 0
    last: str | None = None
    moves: dict[tuple[str | None, str], tuple[bool, bool, str]] = {}  # there are few different pairs of neighbours
    for at, tag in enumerate((*tags, OUTSIDE)):
        move = moves.get((last, tag))
        if move is None:
            before, kind_before = (OUTSIDE, "") if last is None else (last[0], last.split("-")[-1])
            prefix, kind = tag[0], tag.split("-")[-1]
            move = _ends(before, prefix, kind_before, kind), _starts(before, prefix, kind_before, kind), kind_before
            moves[last, tag] = move
        ends, starts, ended = move
        if ends:
            found.add((ended, begin, at - 1))
        if starts:
            begin = at
        last = tag
    return found


def _ends(before: str, prefix: str, kind_before: str, kind: str) -> bool:
    if before in "ES" or (before in "BI" and prefix in "BSO"):
        return True
    return before not in "O." and kind_before != kind


def _starts(before: str, prefix: str, kind_before: str, kind: str) -> bool:
    if prefix in "BS" or (before in "ESO" and prefix in "EI"):
        return True
    return prefix not in "O." and kind_before != kind
