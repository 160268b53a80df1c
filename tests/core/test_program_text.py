"""What Programs print stays in its column, whatever loops define."""

import numpy as np

import functrace as ft


def test_lines_of_loops_with_many_outputs_do_not_move_the_others():
    def last(x):
        y = np.tanh(x)
        carry, _ = ft.scan(lambda c, _: ([a * y for a in c], None), [x] * 6, length=3)
        return np.sum(carry[0] + carry[5])

    lines = str(ft.trace(last)(np.ones(3))).splitlines()
    loop = next(line for line in lines if "scan(" in line)
    (plain,) = (line for line in lines if "tanh(" in line)
    assert loop.index(" = ") > 50
    assert plain.index(" = ") < 20
