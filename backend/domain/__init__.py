"""The meaning. Words, said once and used everywhere:

**Task** an NLP task · **Format** its shape, which owns head, encoding, decoding and metrics · **Model** a pretrained
encoder · **Recipe** how the intermediate stage is done · **Experiment** what a user submits · **Run** one execution
(pretrain, intermediate, finetune, evaluate), shared by equal fingerprint · **Attempt** one try at a run · **Score** one
number · **Gain** a difference of two scores · **Snapshot** a frozen result behind a share link.

Only the standard library and pydantic below this line.
"""
