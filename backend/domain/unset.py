"""Fields that came later: left out of what is stored and digested where they are not set, so that old fingerprints stay."""


def unset(value: object) -> bool:
    """For ``exclude_if``: an optional field that has no value."""
    return value is None


def off(value: object) -> bool:
    """For ``exclude_if``: a switch that is off."""
    return value is False


def one(value: object) -> bool:
    """For ``exclude_if``: a number of things that is one unless said otherwise."""
    return value == 1
