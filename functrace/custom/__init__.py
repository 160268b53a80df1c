"""Primitives that carry rules which the user wrote: derivatives, batching, callbacks, solutions."""
