"""Bayesian linear regression by Hamiltonian Monte Carlo, beside what is known in closed form.

    python examples/hamiltonian_monte_carlo.py

The progression y of diabetes in a patient, one year after ten measurements x, is taken as

    y ~ Normal(w·x, s^2),   w ~ Normal(0, s^2),   s^2 ~ InverseGamma(1, 1)

with all data standardised. Its posterior is known exactly, which makes it a test of a sampler that
does not use this. The sampler (Duane et al. 1987; Neal 2011) sees -log p as a landscape, gives a
ball on it a random push, follows it for a while along the gradient, and takes where it is as the
next sample, mostly. The ball's path is a `scan` with a `grad` in its body; a chain is a `scan` of
paths, with random numbers of their own; `vmap` makes several chains of one; and all of it is one
compiled call. The parameters are a dict, which no line of the sampler knows.
"""

import argparse
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from _extras import examples_extra

import functrace as ft

OUTPUT = Path(__file__).parent / "output"
TARGET = 0.8  # of the paths' ends are to be accepted (Neal 2011 has 0.65 as the least costly)


def load_data():
    """Patients in rows, their progression, and the names of the columns; all standardised."""
    with examples_extra():
        from sklearn.datasets import load_diabetes
    data: Any = load_diabetes()
    X, Y = ((a - np.mean(a, axis=0)) / np.std(a, axis=0) for a in (data.data, data.target))
    return X, Y, data.feature_names


def log_density(params, X, Y):
    """The logarithm of the posterior, up to a constant, by w and log s^2."""
    w, log_variance = params["w"], params["log s^2"]
    squares = np.sum((Y - X @ w) ** 2) + np.sum(w**2) + 2
    return -((len(Y) + len(w)) / 2 + 1) * log_variance - squares / (2 * np.exp(log_variance))


def closed_form(X, Y):
    """Means and standard deviations of w and of s^2 (Gelman et al. 2013, chapter 14)."""
    precision = X.T @ X + np.eye(X.shape[1])
    mean = np.linalg.solve(precision, X.T @ Y)
    a = 1 + len(Y) / 2
    b = 1 + (Y @ Y - mean @ precision @ mean) / 2
    variance = b / (a - 1)
    spread = np.sqrt(variance * np.diag(np.linalg.inv(precision)))
    return np.append(mean, variance), np.append(spread, variance / np.sqrt(a - 2))


def added(tree, other, scale):
    """tree + scale * other."""
    return ft.tree.map(lambda a, b: a + scale * b, tree, other)


def normal_like(key, tree):
    """A tree of the same shapes, of independent normal numbers."""
    leaves = ft.tree.leaves(tree)
    keys = iter(ft.random.split(key, len(leaves)))
    return ft.tree.map(lambda a: ft.random.normal(next(keys), np.shape(a)), tree)


class Place(NamedTuple):
    """A point of the landscape, with its height and slope, both as of the log density."""

    params: Any
    height: Any
    slope: Any


def path(at, place, momentum, step, length):
    """Follow the ball by the leapfrog method, which keeps volume and all but keeps energy."""

    def leap(state, _):
        place, momentum = state
        momentum = added(momentum, place.slope, step / 2)
        place = at(added(place.params, momentum, step))
        return (place, added(momentum, place.slope, step / 2)), None

    return ft.scan(leap, (place, momentum), length=length)[0]


def transition(at, place, key, step, length):
    """The next place, and the probability with which the path's end was accepted."""
    push_key, step_key, choice_key = ft.random.split(key, 3)
    momentum = normal_like(push_key, place.params)
    # Steps of one length alone might lead around and back to the start, again and again.
    step = step * ft.random.uniform(step_key, (), minval=0.8, maxval=1.2)
    end, end_momentum = path(at, place, momentum, step, length)
    energy, end_energy = (
        sum(np.sum(p**2) for p in ft.tree.leaves(p)) / 2 - place.height
        for place, p in ((place, momentum), (end, end_momentum))
    )
    accepted = np.exp(np.minimum(0, energy - end_energy))
    chosen = ft.random.uniform(choice_key) < accepted
    return ft.tree.map(lambda new, old: np.where(chosen, new, old), end, place), accepted


