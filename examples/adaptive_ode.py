"""Fit a differential equation to how lynx and hares come and go, through a solver's own steps.

    python examples/adaptive_ode.py

Hares h feed lynx l, and Lotka (1925) and Volterra (1926) wrote

    h' = alpha h - beta h l
    l' = delta h l - gamma l

Two solvers follow this from year to year. One takes steps of a given length, by the classical
method of Runge and Kutta. The other chooses its steps so that each is as long as a tolerance
allows, by the pair of methods of orders 5 and 4 of Dormand and Prince (1980): nobody knows how many
there will be, and it is a `while_loop`, inside a `scan` over the years. Reverse mode goes back
through the steps as they were taken. SciPy fits with that gradient; the second derivatives tell how
well the data determine the rates; `vmap` solves the equations for many rates at once.

The data are thousands of furs that the Hudson's Bay Company bought in each year (Hewitt 1921), in
the figures of Howard (2009). Carpenter (2018) estimated the rates from the same figures with Stan.
"""

import argparse
from functools import partial
from pathlib import Path

import numpy as np
from _extras import examples_extra

import functrace as ft

OUTPUT = Path(__file__).parent / "output"
YEARS = np.arange(1900.0, 1921.0)
HARES = [
    30.0, 47.2, 70.2, 77.4, 36.3, 20.6, 18.1, 21.4, 22.0, 25.4, 27.1,
    40.3, 57.0, 76.6, 52.3, 19.5, 11.2, 7.6, 14.6, 16.2, 24.7,
]  # fmt: skip
LYNX = [
    4.0, 6.1, 9.8, 35.2, 59.4, 41.7, 19.0, 13.0, 8.3, 9.1, 7.4,
    8.0, 12.3, 19.5, 45.7, 51.1, 29.7, 15.8, 9.7, 10.1, 8.6,
]  # fmt: skip
FURS = np.transpose([HARES, LYNX])
NAMES = ["alpha", "beta", "gamma", "delta", "hares in 1900", "lynx in 1900"]
PUBLISHED = [0.545, 0.028, 0.803, 0.024]  # Carpenter (2018): posterior means of the rates

