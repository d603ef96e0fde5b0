"""One job shared out among several processes: part i of n, counted from 1."""

from pipelines.base.errors import UserError


def part_of(text):
    """Reads `i/n` of `--shard`.

    Returns:
        i and n, with 1 <= i <= n.

    Raises:
        UserError: it is written otherwise.
    """
    part, slash, parts = text.partition("/")
    if not (slash and part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise UserError(
            f"--shard={text}: write i/n, part i of n counted from 1, such as 1/4 to 4/4"
        )
    return int(part), int(parts)


def share(text, items):
    """Every n-th of a list, from the i-th on: what the part `i/n` has to do."""
    part, parts = part_of(text)
    return items[part - 1 :: parts]
