"""Benchmarks: functrace beside JAX and autograd, in turns in one process."""
