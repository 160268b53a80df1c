"""The examples reach what they promise: each checks itself, and fails when it falls short."""

import functools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
REGRESSIONS = ["linear_regression", "binary_logistic_regression", "softmax_regression"]
PNG = b"\x89PNG\r\n\x1a\n"
FEW_STEPS = {  # options with which an example is done soon, and cannot reach its goal
    "train_digits": ["--epochs", 1],
    "digits_conv": ["--epochs", 1],
    "lstm_language_model": ["--steps", 2, "--units", 4],
    "hamiltonian_monte_carlo": ["--samples", 10, "--warmup", 5, "--length", 4],
}

# Runs an example as if a package were not installed.
WITHOUT_PACKAGE = """
import runpy, sys
sys.path.insert(0, {folder!r})
sys.modules[{package!r}] = None
runpy.run_path({path!r}, run_name="__main__")
"""


def python(*arguments):
    # Tests run side by side; threads of BLAS on top of that wait for each other.
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True, encoding="utf-8", env=environment, timeout=300, check=False,
    )  # fmt: skip


@functools.cache  # two tests read what one run printed
def outcome(*arguments):
    finished = python(*arguments)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def numbers_after_colon(text):
    return [float(n) for n in re.findall(r": ([\d.]+)$", text, re.MULTILINE)]


@pytest.mark.parametrize("name", REGRESSIONS)
def test_regressions_print_their_programs_and_agree_with_the_closed_form(name):
    printed = outcome(EXAMPLES / f"{name}.py")
    assert re.search(r"^loss\(.*\) -> f64$", printed, re.MULTILINE)
    assert re.search(r"^grad_loss\(.*\) -> \(f64\[.*\], f64.*\)$", printed, re.MULTILINE)
    assert "grad agrees with the closed form" in printed


def test_linear_regression_reaches_the_held_out_error_of_the_normal_equation():
    trained, solved = numbers_after_colon(outcome(EXAMPLES / "linear_regression.py"))
    assert trained == pytest.approx(solved, rel=1e-3)
    assert trained < 4000  # the variance of the held-out targets is above 5000


@pytest.mark.parametrize("name", ["binary_logistic_regression", "softmax_regression"])
def test_classifiers_reach_the_held_out_accuracy_of_scikit_learn(name):
    trained, known = numbers_after_colon(outcome(EXAMPLES / f"{name}.py"))
    assert trained == known
    assert trained > 0.95


def test_digits_are_read_at_97_percent_and_pictures_are_drawn(tmp_path):
    printed = outcome(EXAMPLES / "train_digits.py", "--output", tmp_path)
    accuracy = float(re.search(r"accuracy on 360 test images: ([\d.]+)", printed)[1])
    assert accuracy >= 0.97
    for name in ("loss.png", "predictions.png"):
        picture = (tmp_path / name).read_bytes()
        assert picture.startswith(PNG)
        assert len(picture) > 10_000


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("train_digits", "the goal of 0.97 was missed"),
        ("lstm_language_model", "the goal of 1.0 bits below the frequencies was missed"),
        ("hamiltonian_monte_carlo", "the samples miss the posterior"),
    ],
)
def test_examples_fail_when_the_goal_is_missed(name, complaint, tmp_path):
    finished = python(EXAMPLES / f"{name}.py", *FEW_STEPS[name], "--output", tmp_path)
    assert finished.returncode == 1
    assert complaint in finished.stderr


def test_digits_are_read_at_98_percent_by_convolution():
    printed = outcome(EXAMPLES / "digits_conv.py")
    accuracy = float(re.search(r"accuracy on 360 test images: ([\d.]+)", printed)[1])
    assert accuracy >= 0.98


def test_an_lstm_predicts_a_held_out_text_far_better_than_the_frequencies_of_pairs(tmp_path):
    printed = outcome(
        EXAMPLES / "lstm_language_model.py", "--steps", 150, "--units", 64, "--length", 48,
        "--goal", 0.4, "--output", tmp_path,
    )  # fmt: skip
    single, pairs, reached = numbers_after_colon(printed)
    assert 1 < reached < pairs - 0.4 < single
    written = printed.partition("what it writes:")[2].partition("bits a character")[0].split()
    assert len(set(written)) > 30
    assert (tmp_path / "lstm_bits.png").read_bytes().startswith(PNG)


