"""Published multilingual encoders. A model is one entry: its documented sizes, its checkpoint, its licence.

Sizes are those of each checkpoint's configuration. Totals that were published are rounded, or count a head, a decoder or a
pooler that is not used here; where that makes a difference to see, ``note`` says so.
"""

from __future__ import annotations

from typing import Any

from backend.domain.architecture import MT5_LENGTH, Architecture, Kind
from backend.domain.model.entry import Family, Model
from backend.domain.task import Source

_XLMR = "Conneau et al. 2020, Unsupervised Cross-lingual Representation Learning at Scale"
_XLMR_XL = "Goyal et al. 2021, Larger-Scale Transformers for Multilingual Masked Language Modeling"
_MT5 = "Xue et al. 2021, mT5: A massively multilingual pre-trained text-to-text transformer"
_MMBERT = "Marone et al. 2025, mmBERT: A Modern Multilingual Encoder with Annealed Language Learning"
_EUROBERT = "Boizard et al. 2025, EuroBERT: Scaling Multilingual Encoders for European Languages"
_INFOXLM = "Chi et al. 2021, InfoXLM"
_MINILM2 = "Wang et al. 2021, MiniLMv2"


def _shape(
    kind: Kind, layers: int, hidden: int, heads: int, feed_forward: int, vocabulary: int, positions: int, types: int,
    **more: int,
) -> Architecture:  # fmt: skip
    return Architecture(
        kind=kind, layers=layers, hidden=hidden, heads=heads, feed_forward=feed_forward, vocabulary=vocabulary,
        positions=positions, types=types, **more,
    )  # fmt: skip


def _hub(name: str, title: str, family: Family, checkpoint: str, architecture: Architecture, **facts: Any) -> Model:
    return Model(
        name=name, title=title, family=family, checkpoint=checkpoint, architecture=architecture,
        sources=(Source.HUB, Source.FILES), **facts,
    )  # fmt: skip


def _xlmr(layers: int, hidden: int, heads: int, feed_forward: int, vocabulary: int = 250002) -> Architecture:
    return _shape("xlm-roberta", layers, hidden, heads, feed_forward, vocabulary, positions=514, types=1)


def _mt5(size: str, published: str, layers: int, hidden: int, heads: int, feed_forward: int) -> Model:
    return _hub(
        f"mt5-{size}", f"mT5 {size if 'x' not in size else size.upper()}, encoder", Family.MT5, f"google/mt5-{size}",
        _shape(
            "mt5", layers, hidden, heads, feed_forward, vocabulary=250112, positions=MT5_LENGTH, types=0, head_size=64,
            buckets=32,
        ),
        licence="Apache-2.0", citation=_MT5,
        note=f"The encoder half alone; the published {published} count the decoder and the output matrix too.",
    )  # fmt: skip


def _mmbert(size: str, hidden: int, heads: int) -> Model:
    return _hub(
        f"mmbert-{size}", f"mmBERT {size}", Family.MMBERT, f"jhu-clsp/mmBERT-{size}",
        _shape("modernbert", 22, hidden, heads, 1152, vocabulary=256000, positions=8192, types=0),
        licence="MIT", citation=_MMBERT,
    )  # fmt: skip


def _eurobert(size: str, layers: int, hidden: int, heads: int, feed_forward: int, key_value_heads: int) -> Model:
    return _hub(
        f"eurobert-{size.lower()}", f"EuroBERT {size.upper()}", Family.EUROBERT, f"EuroBERT/EuroBERT-{size}",
        _shape(
            "eurobert", layers, hidden, heads, feed_forward, vocabulary=128256, positions=8192, types=0,
            key_value_heads=key_value_heads,
        ),
        licence="Apache-2.0", citation=_EUROBERT,
        note="The hub counts its untied output matrix too (0.3 and 0.8 billion for the smaller two).",
    )  # fmt: skip


