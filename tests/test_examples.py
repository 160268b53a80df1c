"""The examples reach what they promise: each checks itself, and fails when it falls short."""

import functools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
REGRESSIONS = ["linear_regression", "binary_logistic_regression", "softmax_regression"]
PNG = b"\x89PNG\r\n\x1a\n"

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


def test_digits_fail_when_the_goal_is_missed(tmp_path):
    finished = python(EXAMPLES / "train_digits.py", "--epochs", "1", "--output", tmp_path)
    assert finished.returncode == 1
    assert "the goal of 0.97 was missed" in finished.stderr


def test_digits_are_read_at_98_percent_by_convolution():
    printed = outcome(EXAMPLES / "digits_conv.py")
    accuracy = float(re.search(r"accuracy on 360 test images: ([\d.]+)", printed)[1])
    assert accuracy >= 0.98


@pytest.mark.parametrize(
    ("name", "package"),
    [
        *((name, "sklearn") for name in [*REGRESSIONS, "train_digits", "digits_conv"]),
        ("train_digits", "tqdm"),
        ("train_digits", "matplotlib"),
    ],
)
def test_a_missing_package_is_named_with_the_extra_that_brings_it(name, package):
    path = str(EXAMPLES / f"{name}.py")
    code = WITHOUT_PACKAGE.format(folder=str(EXAMPLES), package=package, path=path)
    finished = python("-c", code, "--epochs", "1")
    assert finished.returncode == 1
    assert f"this example needs {package}" in finished.stderr
    assert 'pip install "functrace[examples]"' in finished.stderr
    assert "Traceback" not in finished.stderr
