"""What those who sign overrides are told, in words. Pure."""

from typing import Final

from alerts import kinds
from alerts.kinds import Kind


def _kind(what: str, where: str) -> Kind:
    return Kind(what, where, "override", audience=kinds.SIGNING, quiet_seconds=60, is_numbered=True)


_SEE: Final = "Open it in prodacct to see its signatures."
KINDS: Final = {
    "asked": _kind("Override asked for", "It waits for signatures: open it in prodacct to decide."),
    "signed": _kind("Override signed", "Open it in prodacct to see who else must sign."),
    "refused": _kind("Override refused", "Open it in prodacct to see why, and where it goes back."),
    "expired": _kind("Override expired", "Nobody decided it in time. Ask again if it is needed."),
    "executed": _kind(
        "Override carried out", "It is taken back by itself unless it is ratified in time."
    ),
    "due": _kind(
        "Ratification due", "Its time is nearly over: ratify it in prodacct, or it is taken back."
    ),
    "ratified": _kind("Override ratified", _SEE),
    "reverted": _kind("Override taken back", "It was not ratified in time, and was reverted."),
    "stuck": _kind(
        "Override not taken back",
        "It was not ratified in time and cannot be reverted: open it and clear the way.",
    ),
    "audited": _kind("Override audited", _SEE),
}
OF_STEP: Final = {
    "approve": "signed", "reject": "refused", "stop": "refused", "expire": "expired",
    "execute": "executed", "ratify": "ratified", "revert": "reverted", "audit": "audited",
}  # fmt: skip
