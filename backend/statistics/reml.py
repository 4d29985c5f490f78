"""Linear models with crossed random effects, fitted by REML, with Satterthwaite's degrees of freedom.

Sources: Patterson and Thompson 1971, Biometrika 58(3) (the restricted likelihood); Satterthwaite 1946, Biometrics Bulletin 2(6).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg, optimize, special  # not scipy.stats, which takes as long to load as all the rest

SLOPES = "slope of a language"

Matrix = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted model: estimate and standard error of each column, and what its variance is made of."""

    estimates: tuple[float, ...]
    errors: tuple[float, ...]
    df: tuple[float, ...]
    variances: Mapping[str, float]  # of the random effects, points²
    shares: Mapping[str, tuple[float, ...]]  # of each random effect in the variance of each estimate


def t_quantile(df: float) -> float:
    """Below which 97.5 % of Student's t lie."""
    return float(special.stdtrit(df, 0.975))


class NotIdentified(Exception):
    """The data do not identify an effect; says why, in words that follow "not enough evidence:"."""


def indicators(names: Sequence[object], times: Matrix | None = None) -> Matrix:
    """A column for each different name, in their order; each row has 1, or ``times``, in that of its own."""
    order = {name: i for i, name in enumerate(sorted(set(names), key=repr))}
    made = np.zeros((len(names), len(order)))
    made[np.arange(len(names)), [order[n] for n in names]] = 1.0 if times is None else times
    return made


def contrasts(blocks: Sequence[object]) -> Matrix:
    """A matrix whose rows are orthonormal and sum to zero within each block: what is left when every block has an intercept
    of its own. A block of n rows gives n − 1 (Helmert's contrasts)."""
    places: defaultdict[object, list[int]] = defaultdict(list)
    for i, block in enumerate(blocks):
        places[block].append(i)
    made = np.zeros((len(blocks) - len(places), len(blocks)))
    at = 0
    for of in places.values():
        for k in range(1, len(of)):
            made[at, of[:k]] = 1 / math.sqrt(k * (k + 1))
            made[at, of[k]] = -math.sqrt(k / (k + 1))
            at += 1
    return made


def contrasted(blocks: Sequence[object], columns: Matrix) -> Matrix:
    """``contrasts(blocks) @ columns`` without that matrix, which has the square of the rows: each row of a block against the mean of
    those before it."""
    places: defaultdict[object, list[int]] = defaultdict(list)
    for i, block in enumerate(blocks):
        places[block].append(i)
    made = [np.zeros((0, columns.shape[1]))]
    for of in places.values():
        own = columns[of]
        k = np.arange(1, len(of))[:, None]
        made.append((np.cumsum(own, axis=0)[:-1] - k * own[1:]) / np.sqrt(k * (k + 1)))
    return np.concatenate(made)


def fit(y: Matrix, x: Matrix, parts: Mapping[str, tuple[Matrix, float]], whole: float | None = None) -> Fit:
    """REML fit of ``y = x β + Σ Zₖ uₖ + e``, all random effects crossed.

    The restricted likelihood (Patterson and Thompson 1971, Biometrika 58(3)) is that of statsmodels' MixedLM, and tests hold
    estimates, variances and likelihood equal to what MixedLM gives. It is maximised here because every step of MixedLM costs
    the square of the rows and its search often stops before the maximum where effects cross; here rows enter once, by their
    cross-products, and a step costs the cube of the levels of the random effects alone.

    Args:
        parts: of each random effect its design matrix and its degrees of freedom.
        whole: degrees of freedom of everything but the slopes of languages, taken as one; None: each has its own.

    Raises:
        NotIdentified: columns of x depend on each other, nothing varies, or the fit does not converge.
    """
    n, p = x.shape
    if n <= p or np.linalg.matrix_rank(x, tol=1e-9 * max(1.0, float(np.abs(x).max(initial=0.0))) * n) < p:
        raise NotIdentified("the columns of the design depend on each other")
    off = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    if float(off @ off) < 1e-9 * n:
        raise NotIdentified("all gains change alike: there is no variation to estimate a spread from")
    likelihood = Restricted(y, x, [z for z, _ in parts.values()])
    ratios, sigma = likelihood.maximum()
    beta = likelihood.at(ratios).beta
    variances = {name: float(ratio * sigma) for name, ratio in zip(parts, ratios, strict=True)}
    return _decomposed(beta, x, sigma, parts, variances, whole)


@dataclass(frozen=True, slots=True)
class _Step:
    criterion: float  # −2 × the profiled restricted log-likelihood, but for a constant
    gradient: Matrix  # by the logarithms of the ratios
    beta: Matrix
    sigma: float