def test_an_lstm_learns_sources_where_the_manual_is_left_out(tmp_path):
    path = str(EXAMPLES / "lstm_language_model.py")
    code = WITHOUT_PACKAGE.format(folder=str(EXAMPLES), package="pydoc_data", path=path)
    few = FEW_STEPS["lstm_language_model"]
    finished = python("-c", code, *few, "--goal", -9, "--output", tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert int(re.search(r"^(\d+) characters to learn from", finished.stdout)[1]) > 100_000


def test_rates_of_lynx_and_hares_are_found_through_adaptive_steps(tmp_path):
    printed = outcome(EXAMPLES / "adaptive_ode.py", "--output", tmp_path)
    assert "the gradient agrees with forward mode and with differences" in printed
    rates = dict(re.findall(r"(alpha|beta|gamma|delta): ([\d.]+)", printed))
    published = {"alpha": 0.545, "beta": 0.028, "gamma": 0.803, "delta": 0.024}
    assert {name: float(rate) for name, rate in rates.items()} == pytest.approx(published, rel=0.05)
    assert (tmp_path / "lynx_hare.png").read_bytes().startswith(PNG)


def test_sampled_means_and_deviations_are_those_of_the_closed_form(tmp_path):
    printed = outcome(
        EXAMPLES / "hamiltonian_monte_carlo.py", "--samples", 800, "--warmup", 300,
        "--output", tmp_path,
    )  # fmt: skip
    rows = re.findall(r"^\S+ +(\S+) \+- (\S+) +(\S+) \+- (\S+)$", printed, re.MULTILINE)
    assert len(rows) == 11  # ten weights and the variance
    for row in rows:
        mean, spread, known_mean, known_spread = map(float, row)
        assert mean == pytest.approx(known_mean, abs=0.1 * known_spread)
        assert spread == pytest.approx(known_spread, rel=0.1)
    assert (tmp_path / "posterior.png").read_bytes().startswith(PNG)


def test_a_smoother_by_an_op_of_ones_own_halves_the_error_and_more():
    printed = outcome(EXAMPLES / "define_an_op.py")
    assert "derivatives in both modes, and second ones, agree with finite differences" in printed
    assert printed.count("banded_solve(c0, y)") == 1  # one call for all rows
    found, best, before, after = numbers_after_colon(printed)
    assert found <= best
    assert after < 0.4 * before


def test_penalties_are_chosen_by_the_gradient_of_an_optimum():
    printed = outcome(EXAMPLES / "implicit_function.py")
    assert "the gradient of the optimum agrees with finite differences, in both modes" in printed
    before, after, accuracy = numbers_after_colon(printed)
    assert after < 0.9 * before
    assert accuracy > 0.95


@pytest.mark.parametrize(
    ("name", "package"),
    [
        *((name, "sklearn") for name in [*REGRESSIONS, "train_digits", "digits_conv"]),
        ("train_digits", "tqdm"),
        ("train_digits", "matplotlib"),
        ("lstm_language_model", "matplotlib"),
        ("adaptive_ode", "scipy"),
        ("hamiltonian_monte_carlo", "sklearn"),
        ("define_an_op", "scipy"),
        ("define_an_op", "sklearn"),
        ("implicit_function", "sklearn"),
    ],
)
def test_a_missing_package_is_named_with_the_extra_that_brings_it(name, package):
    path = str(EXAMPLES / f"{name}.py")
    code = WITHOUT_PACKAGE.format(folder=str(EXAMPLES), package=package, path=path)
    finished = python("-c", code, *FEW_STEPS.get(name, []))
    assert finished.returncode == 1
    assert f"this example needs {package}" in finished.stderr
    assert 'pip install "functrace[examples]"' in finished.stderr
    assert "Traceback" not in finished.stderr
