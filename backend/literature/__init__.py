"""Figures that were published elsewhere, with where they stand."""
