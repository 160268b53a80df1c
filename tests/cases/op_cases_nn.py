"""Cases of convolution, pooling and activation functions."""

from __future__ import annotations

from functools import partial

import numpy as np

from functrace import nn
from functrace.ops.windows import overlap_add, windows

from .op_cases import case, complex_, integers, real

# Convolution

case("conv", nn.conv, real(2, 2, 4, 3), real(3, 2, 2, 2))
case("conv of one example", nn.conv, real(2, 4), real(3, 2, 3))
case("conv options", partial(nn.conv, stride=(2, 1), padding=((1, 0), 1), dilation=(1, 2)),
     real(1, 2, 4, 3), real(2, 2, 2, 2))  # fmt: skip
case("conv groups", partial(nn.conv, padding="SAME", groups=2), real(2, 4, 3), real(4, 2, 2))
case("conv of every channel", partial(nn.conv, groups=2), real(2, 2, 4), real(2, 1, 3))
case("conv of points", nn.conv, real(2, 3, 2, 2), real(2, 3, 1, 1))
case("conv of whole lengths", nn.conv, real(2, 2, 3, 2), real(2, 2, 3, 2))
case("conv over three axes", nn.conv, real(1, 2, 3, 2, 3), real(2, 2, 2, 2, 2))
case("conv of complex", partial(nn.conv, stride=2), complex_(1, 1, 5), complex_(2, 1, 3))
case("conv of integers", nn.conv, integers(1, 1, 4), integers(2, 1, 2))
case("conv of no examples", nn.conv, real(0, 2, 4), real(3, 2, 3))

case("windows", lambda x: windows(x, (2, 3), (2, 1), (1, 2)), real(2, 5, 6))
case("overlap_add", lambda y: overlap_add(y, (5, 6), (2, 1), (1, 2)), real(2, 2, 3, 2, 2))
case("overlap_add of few windows", lambda y: overlap_add(y, (6,), (2,), (1,)), real(2, 4, 2))

# Pooling

case("max_pool", partial(nn.max_pool, window=(2, 2)), real(2, 4, 4))
case(
    "max_pool overlapping", partial(nn.max_pool, window=(3,), stride=2, padding="SAME"), real(2, 6)
)
case("max_pool of integers", partial(nn.max_pool, window=(2,), padding=1), integers(5))
case("avg_pool", partial(nn.avg_pool, window=(2, 3)), real(2, 4, 3))
case("avg_pool overlapping", partial(nn.avg_pool, window=(3,), stride=1, padding=1), real(2, 4))
case("avg_pool without padding", partial(nn.avg_pool, window=(2, 2), padding="SAME",
     count_include_pad=False), real(3, 3))  # fmt: skip
case("avg_pool of integers", partial(nn.avg_pool, window=(2,)), integers(5))

# Activations

for _function in (
    nn.relu, nn.leaky_relu, nn.elu, nn.sigmoid, nn.log_sigmoid, nn.softplus, nn.silu, nn.gelu,
    nn.softmax, nn.log_softmax, nn.logsumexp,
):  # fmt: skip
    case(f"nn.{_function.__name__}", _function, real(2, 3))
case("nn.relu of integers", nn.relu, integers(3) - 3)
case("nn.leaky_relu slope", nn.leaky_relu, real(3), real(3))
case("nn.elu alpha", nn.elu, real(3), real(3))
case("nn.sigmoid of a number", nn.sigmoid, 0.5)
case("nn.softplus of integers", nn.softplus, integers(3))
case("nn.softmax axis where", partial(nn.softmax, axis=0, where=np.array([[True], [False]])),
     real(2, 3))  # fmt: skip
case("nn.log_softmax axes", partial(nn.log_softmax, axis=None), real(2, 3))
case("nn.logsumexp axis where", partial(nn.logsumexp, axis=(0, 2), keepdims=True,
     where=np.array([True, False, True])), real(2, 2, 3))  # fmt: skip
case("nn.one_hot", partial(nn.one_hot, num_classes=4, axis=0), integers(2, 3))
