"""Random numbers as pure functions of a key, with the names and arguments of `jax.random`.

A function that draws takes a key, and gives the same numbers for the same key: under `jit`, `vmap`,
`grad` and in loops, in whatever parts the work is done. Numbers that are to be independent need
different keys, which `split` and `fold_in` make of one.

    key = functrace.random.key(0)
    noise_key, dropout_key = functrace.random.split(key)
    noise = functrace.random.normal(noise_key, (3,))

A key is an ordinary array of two 64-bit words, so that it goes wherever arrays go. The generator is
Philox, which NumPy has as well; numbers are the same with every version of NumPy.
"""

from .continuous import cauchy as cauchy
from .continuous import exponential as exponential
from .continuous import gumbel as gumbel
from .continuous import laplace as laplace
from .continuous import logistic as logistic
from .continuous import normal as normal
from .continuous import truncated_normal as truncated_normal
from .continuous import uniform as uniform
from .discrete import bernoulli as bernoulli
from .discrete import binomial as binomial
from .discrete import categorical as categorical
from .discrete import choice as choice
from .discrete import permutation as permutation
from .discrete import poisson as poisson
from .discrete import rademacher as rademacher
from .discrete import randint as randint
from .families import beta as beta
from .families import chisquare as chisquare
from .families import dirichlet as dirichlet
from .families import gamma as gamma
from .families import loggamma as loggamma
from .families import multivariate_normal as multivariate_normal
from .families import t as t
from .keys import PRNGKey as PRNGKey
from .keys import bits as bits
from .keys import fold_in as fold_in
from .keys import key as key
from .keys import split as split
