"""`python -m functrace info`."""

import subprocess
import sys

import pytest

from functrace import __main__, machine
from functrace.machine import Advice, Blas


def test_the_report_names_versions_library_and_processors(monkeypatch, capsys):
    monkeypatch.setattr(machine, "advice", lambda: [Advice("A=1", 1.8, "large products")])
    assert __main__.main(["info"]) == 0
    lines = capsys.readouterr().out.splitlines()
    starts = {line.split()[0] for line in lines}
    assert {"python", "numpy", "opt-einsum", "processors", "BLAS", "SIMD", "advice"} <= starts
    assert "set A=1: large products ran 1.8 times as fast (measured)" in lines[-1]


def test_another_command_is_a_usage_error(capsys):
    assert __main__.main(["speed"]) == 2
    assert "usage" in capsys.readouterr().err


def test_it_runs_as_a_module():
    run = subprocess.run([sys.executable, "-m", "functrace"], capture_output=True, text=True)
    assert run.returncode == 2


def test_the_library_that_numpy_loaded_tells_its_kernel():
    library = machine.blas()
    if "openblas" in library.name.lower():
        assert library.kernel
        assert library.threads >= 1


@pytest.mark.parametrize(
    ("library", "sets", "seconds", "expected"),
    [
        (Blas("scipy-openblas", "Haswell", 1), ["AVX512F"], [1.0, 1.0], "OPENBLAS_CORETYPE"),
        (Blas("scipy-openblas", "Haswell", 1), ["AVX512F"], [2.0, 1.0], ""),
        (Blas("scipy-openblas", "SkylakeX", 1), ["AVX512F"], [1.0, 1.0], ""),
        (Blas("scipy-openblas", "Haswell", 1), ["AVX2"], [1.0, 1.0], ""),
        (Blas("scipy-openblas", "Haswell", 4), ["AVX2"], [1.0, 0.5], "OPENBLAS_NUM_THREADS=1"),
        (Blas("accelerate", "", 0), [], [1.0, 1.0], ""),
    ],
)
def test_a_setting_is_advised_when_it_was_measured_to_pay(
    monkeypatch, library, sets, seconds, expected
):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    monkeypatch.setattr(machine, "blas", lambda: library)
    monkeypatch.setattr(machine, "simd", lambda: sets)
    monkeypatch.setattr(machine, "_measured", lambda setting: seconds if setting else [2.0, 1.0])
    found = machine.advice()
    assert [a.setting.startswith(expected) for a in found] == [True] * bool(expected)


def test_the_measurement_gives_a_large_and_a_small_product(monkeypatch):
    monkeypatch.setattr(machine, "_REPEATS", 1)
    large, small = machine._measured("OPENBLAS_NUM_THREADS=1")
    assert large > small > 0