def chain(density, key, params, *, warmup, samples, length):
    """Samples of the parameters, stacked, the step's length and how often ends were accepted.

    During the warm-up the step's logarithm follows what is accepted (Robbins and Monro 1951).
    """

    def at(params):
        height, slope = ft.value_and_grad(density)(params)
        return Place(params, height, slope)

    def adapt(state, key):
        place, log_step, count = state
        place, accepted = transition(at, place, key, np.exp(log_step), length)
        log_step = log_step + (accepted - TARGET) / np.sqrt(count)
        return (place, log_step, count + 1), log_step

    def sample(place, key):
        place, accepted = transition(at, place, key, step, length)
        return place, (place.params, accepted)

    warmup_keys, sample_keys = (
        ft.random.split(k, n) for k, n in zip(ft.random.split(key), (warmup, samples), strict=True)
    )
    (place, _, _), log_steps = ft.scan(adapt, (at(params), np.log(0.01), 1.0), warmup_keys)
    step = np.exp(np.mean(log_steps[warmup // 2 :]))
    _, (drawn, accepted) = ft.scan(sample, place, sample_keys)
    return drawn, step, np.mean(accepted)


@partial(ft.jit, static_argnames=("warmup", "samples", "length"))
def chains(keys, starts, X, Y, **settings):
    """A chain for each key and start."""
    density = partial(log_density, X=X, Y=Y)
    return ft.vmap(partial(chain, density, **settings))(keys, starts)


def disagreement(drawn):
    """The potential scale reduction of chains in rows: 1 if they agree (Gelman and Rubin 1992)."""
    samples = drawn.shape[1]
    within = np.mean(np.var(drawn, axis=1, ddof=1), axis=0)
    between = np.var(np.mean(drawn, axis=1), axis=0, ddof=1)
    return np.sqrt((samples - 1) / samples + between / within)


def draw(found, known, names, path):
    """Means and standard deviations by sampling, beside those in closed form."""
    with examples_extra():
        from matplotlib.figure import Figure
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(names))
    for (mean, spread), shift, color, label in (
        (known, -0.12, "0.6", "closed form"),
        (found, 0.12, "tab:blue", "Hamiltonian Monte Carlo"),
    ):
        axes.errorbar(places + shift, mean, spread, fmt="o", ms=4, color=color, label=label)
    axes.axhline(0, lw=0.8, color="black")
    axes.set(title="What predicts how diabetes progresses: posterior mean and standard deviation",
             xticks=places, ylabel="standardised")  # fmt: skip
    axes.set_xticklabels(names)
    axes.grid(alpha=0.3, axis="y")
    axes.legend()
    figure.savefig(path, dpi=150)


def main():
    parser = argparse.ArgumentParser(description="Sample a posterior and compare it.")
    parser.add_argument("--samples", type=int, default=2000, help="of each chain")
    parser.add_argument("--warmup", type=int, default=500)
    parser.add_argument("--chains", type=int, default=4)
    parser.add_argument("--length", type=int, default=32, help="steps of a path")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=OUTPUT, help="the picture's folder")
    options = parser.parse_args()

    X, Y, names = load_data()
    start_key, chain_key = ft.random.split(ft.random.key(options.seed))
    starts = {
        "w": ft.random.normal(start_key, (options.chains, X.shape[1])),
        "log s^2": np.zeros(options.chains),
    }
    drawn, steps, accepted = chains(
        ft.random.split(chain_key, options.chains), starts, X, Y,
        warmup=options.warmup, samples=options.samples, length=options.length,
    )  # fmt: skip
    print(f"{options.chains} chains with steps of", *(f"{step:.4f}" for step in steps))
    print("accepted:", *(f"{share:.1%}" for share in accepted))

    drawn = np.concatenate([drawn["w"], np.exp(drawn["log s^2"])[..., None]], axis=2)
    means, spreads = np.mean(drawn, axis=(0, 1)), np.std(drawn, axis=(0, 1))
    known_means, known_spreads = closed_form(X, Y)
    names = [*names, "s^2"]
    print("      sampled             closed form")
    for row in zip(names, means, spreads, known_means, known_spreads, strict=True):
        print("{:4} {:7.4f} +- {:.4f}   {:7.4f} +- {:.4f}".format(*row))

    options.output.mkdir(parents=True, exist_ok=True)
    found, known = (means, spreads), (known_means, known_spreads)
    draw(found, known, names, options.output / "posterior.png")
    print(f"a picture of the posterior: {options.output}")

    shift = np.max(np.abs(means - known_means) / known_spreads)
    stretch = np.max(np.abs(spreads / known_spreads - 1))
    apart = np.max(disagreement(drawn))
    print(f"largest error of a mean, in standard deviations: {shift:.4f}")
    print(f"largest relative error of a standard deviation: {stretch:.4f}")
    print(f"largest disagreement of chains: {apart:.4f}")
    if not (shift < 0.1 and stretch < 0.1 and apart < 1.02):
        raise SystemExit("the samples miss the posterior")


if __name__ == "__main__":
    main()
