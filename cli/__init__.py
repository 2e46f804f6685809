"""Command line of latmm: one file per command, which imports latmm only when it runs."""
