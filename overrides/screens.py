"""What the pages of overrides show: whom each waits for, what is signed, and the tree of steps."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from access import codes, roles
from access.models import Production, User
from ledger import selectors as ledger
from ledger.journal import ACTUAL
from overrides import deciding, fallback, selectors, signatures
from overrides.deciding import Decision
from overrides.mandates import confirmation_digest
from overrides.models import Key, Mandate, Override, Step
from overrides.signatures import FALLBACK
from overrides.states import APPROVED, BACK_TO, EXECUTED, KINDS, REQUESTED, is_needed
from taxonomy.money import format_amount

SHOWN = 200
MOST_DIGITS = 9
Holders = Mapping[str, Sequence[str]]
STEP_WORDS = {
    "approve": "approved", "reject": "rejected", "stop": "stopped", "expire": "expired",
    "execute": "carried out", "ratify": "ratified", "revert": "taken back", "audit": "audited",
}  # fmt: skip


def _when(at: datetime) -> str:
    return f"{at:%d %b %Y %H:%M} UTC"


def due_in(at: datetime) -> str:
    """How long there is, as people say it: 2 h 51 m."""
    minutes = int((at - timezone.now()).total_seconds() // 60)
    if minutes <= 0:
        return "over"
    return f"{minutes // 60} h {minutes % 60:02d} m"


def waits_for(found: Override, steps: Sequence[Step], holders: Holders) -> str:
    """Who holds it now: the roles that must still sign, and who has a key for each."""
    if found.state == REQUESTED:
        signed = [s for s in steps if s.step == "approve"]
        missing = [r for r in found.roles if r not in {s.role for s in signed}]
        more = found.threshold - len(signed) - len(missing)
        named = [_named(role, holders) for role in missing]
        if more > 0:
            named.append(f"{more} more signature{'s' if more > 1 else ''}")
        return ", ".join(named)
    if found.state == APPROVED:
        return "the clock, which carries it out"
    if found.state == EXECUTED:
        done = {s.role for s in steps if s.step == "ratify"}
        return ", ".join(_named(r, holders) for r in found.ratify_roles if r not in done)
    return ""


def signed_by(steps: Sequence[Step]) -> str:
    """Who has approved it so far; a fallback signature is marked."""
    return ", ".join(
        f"{s.person.name}{' (fallback)' if _signature(s).get('alg') == FALLBACK else ''}"
        for s in steps if s.step == "approve" and s.person
    )  # fmt: skip


def _signature(step: Step) -> dict[str, str]:
    """What a signature says of itself: whoever asked sees the step and not the keys."""
    return dict(json.loads(step.signature)) if step.signature else {}


def _key_words(step: Step) -> str:
    said = _signature(step)
    kind = "fallback key" if said.get("alg") == FALLBACK else "passkey"
    return f"{kind} {said['key']}" if said else ""


def _named(role: str, holders: Holders) -> str:
    names = holders.get(role, [])
    return roles.label_of(role) + (f" ({' or '.join(names)})" if names else "")


def waiting_on(user: User, role: str, found: Override, steps: Sequence[Step]) -> str:
    """What this person can do to bring it on: approve, ratify, or nothing."""
    signed = [s.role for s in steps if s.step == "approve"]
    if found.state == REQUESTED and found.requested_by_id != user.pk and not any(
        s.person_id == user.pk for s in steps
    ) and is_needed(role, found.roles, signed, found.threshold
    ) and found.expires_at > timezone.now():  # fmt: skip
        return "approve"
    if (
        found.state == EXECUTED and role in found.ratify_roles
        and role not in {s.role for s in steps if s.step == "ratify"}
        and found.ratify_by is not None and found.ratify_by > timezone.now()
    ):  # fmt: skip
        return "ratify"
    return ""


def waiting(production: Production, user: User, role: str) -> list[int]:
    """The numbers of the overrides that wait for this person, the oldest first."""
    found = selectors.undecided(production)
    steps = selectors.steps_of(found)
    return [o.number for o in found if waiting_on(user, role, o, steps[o.pk])]


def next_waiting(production: Production, user: User, role: str) -> int | None:
    """The next override that waits for this person, if one does."""
    return next(iter(waiting(production, user, role)), None)


def _row(
    found: Override, steps: Sequence[Step], user: User, role: str, holders: Holders
) -> dict[str, Any]:
    ends = found.ratify_by if found.state == EXECUTED else found.expires_at
    is_open = found.state in selectors.PENDING
    return {
        "number": found.number, "reference": found.reference, "state": found.state,
        "kind": KINDS[found.kind],
        "amount": format_amount(found.amount, found.production.currency),
        "target": found.target, "by": found.requested_by.name, "why": found.justification,
        "waits": waits_for(found, steps, holders), "signed_by": signed_by(steps),
        "due": due_in(ends) if ends and is_open else "",
        "due_at": _when(ends) if ends else "", "mine": waiting_on(user, role, found, steps),
    }  # fmt: skip


def listing(production: Production, user: User, role: str) -> dict[str, Any]:
    """What waits for this person, and everything else, the newest first."""
    found = list(selectors.overrides(production)[:SHOWN])
    steps, holders = selectors.steps_of(found), selectors.key_holders(production)
    rows = [_row(each, steps[each.pk], user, role, holders) for each in found]
    return {
        "inbox": [row for row in rows if row["mine"]],
        "rest": [row for row in rows if not row["mine"]],
        "is_founded": selectors.is_founded(production),
    }


def own_listing(production: Production, user: User) -> dict[str, Any]:
    """What a person has asked for, the newest first, and how each stands."""
    found = list(selectors.overrides(production).filter(requested_by=user)[:SHOWN])
    steps, holders = selectors.steps_of(found), selectors.key_holders(production)
    return {
        "rows": [_row(each, steps[each.pk], user, "", holders) for each in found],
        "is_founded": selectors.has_begun(),
    }


def document_lines(production: Production, document: str) -> list[dict[str, str]]:
    """The lines of a document that is to be moved, as far as the person sees them."""
    batch, _, number = document.strip().partition("-")
    if not (batch.isascii() and batch.isdigit() and number.isascii() and number.isdigit()):
        return []
    if len(batch) > MOST_DIGITS or len(number) > MOST_DIGITS:
        return []
    found = ledger.document(production, int(batch), int(number))
    accounts = {
        a.pk: f"{a.code} {a.name}" for a in ledger.accounts(production) if a.statement == "cost"
    }
    return [
        {"number": str(p.line_no), "account": accounts[p.account_id], "currency": p.currency,
         "amount": format_amount(p.amount, p.currency)}
        for p in (found[1] if found else ())
        if p.book == ACTUAL and p.account_id in accounts
    ]  # fmt: skip


def _request_options(digest: bytes, keys: Sequence[Key]) -> dict[str, Any]:
    """What the browser is asked for: an assertion over this digest by one of these keys."""
    return {"publicKey": {
        "challenge": signatures.web_base64(digest), "rpId": keys[0].rp,
        "allowCredentials": [
            {"type": "public-key", "id": signatures.web_base64(signatures.from_web(k.credential))}
            for k in keys
        ],
        "userVerification": "required",
    }}  # fmt: skip


def detail(
    production: Production, found: Override, user: User, role: str, decision: Decision | None = None
) -> dict[str, Any]:
    """One override: what is asked for, what this person would sign, and its signature tree."""
    steps = selectors.steps(found)
    row = _row(found, steps, user, role, selectors.key_holders(production))
    keys = [k for k in selectors.live_keys(production, user) if k.alg == signatures.WEBAUTHN]
    own = fallback.key_of(production, user)
    signs_with = [*keys, *([own] if own and fallback.is_taken(production) else [])]
    is_open = found.state in (REQUESTED, APPROVED) and found.requested_by_id != user.pk
    may_reject = is_open and not any(s.person_id == user.pk for s in steps)
    wanted = decision or (Decision(row["mine"]) if row["mine"] else None)
    options, words = None, ""
    if wanted is not None and signs_with:
        digest = deciding.digest_of(found, wanted, signs_with[0])
        options = _request_options(digest, keys) if keys else None
        words = deciding.hash_words(digest)
    return {
        **row, "override": found, "lines": found.proposed["lines"], "wanted": wanted,
        "options": options, "sign_words": words, "has_key": bool(signs_with),
        "signs_by_fallback": own in signs_with, "has_excluded": bool(own) and not signs_with,
        "may_reject": may_reject,
        "document_hash": bytes(found.document_sha256).hex(), "leaf": bytes(found.leaf).hex()[:8],
        "target_hash": bytes(found.target_digest).hex()[:8], "tree": _tree(found, steps),
        "back_to": list(BACK_TO.items()), "is_mine": found.requested_by_id == user.pk,
        "requested_at": _when(found.requested_at), "follows": found.follows,
        "followed_by": selectors.followed_by(found),
        "may_follow": selectors.may_follow(found, user),
    }  # fmt: skip


def form_of(found: Override) -> dict[str, str]:
    """What was asked for, as the form took it."""
    said = found.proposed
    if found.kind == "reclassification":
        rows = [(str(c["line_no"]), c["account"]) for c in said["changes"]]
    elif found.kind == "late_posting":
        rows = said["journal"]
    elif found.kind == "validation_waiver":
        rows = []
    else:
        rows = [(line["account"], f"{Decimal(line['amount']):,.2f}") for line in said["lines"]]
    batch, number = said.get("document", ("", ""))
    row = f"{said['import']}-{said['row']}" if "held_row" in said else ""
    return {
        "kind": found.kind, "lines": "\n".join(f"{a} {b}" for a, b in rows),
        "order": said.get("order", ""), "document": f"{batch}-{number}" if batch else "",
        "row": row,
        "node": said.get("branch", {}).get("node", ""),
        "reason": found.justification, "clause": found.clause,
    }  # fmt: skip


def _tree(found: Override, steps: Sequence[Step]) -> list[dict[str, Any]]:
    rows = [{
        "what": "requested", "who": found.requested_by.name, "when": _when(found.requested_at),
        "hash": bytes(found.leaf).hex()[:8], "how": "", "more": found.rule,
    }]  # fmt: skip
    for step in steps:
        person = step.person.name if step.person else "the clock"
        role = f", {roles.label_of(step.role)}" if step.role else ""
        back = f" {BACK_TO[step.back_to]}." if step.back_to else ""
        rows.append({
            "what": STEP_WORDS[step.step], "who": person + role, "when": _when(step.taken_at),
            "hash": bytes(step.leaf).hex()[:8],
            "how": _key_words(step),
            "more": step.reason + back if step.reason else step.checked,
        })  # fmt: skip
    return rows


def signers(production: Production, user: User) -> dict[str, Any]:
    """Rules in force, keys, and what waits to be confirmed."""
    policy = selectors.policy(production)
    keys = list(selectors.keys(production))
    own = [k for k in keys if k.person_id == user.pk and k.revoked_by_id is None]
    kinds = {k.alg for k in own}
    is_founded = selectors.is_founded(production)
    waiting = [m for m in selectors.mandates(production) if m.state == "proposed"]
    takes_fallback = policy is not None and policy.password_keys
    return {
        "policy": policy, "is_founded": is_founded, "takes_fallback": takes_fallback,
        "has_passkey": signatures.WEBAUTHN in kinds, "has_fallback": FALLBACK in kinds,
        "has_app": takes_fallback and codes.has_app(user),
        "rules": [
            {
                "kind": KINDS[r.kind], "up_to": r.up_to or "any amount", "threshold": r.threshold,
                "roles": ", ".join(map(roles.label_of, r.roles)), "open_hours": r.open_hours,
                "ratify_hours": r.ratify_hours,
                "ratify_roles": ", ".join(map(roles.label_of, r.ratify_roles)),
            }
            for r in (policy.rules if policy else ())
        ],
        "keys": [
            {"number": k.number, "who": k.person.name, "role": roles.label_of(k.role),
             "kind": "fallback" if k.alg == FALLBACK else "passkey",
             "is_live": k.revoked_by_id is None} for k in keys
        ],
        "waiting": [
            _mandate(m, user, [k for k in own if takes_fallback or k.alg != FALLBACK],
                     is_signed=is_founded) for m in waiting
        ],
    }  # fmt: skip


def _mandate(
    mandate: Mandate, user: User, own: Sequence[Key], *, is_signed: bool
) -> dict[str, Any]:
    words = selectors.confirmations(mandate)
    may = user.pk not in (mandate.proposed_by_id, mandate.person_id) and not any(
        c.person_id == user.pk for c in words
    )
    passkeys = [k for k in own if k.alg == signatures.WEBAUTHN]
    options = None
    if may and is_signed and passkeys:
        options = _request_options(confirmation_digest(mandate, passkeys[0]), passkeys)
    return {
        "number": mandate.number, "what": mandate_words(mandate),
        "by": mandate.proposed_by.name, "confirmed": ", ".join(c.person.name for c in words),
        "may": may and (bool(own) or not is_signed), "is_signed": is_signed, "options": options,
        "by_fallback": is_signed and any(k.alg == FALLBACK for k in own),
        "options_id": f"options-{mandate.number}",
    }  # fmt: skip


def mandate_words(mandate: Mandate) -> str:
    """What people confirm: whose key and of which kind, or what the rules say of fallback ones."""
    said = json.loads(mandate.said)
    name = mandate.person.name if mandate.person else ""
    if mandate.type == "key.revoke":
        return f"Revoke key {said['key']} of {name}"
    if mandate.type == "key.add":
        return f"A {'fallback key' if said['alg'] == FALLBACK else 'passkey'} for {name}"
    taken = "take" if said.get("password_keys") is True else "exclude"
    return f"Signing rules that {taken} fallback signatures"


def enrolment(user: User, challenge: bytes, rp: str) -> dict[str, Any]:
    """What the browser is asked for to make a key: ES256, and its person verified."""
    return {"publicKey": {
        "challenge": signatures.web_base64(challenge), "rp": {"id": rp, "name": "prodacct"},
        "user": {"id": signatures.web_base64(f"override-{user.pk}".encode()), "name": user.email,
                 "displayName": user.name},
        "pubKeyCredParams": [{"type": "public-key", "alg": -7}], "attestation": "none",
        "authenticatorSelection": {"userVerification": "required", "residentKey": "preferred"},
    }}  # fmt: skip
