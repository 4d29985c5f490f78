"""Every word and every formula, one paragraph each, said once: for the page of help, for tooltips, for the file that opens
without a network.

``links.help("gain")`` leads to a word. ``plain`` is the paragraph, ``formula`` stands under it on a line of its own,
``sources`` say where a method is from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """One entry."""

    title: str
    plain: str
    formula: str | None = None
    sources: tuple[str, ...] = ()

    @property
    def short(self) -> str:
        """Its first sentence: for a tooltip."""
        return self.plain.partition(". ")[0].removesuffix(".") + "."


PHANG = "Phang et al. 2020, arXiv 2005.13013"
XTREME_R = "Ruder et al. 2021, XTREME-R, arXiv 2104.07412"
BH = "Benjamini and Hochberg 1995, J. R. Stat. Soc. B 57(1)"
KAPLAN = "Kaplan et al. 2020, arXiv 2001.08361"

#: What the numbers are made of.
THINGS: Mapping[str, Word] = {
    "task": Word(
        "Task",
        "An NLP task, such as mnli or xnli. A target task is what a model is evaluated on, in every language that has data; "
        "an intermediate task is one that it is trained on first, in English. A task is never a piece of queue work: that is "
        "a run.",
        sources=(PHANG, XTREME_R),
    ),
    "format": Word(
        "Format",
        "The shape of a task: classification, tagging, span question answering, multiple choice, bitext retrieval, answer or "
        "entity retrieval. The format owns the head that is put on the encoder, how examples are encoded and decoded, and the "
        "metrics; a task owns only its facts.",
    ),
    "model": Word(
        "Model",
        "A pretrained multilingual encoder: its checkpoint and revision, its layers and family, and its parameters, counted "
        "in total and without embeddings. The embeddings of multilingual encoders are 47 to 71 % of their parameters and cost "
        "next to nothing to compute with, so both counts are shown.",
    ),
    "recipe": Word(
        "Recipe",
        "How the intermediate stage is done: with which tasks (none, one, several mixed), for how many steps, and with which "
        "settings. none is the baseline of every gain; mnli trains on MNLI first; mnli+squad on a mixture; siqa>copa on SIQA and then on COPA; control:mnli and "
        "control-mlm:mnli are compute-matched controls. What stands after an @ was changed from the default.",
    ),
    "baseline": Word(
        "Baseline",
        "The recipe none: fine-tuned on the target's English training set without any intermediate stage, with the same "
        "seed, settings, precision and engine version. Published scores are never used as a baseline, because those of one "
        "model differ from paper to paper by as much as an effect.",
    ),
    "experiment": Word(
        "Experiment",
        "What is submitted: models × recipes × targets × seeds. It expands into runs; a run that exists already is reused and "
        "costs nothing. Its state is derived from the states of its runs.",
    ),
    "run": Word(
        "Run",
        "One execution of one of four kinds: pretrain, intermediate, finetune (on a target's English training set) and evaluate "
        "(one checkpoint, one target, all its languages). Runs form a graph. A run is waiting for others, queued, running, and "
        "at last done, failed, diverged, cancelled or skipped; such an end never changes.",
    ),
    "fingerprint": Word(
        "Fingerprint",
        "The SHA-256 of everything that makes a run's numbers: kind, task and data versions, model and revision, recipe, "
        "settings, precision, device class, seed, the fingerprints of the runs it starts from, and the version of the training "
        "code. Equal fingerprint means the same run, computed once and shared by all experiments that ask for it.",
    ),
    "attempt": Word(
        "Attempt",
        "One try at a run by one worker. A worker that stops giving signs of life loses the run, which is queued again with its "
        "attempt counted; what the lost worker still writes is refused, so no score appears twice.",
    ),
    "score": Word(
        "Score",
        "One number of one evaluate run: a language, a metric, a value in points from 0 to 100, and the number of test examples "
        "behind it, by the official rules of the benchmark's own scorer.",
        sources=(XTREME_R,),
    ),
    "snapshot": Word(
        "Snapshot",
        "A frozen result behind a share link: copied numbers with the runs they rest on, addressed by the SHA-256 of their "
        "canonical JSON (keys sorted, no white space, ASCII only). Title, note and date are not in it, so equal numbers have "
        "equal addresses, and whoever has the JSON can check the digest. Revoking a link or letting it expire makes it answer "
        "404; the link itself is shown once and only its digest is kept.",
        formula="address = SHA-256(canonical JSON);  check it with: sha256sum crosslift-….json",
    ),
    "seed": Word(
        "Seed",
        "The number that drives everything random in a replicate, in the intermediate and the fine-tune stage alike, so that "
        "replicates are independent end to end. What trains nothing (retrieval without an intermediate task) has no seed and is "
        "matched with every seed. n is the number of seeds behind a gain.",
    ),
    "published": Word(
        "Published figure",
        "A number of a paper or of its authors' page, kept with its table, row, protocol and the page it was read in. It is held "
        "against ours of the same model, recipe, task, language and metric, drawn as an open marker, and in no number of ours.",
    ),
    "imported": Word(
        "Imported score",
        "A score that was made elsewhere and brought in as a file, kept with its source: who, when, which file by its digest. Gains "
        "are taken among imported scores alone, within one source and its settings; own runs are in none of them.",
    ),
    "benchmark": Word(
        "Benchmark",
        "Where scores come from. XTREME-R is the real one; mini-XTREME-R is generated by this project, a small world told in about "
        "twelve languages, and is marked as synthetic wherever it is shown: it shows that the machinery works and says "
        "nothing about natural language. The two are never mixed.",
        sources=(XTREME_R,),
    ),
}

#: How the numbers are computed.
FORMULAS: Mapping[str, Word] = {
    "gain": Word(
        "Gain",
        "The score with the intermediate stage minus the matching score without it: same model, target, language, metric, seed, "
        "settings, precision and engine version. The gain of a cell is the mean over its seeds. Where there is no matching "
        "baseline there is no gain, never a zero.",
        formula="dₛ = score with recipe, seed s − score with none, seed s;   gain = (d₁ + … + dₙ) / n",
        sources=(PHANG,),
    ),
    "settings": Word(
        "Settings",
        "What a run with the recipe and its baseline must have in common: how the target is fine-tuned and in which languages, the "
        "data, the precision, the class of device, the version of the engine. A gain is a difference within one of them. Where a "
        "model and target were measured under several, Explore names what tells them apart; one can be chosen, and else each cell "
        "shows those with most seeds, then with the latest run. The choice is made by seeds and runs, never by the result, and "
        "changes no q.",
    ),
    "interval": Word(
        "Interval",
        "The 95 % interval of a cell's mean gain from Student's t, written in brackets: +1.2 [0.3, 2.1]. It says where the mean "
        "over new seeds is to be expected, for one cell at a time and not corrected for the others, and takes the test "
        "sentences as given. One seed has none; two have one, a very wide one.",
        formula="gain ± t(0.975; n − 1) · sd / √n,   sd² = Σ (dₛ − gain)² / (n − 1)",
        sources=("Student 1908, Biometrika 6(1)",),
    ),
    "paired-t": Word(
        "p, paired t",
        "The primary test of a cell, from three seeds on: how often differences at least this far from zero would come about if "
        "the true mean difference were zero and the differences were normally distributed. Where all seeds differ by exactly "
        "the same amount, t has no meaning and the sign flip's p stands in.",
        formula="t = gain / (sd / √n),   n − 1 degrees of freedom, two-sided",
        sources=("Student 1908, Biometrika 6(1)",),
    ),
    "sign-flip": Word(
        "p, exact sign flip",
        "A test without any assumption about the shape of the noise, beside the primary one: the share of all 2ⁿ ways to give the "
        "n differences a sign whose sum is at least as far from zero as the one seen. It cannot go below 2/2ⁿ: .25 with three "
        "seeds, .0625 with five, .031 with six.",
        formula="p = #{signs: |Σ ± dₛ| ≥ |Σ dₛ|} / 2ⁿ",
        sources=("Fisher 1935, The Design of Experiments, § 21",),
    ),
    "bh": Word(
        "q, and its family",
        "A p corrected for looking at many cells at once. The family is fixed: all recipe × language cells of one model, target "
        "and metric that have a test, whatever is filtered on screen. Calling q < .05 a finding keeps the expected share of "
        "false ones among the findings at 5 %. A dot marks a finding.",
        formula="qᵢ = min over j ≥ i of p₍ⱼ₎ · m / j,   p sorted upwards, m cells in the family",
        sources=(BH,),
    ),
    "detectable": Word(
        "Detectable gain",
        "The true gain that this cell's number of seeds and their spread would have found four times out of five (5 %, two-sided, "
        "one cell on its own). No evidence together with a large detectable gain means that the cell could not have shown "
        "much; many cells at once ask for more.",
        formula="sd / √n · δ,   δ such that P(|T(n − 1, δ)| ≥ t(0.975; n − 1)) = 0.8",
    ),
    "sure": Word(
        "How sure a gain is",
        "Three 95 % intervals of one gain, each for another question: what would new seeds on this test set give, what would a new "
        "test set give these very models, and what would both anew give. The third is the one to quote. Beside them stand "
        "the relative gain, the gap to English, how many test examples were won and lost, the rank among recipes, and the runs that "
        "failed and so are in no number. How often each interval holds the truth was simulated; where it could be fewer than 93 in "
        "100 none is shown, or it is said.",
    ),
    "over-examples": Word(
        "Interval over test examples",
        "A paired bootstrap with the models as they are: test examples are drawn anew with replacement, 2,000 times, each time the same "
        "ones with the recipe and without, for all seeds and languages at once. Questions on one paragraph, hypotheses on one "
        "premise and translations of one example are drawn together. The interval is BCa: percentiles of the drawn gains, corrected "
        "for bias and skewness. A score that is no mean of examples, as the F1 of entities, is counted anew for every draw. It says "
        "nothing of new seeds, and needs 50 independent examples, 10 of them with a difference.",
        formula="α = Φ(z₀ + (z₀ ± 1.96) / (1 − a · (z₀ ± 1.96)))",
        sources=("Efron 1987, J. Am. Stat. Assoc. 82(397)",),
    ),
    "over-both": Word(
        "Interval over seeds and test examples",
        "Every seed is tested on the same examples, so a gain has two sources of noise, and what is left over. Their mean squares "
        "give the variance of the mean; the share of seeds in it tells whether more seeds or a larger test set would narrow it. Scores "
        "that are no means go in as jackknife pseudo-values. Two rules for the width are known, one too narrow at three seeds (92 "
        "in 100), one too wide (98); what is shown is half-way, which was simulated at 94 to 97. It takes three seeds.",
        formula="variance = [MS(seeds) + max(MS(examples) − MS(rest), 0)] / (S · N)",
        sources=(
            "Dorfman, Berbaum and Metz 1992, Invest. Radiol. 27",
            "Hillis 2007, Statist. Med. 26",
            "Cochran and Cox 1957, Experimental Designs",
        ),
    ),
    "relative": Word(
        "Relative gain",
        "The gain in percent of the baseline's mean score: five points are much from 20 and little from 80. Of an error rate it is the "
        "share of errors that are gone. A baseline near zero makes it large and unsure.",
        formula="g(s → t) = (p(s → t) − p(t)) / p(t)",
        sources=("Vu et al. 2020, arXiv 2005.00770",),
    ),
    "gap": Word(
        "Gap to English",
        "The English score minus the score in another language, of the same models. A recipe that lifts English more than the language "
        "widens it. The interval of its change is paired t over seeds.",
        formula="change = gain in English − gain in the language",
        sources=("Hu et al. 2020, XTREME, arXiv 2003.11080",),
    ),
    "record": Word(
        "Won, tied, lost",
        "Independent test examples (paragraphs, premises, cases where several belong together) that score better with the recipe than "
        "without, the same, and worse, on the mean over seeds. Many won and many lost with a small gain mean that the recipe changes "
        "answers more than it improves them.",
    ),
    "rank": Word(
        "Rank among recipes",
        "Where the recipe stands by mean gain among those with the same languages and seeds; in how many draws of seeds with "
        "replacement it is the best; and Kendall's τ between the orders of any two seeds: 1 where all seeds order the recipes "
        "alike, 0 where the orders have nothing in common. It takes three seeds, and says how much these seeds disagree, not how "
        "probable it is that a recipe is truly best.",
        formula="τ = (pairs of recipes in the same order − in the other) / pairs, corrected for ties",
        sources=("Kendall 1945, Biometrika 33(3)",),
    ),
    "buckets": Word(
        "Gain by kind of test example",
        "A cell's test examples divided by what they are: length, label, kind and length of the answer, word overlap of question and "
        "paragraph or of premise and hypothesis, script, type of entity, tag. Numbers are cut into thirds of about as many examples. "
        "Each part has its own gain and interval, over seeds and examples from three seeds on, and none where it holds too few. "
        "Of a mean over languages each part is over the languages that have the attribute, each weighing the same, and thirds are each "
        "language's own, so that parts differ by their examples and not by their languages. "
        "Lengths, overlap and script are kept with a run's predictions when it is evaluated; runs from before that have the others.",
        sources=("Liu et al. 2021, ExplainaBoard, arXiv 2104.06387",),
    ),
    "flipped": Word(
        "Examples that flipped",
        "Test examples that are wrong without the recipe and right with it (fixed), or the other way round (broken), of baseline and recipe "
        "with the same seed. An example is right as a whole: its label, option or first passage is the right one, its answer matches "
        "exactly, every tag of its sentence is right. McNemar's exact test asks whether, among those that changed, one direction is likelier than "
        "the other: a binomial test of one half, two-sided, seed by seed and never over several.",
        sources=("McNemar 1947, Psychometrika 12(2)",),
    ),
    "verdict": Word(
        "Verdict",
        "A cell's result in words, so that colour is never alone. helps: q < .05 and the gain is above zero. hurts: q < .05 and below "
        "zero. no evidence: tested, and neither; that is no proof that there is no effect. too few seeds: below three, not "
        "tested. The verdict of a mean over languages goes by its interval alone and is not corrected for other means.",
    ),
    "means": Word(
        "Means and common support",
        "Cells are averaged over languages first, each weighing the same, then over targets, as XTREME does. mean_transfer leaves "
        "English out, mean_all takes it in and is not given where English is missing. Means that stand side by side are over the languages in which every recipe has a "
        "gain, so that they differ by the recipe and not by the languages: k of n says how many those are. The interval of a "
        "mean is over seeds; it speaks of new seeds, not of new languages.",
        formula="mean_transfer = (1/k) Σ gain of language ℓ,   ℓ ≠ en, ℓ in the common support",
        sources=("Hu et al. 2020, XTREME, arXiv 2003.11080",),
    ),
    "marginal": Word(
        "Cost: marginal and amortised",
        "Device time behind a gain: the intermediate, fine-tune and evaluate runs of a recipe, mean over seeds, in device-seconds "
        "(wall time × the share of the device that the run was given). Marginal is what the recipe takes on its own. Amortised "
        "shares the intermediate run out over the targets evaluated from it: used by ten, it is cheap. The model's own "
        "pretraining is in neither. Hours of a GPU are called GPU-hours; those of a processor device-hours (cpu), and the two "
        "are never added up.",
        formula="marginal = I + F + E;   amortised = I / (targets using it) + F + E",
    ),
    "flops": Word(
        "FLOPs",
        "Floating-point operations, by the analytic rule: N is the number of parameters without embeddings, D the number of real "
        "sub-words, padding left out. Where the program could count them it shows the counted ones beside. An estimate of GPU-hours "
        "from FLOPs is labelled as such.",
        formula="training 6 · N · D,   inference 2 · N · D",
        sources=(KAPLAN,),
    ),
    "energy": Word(
        "Energy",
        "What the device's own counter reports over a run. Where a device reports nothing, it says not measured, never zero.",
    ),
    "front": Word(
        "Pareto front",
        "On the trade-off: the points that no other point beats, being both no dearer and no smaller in gain. Points off the front "
        "fade, they do not vanish. The front is of the means as measured; where intervals overlap, so may its order.",
    ),
    "portfolio": Word(
        "What a budget buys",
        "On the trade-off: the cells with the largest sum of mean gains that can be run for a budget, of each model and target at most "
        "one recipe. A training is paid once however many cells need it: an intermediate stage by all targets of its model and recipe, "
        "a fine-tune by targets with one training set. Chosen exactly, by branch and bound, unless it says how far off the best may be.",
        formula="max Σ gain·x   with   Σ evaluation·x + Σ training·y ≤ budget,   x ≤ y of each training that it needs",
    ),
    "language-mean": Word(
        "Mean gain of a language",
        "Of one model: the mean over recipes on each target, then over targets, each weighing the same, by headline metrics. On each "
        "target over the recipes that have a gain in every language of it, so that languages differ by the language and not by what was "
        "run. Left out are the same data twice, controls, and what was trained on rows in the language.",
        formula="mean over targets t of the mean over recipes r of gain(r, t, language)",
    ),
    "same-data-twice": Word(
        "Same data twice",
        "A recipe and a target that train on one data set: MNLI then XNLI, SQuAD then XQuAD or MLQA. Such a gain is more training "
        "on the target's own data, not transfer from another task. These cells run, are marked with ‡, and are left out of "
        "headline means and of the best pair.",
    ),
    "translate-train": Word(
        "Translate-train",
        "Training on translations of the English training set: of the target (translate_train in a request, XTREME's TRANSLATE-TRAIN; "
        "Hu et al. 2020) or of the intermediate task (mnli@languages=de+es). Cells in those languages are marked with † and not "
        "zero-shot: the encoder saw labelled rows in them. The baseline of a gain is fine-tuned on the same translations. Means hold such "
        "cells and say so; the best pair is chosen among the others.",
    ),
    "mlm-mixed-in": Word(
        "MLM mixed in",
        "Masked language modelling (guessing hidden words of running text, in many languages) between the steps of the intermediate "
        "task, so that the encoder does not forget other languages (mnli@mlm=0.5; Phang et al. 2020). The share is of all steps of a "
        "stage; the task keeps its own, so such a stage is longer. Its control spends as many.",
    ),
    "control": Word(
        "Compute-matched control",
        "A recipe that spends exactly the steps of an intermediate stage on something else: control on more training on the target "
        "itself, control-mlm on more masked language modelling. A gain that the control shows too comes from more compute, not "
        "from the intermediate task.",
    ),
    "missing": Word(
        "Missing cells",
        "A cell without a gain says why. n/a, not applicable: the target has no data in this language, or the recipe does not fit it "
        "(blank). not run: nobody has asked for it, or it has not finished (hatched). failed: a run failed or diverged "
        "(crossed). withheld: the test labels are not public (dotted). About two fifths of XTREME-R's language × task grid "
        "exists, so this is the normal case; nothing missing is ever counted as zero.",
        sources=(XTREME_R,),
    ),
    "selection": Word(
        "Selection of checkpoints",
        "Zero-shot means that no target-language data choose anything: the checkpoint is the one that is best on English development "
        "data. An oracle score, chosen on the target language's development data, is labelled where it is shown.",
        sources=("Keung et al. 2020, arXiv 2004.15001",),
    ),
    "map": Word(
        "mAP@20",
        "Of LAReQA: each question searches the answers of all languages at once. Its average precision is the mean, over the answers "
        "that are right, of the share of right ones among all that are ranked as high; only the first twenty places count. mAP@20 is "
        "the mean over questions. It is high only where right answers of every language come before wrong ones of the question's own.",
        formula="AP@20 = (1 / R) · Σ precision at each right answer among the first 20,   R right answers in all",
        sources=(XTREME_R, "Roy et al. 2020, LAReQA, arXiv 2004.05484"),
    ),
    "mining": Word(
        "Bitext mining",
        "BUCC 2018: two texts of which only some sentences have a translation in the other. Candidate pairs are scored by how near "
        "their vectors are; those above a threshold count as found, and the threshold is the one that is best on development data. "
        "The score is the F1 of the pairs found.",
        sources=("Zweigenbaum et al. 2018, BUCC", "Hu et al. 2020, XTREME, arXiv 2003.11080"),
    ),
    "ratio-margin": Word(
        "Ratio margin",
        "How a pair of sentences is scored in bitext mining: its cosine, divided by the mean cosine of both with their k nearest "
        "neighbours in the other text. A sentence that is near to everything then gains nothing by it.",
        formula="margin(x, y) = cos(x, y) / [½ · mean of cos(x, its k nearest) + ½ · mean of cos(y, its k nearest)]",
        sources=("Artetxe & Schwenk 2019, arXiv 1811.01136",),
    ),
    "error-rate": Word(
        "Error rate (MultiCheckList)",
        "The share of a test's cases that a question-answering model fails, in points. A case is a set of paragraphs with all their "
        "questions, and one wrong answer fails it. Six tests, in up to fifty languages; error rate alone is the mean of the six. Less "
        "is better, so a gain is baseline minus treated: above zero means fewer errors, here too. It is part of no mean over targets.",
        formula="error rate = 100 · failed cases / cases;   gain = baseline − treated",
        sources=(XTREME_R,),
    ),
    "lora": Word(
        "LoRA",
        "Low-rank adaptation: a stage trains, instead of the encoder's weights, a product of two thin matrices beside every linear map "
        "of every layer that is not frozen; heads are trained whole. When the stage is saved the product is added to the weights, "
        "so that whatever comes after loads an encoder like any other. It may be set for the stage on the target, for an "
        "intermediate one, or both; the baseline of a gain has the same stage on the target.",
        formula="W + (alpha / rank) · B A,   B of height × rank, A of rank × width",
        sources=("Hu et al. 2021, arXiv 2106.09685",),
    ),
    "oracle": Word(
        "Oracle selection",
        "What a target would score in a language if the checkpoint of the fine-tune were chosen by that language's own development "
        "data. Zero-shot transfer chooses by English development data alone, which often picks another checkpoint than the "
        "language would; the distance between the two says how much of a score is that choice. It is recorded where a request asks "
        "for it and the target has development data apart from its test data, as a score of its own name; it is no zero-shot "
        "score, never a headline, and part of no gain.",
        formula="oracle = test score of the checkpoint with the best development score in the same language; the earlier one of equals",
        sources=("Keung et al. 2020, arXiv 2004.15001",),
    ),
    "coverage": Word(
        "Coverage",
        "Cells that have a gain, of all cells of every model, recipe and target that was ever asked for. It says how much of the "
        "grid an overall statement rests on.",
    ),
    "size-effect": Word(
        "Effect of model size",
        "How many points more an intermediate task is worth per ten-fold parameters without embeddings, within one recipe, target and "
        "language. A mixed-effects model takes the luck of a model's seed, which all its targets share, its luck on one target, which all "
        "languages share, and how languages differ, as random. Its interval speaks of new seeds and languages with these models, not of "
        "models that nobody has run. Below three sizes, or three seeds of each, there is none.",
        formula="gain = cell + β · log₁₀ size + u[seed] + v[seed, target] + b[language] · log₁₀ size + e",
        sources=("Patterson and Thompson 1971, Biometrika 58(3)", "Satterthwaite 1946, Biometrics Bulletin 2(6)"),
    ),
    "interest": Word(
        "Smallest effect of interest",
        "One point per ten-fold parameters or device-hours: published baselines of one model differ by more. An effect is called too small to "
        "matter only where its whole 95 % interval lies within plus and minus that; an interval that merely holds zero says no such thing.",
    ),
    "per-hour": Word(
        "Gain per device-hour",
        "The mean gain of a pair divided by its marginal device-hours, where the gain is positive. It ranks pairs within one "
        "class of device; hours of a processor and of a GPU are not compared.",
        formula="mean_transfer / marginal device-hours",
    ),
}

#: How each figure is read.
FIGURES: Mapping[str, Word] = {
    "heatmap": Word(
        "The heatmap on Explore",
        "Rows are recipes, columns languages, the first column the mean over transfer languages with its support. Blue is a gain, "
        "red a loss, white is zero; the colours end at the 98th percentile of the matrix and do not move when something is "
        "filtered. A dot is a finding (q < .05). Hatched, crossed, dotted and blank cells are missing for different reasons. "
        "Choosing a cell opens what is known of it; T turns the figure into a table.",
        sources=("Colours: Crameri 2018, vik, doi 10.5281/zenodo.1243862",),
    ),
    "cell": Word(
        "The drawer of a cell",
        "Verdict first, then both scores, the gain with its interval, n, p and q, the detectable gain, each seed's difference on a "
        "common scale, what it cost, and the runs that it comes from.",
    ),
    "trade-off": Word(
        "The trade-off",
        "Each point is the mean gain of one model, recipe and target, over its parameters or its device-hours on a logarithmic axis. "
        "Bars are 95 % intervals over seeds; the line is the Pareto front. A line that rises to the right over parameters "
        "is a pattern in what was measured, not a law.",
    ),
    "answer-page": Word(
        "The answer page",
        "The sentence on top is made from the estimates and claims no more than their intervals. Effects stand with their 95 % intervals, "
        "over a strip of what is too small to matter; a row without a mark says that there is not enough evidence. Below, the mean gain of "
        "each model against its size with the fitted line and its band, and the points that a device-hour buys. The table of sensitivity "
        "shows the effect of size without each task and target.",
    ),
    "small-heatmap": Word(
        "The small heatmap on Overview",
        "One model; rows are recipes, columns targets, each number the mean gain over transfer languages of the target's headline "
        "metric. ‡ marks same data twice. Choosing a cell leads to its languages on Explore.",
    ),
    "frozen": Word(
        "A frozen page",
        "What a share link shows: the same figures, made by the same program from frozen numbers. Its controls change how the numbers "
        "are shown and never which. Its banner names the date, the runs behind it and the SHA-256.",
    ),
}

SECTIONS: tuple[tuple[str, str, Mapping[str, Word]], ...] = (
    ("words", "Words", THINGS),
    ("formulas", "How each number is computed", FORMULAS),
    ("figures", "How to read each figure", FIGURES),
)

WORDS: Mapping[str, Word] = {**THINGS, **FORMULAS, **FIGURES}
