"""The error that is meant for a person."""


class UserError(ValueError):
    """What is wrong and what to do about it, in one line for the person.

    Raised wherever an argument, a file or a setting will not do. The commands print it
    without a stack trace; in Python it is a `ValueError` like any other.
    """
