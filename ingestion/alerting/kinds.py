"""What the accounting team is told of the intake, in words. Pure."""

from typing import Final

from alerts.kinds import Kind

_LETTERS = "Open Dead letters in prodacct to see what waits and to decide."
KINDS: Final = {
    "file": Kind("Files wait because they are over their limit", _LETTERS, "dead_letters"),
    "call": Kind("A vendor's API refuses or misleads us", _LETTERS, "dead_letters"),
    "work": Kind("Work was given up after many tries", _LETTERS, "dead_letters"),
    # Refused before it was received: nothing of it is in prodacct, and no letter waits.
    "inbox": Kind(
        "Files put into the inbox were refused",
        "Each lies in its folder's `failed`, with the reason in a text file beside it; put it "
        "right and drop it again.",
        "",
    ),
}