ENTRIES = (
    _hub(
        "xlmr-base", "XLM-R base", Family.XLM_R, "FacebookAI/xlm-roberta-base", _xlmr(12, 768, 12, 3072),
        licence="MIT", citation=_XLMR, note="Published as 250, 270 and 279 million.",
    ),
    _hub(
        "xlmr-large", "XLM-R large", Family.XLM_R, "FacebookAI/xlm-roberta-large", _xlmr(24, 1024, 16, 4096),
        licence="MIT", citation=_XLMR, note="Published as 550, 559 and 560 million.",
    ),
    _hub(
        "xlmr-xl", "XLM-R XL", Family.XLM_R, "facebook/xlm-roberta-xl",
        _shape("xlm-roberta-xl", 36, 2560, 32, 10240, vocabulary=250880, positions=514, types=1),
        licence="MIT", citation=_XLMR_XL,
    ),
    _hub(
        "xlmr-xxl", "XLM-R XXL", Family.XLM_R, "facebook/xlm-roberta-xxl",
        _shape("xlm-roberta-xl", 48, 4096, 32, 16384, vocabulary=250880, positions=514, types=1),
        licence="MIT", citation=_XLMR_XL,
    ),
    _hub(
        "xlmv-base", "XLM-V base", Family.XLM_V, "facebook/xlm-v-base", _xlmr(12, 768, 12, 3072, vocabulary=901629),
        licence="MIT", citation="Liang et al. 2023, XLM-V: Overcoming the Vocabulary Bottleneck",
    ),
    _hub(
        "infoxlm-base", "InfoXLM base", Family.INFOXLM, "microsoft/infoxlm-base", _xlmr(12, 768, 12, 3072),
        licence="MIT", citation=_INFOXLM,
    ),
    _hub(
        "infoxlm-large", "InfoXLM large", Family.INFOXLM, "microsoft/infoxlm-large", _xlmr(24, 1024, 16, 4096),
        licence="MIT", citation=_INFOXLM,
    ),
    _hub(
        "mminilm", "Multilingual MiniLM, 12 layers", Family.MINILM, "microsoft/Multilingual-MiniLM-L12-H384",
        _shape("bert", 12, 384, 12, 1536, vocabulary=250037, positions=512, types=2),
        licence="MIT", citation="Wang et al. 2020, MiniLM", note="BERT's architecture with XLM-R's tokenizer.",
    ),
    _hub(
        "mminilm2-l6", "mMiniLMv2, 6 layers", Family.MINILM, "nreimers/mMiniLMv2-L6-H384-distilled-from-XLMR-Large",
        _xlmr(6, 384, 12, 1536), licence="MIT", citation=_MINILM2,
    ),
    _hub(
        "mminilm2-l12", "mMiniLMv2, 12 layers", Family.MINILM, "nreimers/mMiniLMv2-L12-H384-distilled-from-XLMR-Large",
        _xlmr(12, 384, 12, 1536), licence="MIT", citation=_MINILM2,
    ),
    _hub(
        "mbert", "mBERT base, cased", Family.MBERT, "google-bert/bert-base-multilingual-cased",
        _shape("bert", 12, 768, 12, 3072, vocabulary=119547, positions=512, types=2),
        licence="Apache-2.0", citation="Devlin et al. 2019, BERT; multilingual checkpoint",
    ),
    _hub(
        "distilmbert", "DistilmBERT", Family.MBERT, "distilbert/distilbert-base-multilingual-cased",
        _shape("distilbert", 6, 768, 12, 3072, vocabulary=119547, positions=512, types=0),
        licence="Apache-2.0", citation="Sanh et al. 2019, DistilBERT; multilingual checkpoint",
    ),
    _hub(
        "labse", "LaBSE", Family.LABSE, "sentence-transformers/LaBSE",
        _shape("bert", 12, 768, 12, 3072, vocabulary=501153, positions=512, types=2),
        licence="Apache-2.0", citation="Feng et al. 2022, Language-agnostic BERT Sentence Embedding",
        note="The encoder without its pooler and normalisation: sentences are pooled as the task says.",
    ),
    _hub(
        "mdeberta-base", "mDeBERTa-v3 base", Family.DEBERTA, "microsoft/mdeberta-v3-base",
        _shape("deberta-v2", 12, 768, 12, 3072, vocabulary=251000, positions=512, types=0, buckets=256),
        licence="MIT", citation="He et al. 2023, DeBERTaV3",
        note="Positions are relative, and their embeddings count as non-embedding (0.4 million).",
    ),
    _hub(
        "rembert", "RemBERT", Family.REMBERT, "google/rembert",
        _shape("rembert", 32, 1152, 18, 4608, vocabulary=250300, positions=512, types=2, embedding=256),
        licence="Apache-2.0", citation="Chung et al. 2021, Rethinking Embedding Coupling",
        note="As fine-tuned; in pretraining 995 million with the output embeddings, which are not kept.",
    ),
    _mmbert("small", hidden=384, heads=6),
    _mmbert("base", hidden=768, heads=12),
    _eurobert("210m", 12, 768, 12, 3072, key_value_heads=12),
    _eurobert("610m", 26, 1152, 18, 4096, key_value_heads=6),
    _eurobert("2.1B", 32, 2304, 18, 6144, key_value_heads=6),
    _mt5("small", "300 million", 8, 512, 6, 1024),
    _mt5("base", "580 million", 12, 768, 12, 2048),
    _mt5("large", "1.2 billion", 24, 1024, 16, 2816),
    _mt5("xl", "3.7 billion", 24, 2048, 32, 5120),
    _mt5("xxl", "13 billion", 24, 4096, 64, 10240),
)  # fmt: skip