class Restricted:
    """The restricted likelihood as a function of the ratios of variances, σₖ²/σ², fixed effects and σ² profiled out."""

    #: Bounds of log ratios: below, a variance is none; above, the rest is.
    LEAST, MOST = -16.0, 16.0

    def __init__(self, y: Matrix, x: Matrix, zs: Sequence[Matrix]) -> None:
        self.n, self.p = x.shape
        z = np.hstack([*zs, np.zeros((self.n, 0))])
        self.block = np.repeat(np.arange(len(zs)), [part.shape[1] for part in zs])
        self.effects = len(zs)
        self.zz, self.zx, self.zy = z.T @ z, z.T @ x, z.T @ y
        self.xx, self.xy, self.yy = x.T @ x, x.T @ y, float(y @ y)

    def at(self, ratios: Matrix) -> _Step:
        root = np.sqrt(ratios)[self.block]
        inner = np.linalg.cholesky(np.eye(len(root)) + root[:, None] * self.zz * root)
        # V⁻¹ = I − U M⁻¹ U' with U = Z √D and M = I + U'U
        zx, zy, zz = (
            linalg.solve_triangular(inner, root[:, None] * m, lower=True) for m in (self.zx, self.zy[:, None], self.zz)
        )
        xx, xy = self.xx - zx.T @ zx, self.xy - (zx.T @ zy)[:, 0]
        beta = np.linalg.solve(xx, xy)
        left = self.yy - float((zy.T @ zy)[0, 0]) - float(xy @ beta)  # y'Py
        free = self.n - self.p
        sigma = left / free
        logs = 2 * float(np.log(np.diag(inner)).sum()) + float(np.linalg.slogdet(xx)[1])
        # Z'PZ and Z'Py, for the derivative by each ratio: tr(Z'PZ) − |Z'Py|² / σ²
        zvx, zvy = self.zx - zz.T @ zx, self.zy - (zz.T @ zy)[:, 0]
        diagonal = np.diag(self.zz) - np.sum(zz**2, axis=0) - np.sum(zvx * np.linalg.solve(xx, zvx.T).T, axis=1)
        terms = diagonal - (zvy - zvx @ beta) ** 2 / sigma
        by_effect = np.bincount(self.block, weights=terms, minlength=self.effects) if self.effects else np.zeros(0)
        return _Step(free * math.log(sigma) + logs, by_effect * ratios, beta, sigma)

    def maximum(self) -> tuple[Matrix, float]:
        """Ratios and residual variance at the maximum; a ratio at its lower bound is zero.

        Raises:
            NotIdentified: it is not reached from any start.
        """
        if not self.effects:
            return np.zeros(0), self.at(np.zeros(0)).sigma

        def value(logs: Matrix) -> tuple[float, Matrix]:
            step = self.at(np.exp(logs))
            return step.criterion, step.gradient

        best = None
        for start in (0.0, -4.0, 3.0):
            try:
                found = optimize.minimize(
                    value, np.full(self.effects, start), jac=True, method="L-BFGS-B",
                    bounds=[(self.LEAST, self.MOST)] * self.effects, options={"maxiter": 500, "ftol": 1e-12, "gtol": 1e-7},
                )  # fmt: skip
            except (np.linalg.LinAlgError, ValueError):
                continue
            flat = float(np.abs(found.jac).max()) < 1e-2  # of a criterion in whose units 1 is next to nothing
            if np.isfinite(found.fun) and (found.success or flat) and (best is None or found.fun < best.fun - 1e-9):
                best = found
        if best is None:
            raise NotIdentified("the fit does not converge")
        if np.any(best.x > self.MOST - 1):
            raise NotIdentified("the fit is singular: nothing is left beside the random effects")
        ratios = np.where(best.x < -12, 0.0, np.exp(best.x))
        return ratios, self.at(ratios).sigma


def _decomposed(
    estimates: Matrix,
    x: Matrix,
    residual: float,
    parts: Mapping[str, tuple[Matrix, float]],
    variances: Mapping[str, float],
    whole: float | None,
) -> Fit:
    """Var β = A V A' with A = (X'V⁻¹X)⁻¹X'V⁻¹, split into what each random effect contributes; Satterthwaite's df of each."""
    n, p = x.shape
    solved = x / residual  # V⁻¹X, by Woodbury's formula
    used = [(name, z) for name, (z, _) in parts.items() if variances[name] > 0]
    if used:
        u = np.hstack([z * math.sqrt(variances[name]) for name, z in used])
        inner = np.eye(u.shape[1]) + u.T @ u / residual
        solved = solved - u @ np.linalg.solve(inner, u.T @ x) / residual**2
    a = np.linalg.solve(x.T @ solved, solved.T)  # p × n
    share = {name: variances[name] * np.sum((a @ z) ** 2, axis=1) for name, (z, _) in parts.items()}
    share["rest"] = residual * np.sum(a**2, axis=1)
    free = {name: max(1.0, df) for name, (_, df) in parts.items()}
    free["rest"] = max(1.0, n - p - sum(z.shape[1] for z, _ in parts.values()))
    total = sum(share.values(), np.zeros(p))
    if whole is None:
        apart = sum((share[k] ** 2 / free[k] for k in share), np.zeros(p))
    else:
        languages = share.get(SLOPES, np.zeros(p))
        apart = (total - languages) ** 2 / max(1.0, whole) + languages**2 / free.get(SLOPES, 1.0)
    df = total**2 / apart
    return Fit(
        tuple(float(b) for b in estimates),
        tuple(float(v) for v in np.sqrt(total)),
        tuple(float(v) for v in df),
        {**variances, "rest": residual},
        {name: tuple(float(v) for v in part / total) for name, part in share.items()},
    )
