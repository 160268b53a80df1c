"""Warm calls: what is remembered of a call, so that the next one like it costs less."""