# Dormand and Prince (1980): a stage in each row, of the slopes before it. The last row gives the
# solution of order 5; its slope begins the next step. ERROR gives that less the one of order 4.
STAGES = [
    [1 / 5],
    [3 / 40, 9 / 40],
    [44 / 45, -56 / 15, 32 / 9],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
    [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
]
ERROR = [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40]


def lotka_volterra(rates, y):
    """The slopes of hares and lynx."""
    alpha, beta, gamma, delta = rates
    hares, lynx = y
    return np.stack([(alpha - beta * lynx) * hares, (delta * hares - gamma) * lynx])


def weighted(weights, slopes):
    """The sum of slopes times weights, without those that are 0."""
    return sum(w * k for w, k in zip(weights, slopes, strict=True) if w)


def dormand_prince(f, y, slope, h):
    """A step of length h: the new y, its slope, and an estimate of the error."""
    slopes, y_next = [slope], y
    for weights in STAGES:
        y_next = y + h * weighted(weights, slopes)
        slopes.append(f(y_next))
    return y_next, slopes[-1], h * weighted(ERROR, slopes)


def adaptive(f, y, times, tolerance):
    """The solution of y' = f(y) at some times, each step's error below a share of y.

    Returns:
        The solution in rows, and how many steps led to each.
    """

    def try_step(state):
        left, h, y, slope, steps = state
        tried = np.minimum(h, left)
        y_next, slope_next, error = dormand_prince(f, y, slope, tried)
        size = np.maximum(np.abs(y), np.abs(y_next))
        ratio = np.sqrt(np.mean(np.square(error / (tolerance * size))))
        good = ratio <= 1
        best = tried * np.clip(0.9 * np.maximum(ratio, 1e-9) ** -0.2, 0.2, 5)
        return (
            np.where(good, left - tried, left),
            np.where(good & (tried < h), h, best),  # a step cut short by a date says little
            np.where(good, y_next, y),
            np.where(good, slope_next, slope),
            steps + 1,
        )

    def to_next_time(state, duration):
        left = lambda state: state[0] > 0
        _, *state, steps = ft.while_loop(left, try_step, (duration, *state, 0))
        return tuple(state), (state[1], steps)

    durations = np.diff(times)
    _, (ys, steps) = ft.scan(to_next_time, (durations[0] / 10, y, f(y)), durations)
    return np.concatenate([y[None], ys]), steps


def runge_kutta(f, y, times, steps):
    """The same by a number of steps of one length from each time to the next, of order 4."""

    def to_next_time(y, duration):
        h = duration / steps

        def step(_, y):
            k1 = f(y)
            k2 = f(y + h / 2 * k1)
            k3 = f(y + h / 2 * k2)
            k4 = f(y + h * k3)
            return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

        y = ft.fori_loop(0, steps, step, y)
        return y, y

    return np.concatenate([y[None], ft.scan(to_next_time, y, np.diff(times))[1]])


def solution(theta, times, tolerance):
    """Hares and lynx at some times. theta has the logarithms of the rates and of the first year."""
    rates, start = np.exp(theta[:4]), np.exp(theta[4:])
    return adaptive(partial(lotka_volterra, rates), start, times, tolerance)[0]


def loss(theta, tolerance):
    """The sum of squared errors of the logarithms: what is off by a share counts by the share."""
    return np.sum(np.square(np.log(solution(theta, YEARS, tolerance) / FURS)))


def guess():
    """Theta from the data's means, about which solutions turn, and a period of ten years."""
    hares, lynx = np.mean(FURS, axis=0)
    rate = 2 * np.pi / 10
    return np.log([rate, rate / lynx, rate, rate / hares, *FURS[0]])


def check_solvers(theta, tolerance):
    """The solvers agree, the one of fixed steps better and better, and keep what stays constant."""
    rates, start = np.exp(theta[:4]), np.exp(theta[4:])
    f = partial(lotka_volterra, rates)
    exact, _ = adaptive(f, start, YEARS, 1e-12)

    def error(ys):
        return np.max(np.abs(ys / exact - 1))

    ys, steps = adaptive(f, start, YEARS, tolerance)
    print(f"adaptive, with {np.sum(steps)} steps in 20 years: off by {error(ys):.1e}")
    errors = [error(runge_kutta(f, start, YEARS, n)) for n in (5, 10, 20)]
    print("of one length, 5, 10 and 20 a year: off by", ", ".join(f"{e:.1e}" for e in errors))
    assert error(ys) < 100 * tolerance
    np.testing.assert_array_less(errors[1:], np.divide(errors[:-1], 12))  # of order 4: a 16th

    alpha, beta, gamma, delta = rates
    hares, lynx = ys.T
    constant = delta * hares - gamma * np.log(hares) + beta * lynx - alpha * np.log(lynx)
    np.testing.assert_allclose(constant, constant[0], rtol=100 * tolerance)


def check_gradient(theta, tolerance):
    """Reverse mode through the steps, forward mode and differences of the loss agree."""
    reverse = ft.grad(loss)(theta, tolerance)
    forward = ft.jacfwd(loss)(theta, tolerance)
    np.testing.assert_allclose(reverse, forward, rtol=1e-10)
    value = ft.jit(loss)
    differences = [
        (value(theta + e, tolerance) - value(theta - e, tolerance)) / 2e-5
        for e in 1e-5 * np.eye(len(theta))
    ]
    np.testing.assert_allclose(reverse, differences, rtol=1e-5)
    print("the gradient agrees with forward mode and with differences")


def fit(theta, tolerance):
    """The theta of least loss, and its covariance, from the curvature there."""
    with examples_extra():
        from scipy.optimize import minimize
    found = minimize(ft.jit(ft.value_and_grad(loss)), theta, args=(tolerance,), jac=True)
    variance = found.fun / (FURS.size - len(theta))
    curvature = ft.jit(ft.hessian(loss))(found.x, tolerance)
    print(f"least squares after {found.nfev} gradients; errors of {np.sqrt(variance):.0%}")
    return found.x, 2 * variance * np.linalg.inv(curvature)


def draw(theta, covariance, path, *, draws=300):
    """The furs, the fitted solution, and where solutions lie for rates that fit about as well."""
    with examples_extra():
        from matplotlib.figure import Figure
    times = np.linspace(YEARS[0], YEARS[-1], 241)
    thetas = ft.random.multivariate_normal(ft.random.key(0), theta, covariance, (draws,))
    many = ft.jit(ft.vmap(solution, in_axes=(0, None, None)))(thetas, times, 1e-4)
    low, high = np.quantile(many, [0.05, 0.95], axis=0)
    fitted = solution(theta, times, 1e-6)
    figure = Figure(figsize=(7.5, 5.5), layout="constrained")
    for i, axes in enumerate(figure.subplots(2, sharex=True)):
        name, color = [("hares", "tab:brown"), ("lynx", "tab:blue")][i]
        axes.fill_between(
            times, low[:, i], high[:, i], color=color, alpha=0.2, lw=0, label="90 % of solutions"
        )
        axes.plot(times, fitted[:, i], color=color, label="fitted")
        axes.plot(YEARS, FURS[:, i], "o", ms=4, color="black", label="furs")
        axes.set(ylabel=f"thousands of {name}", ylim=(0, None), xticks=YEARS[::5])
        axes.grid(alpha=0.3)
        axes.legend(loc="upper center")
    figure.suptitle("Lynx and hares: the equations of Lotka and Volterra, fitted")
    figure.savefig(path, dpi=150)


def main():
    parser = argparse.ArgumentParser(description="Fit a differential equation to lynx and hares.")
    parser.add_argument("--tolerance", type=float, default=1e-8, help="share of y a step may miss")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="the picture's folder")
    options = parser.parse_args()

    check_solvers(guess(), options.tolerance)
    check_gradient(guess(), options.tolerance)
    theta, covariance = fit(guess(), options.tolerance)
    values, errors = np.exp(theta), np.exp(theta) * np.sqrt(np.diag(covariance))
    for name, value, error in zip(NAMES, values, errors, strict=True):
        print(f"{name:>13}: {value:.4g} +- {error:.2g}")

    options.output.mkdir(parents=True, exist_ok=True)
    draw(theta, covariance, options.output / "lynx_hare.png")
    print(f"a picture of the fit: {options.output}")
    if np.any(np.abs(values[:4] - PUBLISHED) > errors[:4] / 2):
        raise SystemExit("the rates are not those that were published")
    print("the rates are the published ones, within half a standard error")


if __name__ == "__main__":
    main()
