"""Provenance that leaves and comes back: reproducing a run, an experiment as one file."""
