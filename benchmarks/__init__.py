"""Benchmarks: functrace beside JAX, autograd and PyTorch, in turns in one process."""
