"""Distributions of vectors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sc

from ...errors import ShapeError
from ...numpy.creation import asarray
from ...ops import elementwise as ops
from ...ops import linalg, spectra
from ...ops.checks import require
from ...ops.matrix_triangular import solve_triangular
from .distribution import Named, double, inf

_LOG_2PI = math.log(2 * math.pi)


class Dirichlet(Named):
    """The Dirichlet distribution of shares.

    Example:
        >>> import numpy as np, functrace as ft
        >>> from functrace.scipy.stats import dirichlet
        >>> dirichlet.pdf(np.array([0.5, 0.3, 0.2]), np.ones(3)).round(12)
        np.float64(2.0)
    """

    def logpdf(self, x: Any, alpha: Any) -> Any:
        """The logarithm of the density.

        Args:
            x: shares along the first axis, all of them or all but the last.
            alpha: a vector of positive numbers.

        Raises:
            ValueError: when shares are negative or do not add up to 1, or a parameter is not
                positive.
        """
        x, alpha = _shares(double(x), double(alpha))
        norm = sc.gammaln(alpha).sum() - sc.gammaln(alpha.sum())
        return sc.xlogy(alpha - 1, x.T).sum(-1) - norm

    def pdf(self, x: Any, alpha: Any) -> Any:
        """The density; see `logpdf`."""
        return np.exp(self.logpdf(x, alpha))

    def mean(self, alpha: Any) -> Any:
        """The expectation of each share."""
        alpha = _concentration(alpha)
        return alpha / alpha.sum()

    def var(self, alpha: Any) -> Any:
        """The variance of each share."""
        alpha = _concentration(alpha)
        total = alpha.sum()
        return alpha * (total - alpha) / (total**2 * (total + 1))

    def cov(self, alpha: Any) -> Any:
        """The covariances of the shares."""
        alpha = _concentration(alpha)
        total = alpha.sum()
        mean = alpha / total
        return (np.diag(mean) - np.outer(mean, mean)) / (total + 1)

    def entropy(self, alpha: Any) -> Any:
        """The differential entropy."""
        alpha = _concentration(alpha)
        total = alpha.sum()
        norm = sc.gammaln(alpha).sum() - sc.gammaln(total)
        rest = (total - alpha.shape[0]) * sc.psi(total) - ((alpha - 1) * sc.psi(alpha)).sum()
        return norm + rest


def _concentration(alpha: Any) -> Any:
    """The parameters, a vector of positive numbers."""
    alpha = double(alpha)
    if alpha.ndim != 1:
        raise ShapeError(f"stats.dirichlet of shape {alpha.shape}: the parameters are a vector")
    return require(alpha, alpha > 0, "stats.dirichlet: all parameters must be positive")


def _shares(x: Any, alpha: Any) -> tuple[Any, Any]:
    if alpha.ndim != 1 or x.ndim not in (1, 2) or x.shape[0] not in (alpha.size, alpha.size - 1):
        raise ShapeError(
            f"stats.dirichlet of shapes {x.shape} and {alpha.shape}: the parameters are a vector, "
            "and there is a share for each along the first axis, or for each but the last"
        )
    if x.shape[0] < alpha.size:
        x = np.concatenate([x, 1 - x.sum(0, keepdims=True)])
    alpha = _concentration(alpha)
    infinite = np.logical_and(x.T == 0, alpha < 1).T
    inside = np.logical_and(np.abs(x.sum(0) - 1) <= 1e-9, ((x >= 0) & ~infinite).all(0))
    message = "stats.dirichlet: shares must be positive, and add up to 1"
    return require(x, inside, message), alpha


class Multinomial(Named):
    """The multinomial distribution of counts.

    Example:
        >>> import numpy as np, functrace as ft
        >>> from functrace.scipy.stats import multinomial
        >>> multinomial.pmf(np.array([1, 1]), 2, np.array([0.5, 0.5])).round(12)
        np.float64(0.5)
    """

    def logpmf(self, x: Any, n: Any, p: Any) -> Any:
        """The logarithm of the probability of counts; -inf where they do not add up to n.

        Args:
            x: counts along the last axis.
            n: their sum.
            p: the probability of each, along the last axis; the result is NaN where they do not
                add up to 1.
        """
        x = double(x)
        n, p, allowed = _trials(n, p)
        if not x.ndim or not p.ndim or x.shape[-1] != p.shape[-1]:
            raise ShapeError(
                f"stats.multinomial of shapes {x.shape} and {p.shape}: there must be a probability "
                "for each count along the last axis"
            )
        possible = np.logical_and(((x >= 0) & (np.floor(x) == x)).all(-1), x.sum(-1) == n)
        safe = np.where(possible[..., None], x, 0.0)
        p = np.where(allowed[..., None], p, 0.5)
        n = np.where(allowed, n, 0.0)
        value = sc.gammaln(n + 1) + (sc.xlogy(safe, p) - sc.gammaln(safe + 1)).sum(-1)
        return np.where(allowed, np.where(possible, value, -inf), np.nan)[()]

    def pmf(self, x: Any, n: Any, p: Any) -> Any:
        """The probability of counts; see `logpmf`."""
        return np.exp(self.logpmf(x, n, p))

    def mean(self, n: Any, p: Any) -> Any:
        """The expectation of each count; NaN where the parameters are none."""
        n, p, allowed = _trials(n, p)
        return np.where(allowed[..., None], n[..., None] * p, np.nan)

    def cov(self, n: Any, p: Any) -> Any:
        """The covariances of the counts; NaN where the parameters are none."""
        n, p, allowed = _trials(n, p)
        eye = np.eye(p.shape[-1])
        values = n[..., None, None] * (p[..., None] * eye - p[..., None] * p[..., None, :])
        return np.where(allowed[..., None, None], values, np.nan)


def _trials(n: Any, p: Any) -> tuple[Any, Any, Any]:
    """The parameters, and where they are those of a distribution."""
    given = asarray(p)
    tolerance = 10 * float(np.finfo(np.result_type(given.dtype, np.float32)).eps)
    n, p = double(n), double(p)
    sums = p.sum(-1) if p.ndim else p
    allowed = np.logical_and(np.abs(sums - 1) <= tolerance, ((p >= 0) & (p <= 1)).all(-1))
    return n, p, np.logical_and(allowed, n >= 0)


class MultivariateNormal(Named):
    """The normal distribution of vectors.

    Example:
        >>> import numpy as np, functrace as ft
        >>> from functrace.scipy.stats import multivariate_normal
        >>> cov = np.array([[2.0, 1.0], [1.0, 2.0]])
        >>> ft.grad(multivariate_normal.logpdf)(np.array([3.0, 0.0]), np.zeros(2), cov)
        array([-2.,  1.])
    """

    def logpdf(self, x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
        """The logarithm of the density.

        Args:
            x: vectors along the last axis.
            mean: a vector, by default zeros.
            cov: a positive definite matrix; or its diagonal, or one number for all of that. A
                matrix is made symmetric, and so is its gradient.
            allow_singular: whether the density may be that of a subspace. Its derivatives are those
                for a covariance of the same rank; second ones need different eigenvalues.

        Raises:
            LinAlgError: when the matrix is singular and must not be.
        """
        x, mean, cov = _normal_parameters(x, mean, cov)
        cov = linalg.symmetrized(cov, "stats.multivariate_normal")
        size = mean.shape[0]
        deviation = np.reshape(x - mean, (-1, size))
        if allow_singular:
            value = _log_singular_normal(deviation, cov)
        else:
            factor = linalg.cholesky(_definite(cov))
            white = solve_triangular(factor, deviation.T, lower=True)
            half = np.log(linalg.diagonal(factor)).sum()
            value = -0.5 * (np.square(white).sum(0) + size * _LOG_2PI) - half
        lead = np.broadcast_shapes(x.shape, mean.shape)[:-1]
        return np.squeeze(np.reshape(value, lead))[()]

    def pdf(self, x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
        """The density; see `logpdf`."""
        return np.exp(self.logpdf(x, mean, cov, allow_singular))

    def entropy(self, mean: Any = None, cov: Any = 1, allow_singular: bool = True) -> Any:
        """The differential entropy; that in a subspace, where the covariance is singular.

        Args:
            mean: a vector, which makes no difference but for the number of components.
            cov: as for `logpdf`.
            allow_singular: as for `logpdf`.

        Raises:
            LinAlgError: when the matrix is singular and must not be.
        """
        _, _, cov = _normal_parameters(np.zeros(1), mean, cov)
        cov = linalg.symmetrized(cov, "stats.multivariate_normal")
        cov = cov if allow_singular else _definite(cov)
        values, vectors = spectra.eigh(ops.stop_gradient_op(cov), lower=True)
        limit = _rounding(values)
        message = "stats.multivariate_normal: the covariance must be positive semidefinite"
        cov = require(cov, values >= -limit, message)
        beside = np.where(values > limit, 0.0, 1.0)
        filled = cov + (vectors * beside) @ vectors.T  # with the determinant of the subspace
        rank = values.size - beside.sum()
        return 0.5 * (rank * (_LOG_2PI + 1) + linalg.slogdet(filled)[1])


def _normal_parameters(x: Any, mean: Any, cov: Any) -> tuple[Any, Any, Any]:
    """Points with their components last, a mean vector and a covariance matrix."""
    x, cov = double(x), double(cov)
    size = (cov.shape[0] if cov.ndim == 2 else 1) if mean is None else double(mean).size
    mean = np.zeros(size) if mean is None else np.reshape(double(mean), (size,))
    if size == cov.size == 1:
        cov = np.reshape(cov, (1, 1))
    elif cov.ndim == 0:
        cov = cov * np.eye(size)
    elif cov.ndim == 1:
        cov = np.diag(cov)
    if cov.shape != (size, size):
        raise ShapeError(
            f"stats.multivariate_normal with a covariance of shape {cov.shape}: for {size} "
            f"components it must have shape {(size, size)}"
        )
    if x.ndim < 2:
        x = np.reshape(x, (-1, 1) if size == 1 else (1, -1))
    if x.shape[-1] not in (1, size):
        raise ShapeError(
            f"stats.multivariate_normal of shape {x.shape}: the last axis must have the {size} "
            "components"
        )
    return x, mean, cov


def _rounding(values: Any) -> Any:
    """Up to where SciPy counts eigenvalues as 0."""
    return 1e6 * np.finfo(np.float64).eps * np.abs(values).max()


def _definite(cov: Any) -> Any:
    values = spectra.eigvalsh(ops.stop_gradient_op(cov), lower=True)
    return require(
        cov, values > _rounding(values),
        "stats.multivariate_normal: the covariance must be positive definite, unless "
        "allow_singular=True",
        np.linalg.LinAlgError,
    )  # fmt: skip


def _log_singular_normal(deviation: Any, cov: Any) -> Any:
    values, vectors = spectra.eigh(cov, lower=True)
    limit = _rounding(values)
    message = "stats.multivariate_normal: the covariance must be positive semidefinite"
    values = require(values, values >= -limit, message)
    kept = values > limit
    safe = np.where(kept, values, 1.0)
    along = deviation @ vectors
    distance = (np.where(kept, np.square(along), 0.0) / safe).sum(-1)
    value = -0.5 * (distance + kept.sum() * _LOG_2PI + np.log(safe).sum())
    beside = np.sqrt(np.where(kept, 0.0, np.square(ops.stop_gradient_op(along))).sum(-1))
    return np.where(beside < 1e3 * limit, value, -inf)


dirichlet = Dirichlet("dirichlet")
multinomial = Multinomial("multinomial")
multivariate_normal = MultivariateNormal("multivariate_normal")
