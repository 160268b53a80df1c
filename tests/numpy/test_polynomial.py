"""`functrace.numpy.polynomial`: NumPy's functions and classes, of traced values."""

import pickle

import numpy as np
import pytest

import functrace as ft
from functrace.numpy import polynomial as ours
from functrace.testing import check_grads

from ..helpers import assert_close

numpys = np.polynomial
X = np.linspace(-1, 1, 7)
C = np.array([1.0, 2.0, 3.0, 0.5])
PREFIXES = {
    "chebyshev": "cheb", "legendre": "leg", "hermite": "herm", "hermite_e": "herme",
    "laguerre": "lag", "polynomial": "poly",
}  # fmt: skip
FUNCTIONS = {
    "val": lambda f, x, c: f(x, c),
    "val of a table": lambda f, x, c: f(x, np.outer(c, c)),
    "val2d": lambda f, x, c: f(x, x**2, np.outer(c, c)),
    "grid2d": lambda f, x, c: f(x, x**2, np.outer(c, c)),
    "der": lambda f, x, c: f(c),
    "der twice": lambda f, x, c: f(c, 2),
    "int": lambda f, x, c: f(c, 1, [0.5]),
    "vander": lambda f, x, c: f(x, 3),
    "add": lambda f, x, c: f(c, c[:2]),
    "sub": lambda f, x, c: f(c[:2], c),
    "mul": lambda f, x, c: f(c, c[:3]),
    "pow": lambda f, x, c: f(c, 3),
    "fit": lambda f, x, c: f(x, np.sin(x) * c[0], 3),
    "fromroots": lambda f, x, c: f(c[:3]),
}
CLASSES = {
    "call": lambda kind, x, c: kind(c, domain=[-2, 2])(x),
    "deriv": lambda kind, x, c: kind(c).deriv()(x),
    "integ": lambda kind, x, c: kind(c).integ()(x),
    "fit": lambda kind, x, c: kind.fit(x, np.sin(x) * c[0], 2, domain=[-1, 1])(x),
    "arithmetic": lambda kind, x, c: (kind(c) * kind(c[:2]) + 2 * kind(c) - 1)(x),
    "power": lambda kind, x, c: (kind(c[:2]) ** 3)(x),
}


@pytest.mark.parametrize("what", FUNCTIONS)
@pytest.mark.parametrize("family", PREFIXES)
def test_functions_are_numpys_with_derivatives(family, what):
    name = PREFIXES[family] + what.partition(" ")[0]
    call = FUNCTIONS[what]
    expected = call(getattr(getattr(numpys, family), name), X, C)

    def function(x, c):
        return call(getattr(getattr(ours, family), name), x, c)

    assert_close(function(X, C), expected)
    assert_close(ft.jit(function)(X, C), expected)
    check_grads(function, (X, C), 1)


@pytest.mark.parametrize("what", CLASSES)
@pytest.mark.parametrize("kind", ["Chebyshev", "Hermite", "HermiteE", "Laguerre", "Legendre",
                                  "Polynomial"])  # fmt: skip
def test_classes_are_numpys_with_derivatives(kind, what):
    def function(x, c):
        return CLASSES[what](getattr(ours, kind), x, c)

    expected = CLASSES[what](getattr(numpys, kind), X, C)
    assert_close(function(X, C), expected)
    assert_close(ft.jit(function)(X, C), expected)
    check_grads(function, (X, C), 1)


def test_roots_have_derivatives():
    c = np.array([-6.0, 11.0, -6.0, 1.0])  # of 1, 2 and 3
    jacobian = ft.jacobian(lambda c: ours.polynomial.polyroots(c))(c)
    roots = np.array([1.0, 2.0, 3.0])
    slopes = np.polynomial.polynomial.polyval(roots, [11.0, -12.0, 3.0])
    assert_close(jacobian, -np.vander(roots, 4, increasing=True) / slopes[:, None])


def test_a_coefficient_that_comes_to_zero_keeps_its_derivative():
    def product(c):  # whose last term but one cancels for these coefficients
        return ours.hermite.hermmul(c, c)

    step = 1e-6
    differences = [
        (numpys.hermite.hermmul(C + h, C + h) - numpys.hermite.hermmul(C - h, C - h)) / (2 * step)
        for h in step * np.eye(4)
    ]
    assert_close(ft.jacobian(product)(C), np.transpose(differences), rtol=1e-6)


def test_objects_pickle():
    series = ours.Chebyshev([1.0, 2.0])
    again = pickle.loads(pickle.dumps(series))
    assert type(again) is ours.Chebyshev
    assert_close(again.coef, np.array([1.0, 2.0]))


def test_numpys_own_module_names_the_remedy():
    with pytest.raises(ft.errors.TracerConversionError, match=r"functrace\.numpy\.polynomial"):
        ft.grad(lambda c: numpys.chebyshev.chebval(0.5, c))(C)
