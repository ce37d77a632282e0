"""Refusals a person meets. One handler (access/middleware.py) turns them into answers."""


class Refused(Exception):
    """An action that is not done, with a sentence ready to be shown. `code` is stable."""

    code = "refused"
    status = 409

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotFoundHere(Refused):
    """Not there, or not yours: the same answer, so that nothing can be learned from it."""

    code = "not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__("Not found, or outside your cost centre")


class TooLarge(Refused):
    """More than is read from somebody who has not signed in."""

    code = "too_large"
    status = 413

    def __init__(self) -> None:
        super().__init__("Sign in before you send a file")


class TooLong(Refused):
    """More than this address takes; refused before any of it is read."""

    code = "too_long"
    status = 413

    def __init__(self, most_bytes: int) -> None:
        super().__init__(
            f"The file is larger than {most_bytes:,} bytes, the most that is taken here"
        )


class NotAccepted(Refused):
    """The database did not accept who asks: what was read may be less than there is."""

    code = "context"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "The database did not accept who asks. Nothing is shown, and nothing was changed. Try "
            "again; if it stays like this, tell whoever keeps this installation."
        )


class Invalid(Refused):
    """Input that cannot be taken: the sentence says where, what was expected and found."""

    code = "invalid"
    status = 422
