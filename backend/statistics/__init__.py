"""Statistics beyond the matched gain: what scipy and statsmodels are needed for. Pure functions of numbers; no store, no files."""
