"""Asking for overrides, the approvals inbox, one override to sign, and who signs."""

import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from access import door
from access.codes import TooManyTries
from access.errors import Invalid, NotFoundHere, Refused
from access.notices import note_and_tell
from access.requests import ScopedRequest, WrittenDown
from ledger.corrections import Change
from ledger.media import BYTES, SHOWN
from ledger.models import Attachment
from overrides import deciding, fallback, mandates, screens, selectors, signatures, tasks
from overrides.carrying import Asked, is_department, missing
from overrides.deciding import Decision
from overrides.fallback import Proof
from overrides.models import Key, Override
from overrides.policies import DEFAULT_RULES, Policy
from overrides.requests import Case, attach_support, request_override
from overrides.signatures import SignatureError
from overrides.states import KINDS

CHALLENGE = "override_challenge"
MOST_DIGITS = 16


def _override(request: ScopedRequest, number: int) -> Override:
    found = selectors.override(request.production, number)
    if found is None:
        raise NotFoundHere
    return found


@require_safe
def overrides(request: ScopedRequest, code: str) -> HttpResponse:
    """The approvals inbox, and everything else."""
    page = screens.listing(request.production, request.user, request.membership.role)
    page["may_ask"] = "request_overrides" in request.actions
    return render(request, "overrides/overrides.html", page)


@require_safe
def override(request: ScopedRequest, code: str, number: int) -> HttpResponse:
    """One override: approve it, or say why not; ?reason= and back_to= ask for a rejection."""
    return _page(request, _override(request, number))


def _page(request: ScopedRequest, found: Override, refusal: Refused | None = None) -> HttpResponse:
    decision = None
    if request.GET.get("back_to") and refusal is None:
        decision = Decision("reject", request.GET.get("reason", "").strip(),
                            request.GET["back_to"])  # fmt: skip
        try:
            deciding.check_decision(request.user, found, decision)
        except Refused as fault:
            decision, refusal = None, fault
    page = screens.detail(
        request.production, found, request.user, request.membership.role, decision
    )
    return _shown(request, "overrides/override.html", page, refusal)


def _shown(
    request: ScopedRequest, template: str, page: dict[str, Any], refusal: Refused | None
) -> HttpResponse:
    page["refusal"] = refusal.message if refusal else ""
    if refusal is None:
        return render(request, template, page)
    # What was counted of a try with a code and a pass phrase stays, though nothing else does.
    answer = WrittenDown if request.POST.get("by") == "fallback" else HttpResponse
    return answer(render_to_string(template, page, request), status=refusal.status)


@require_safe
def asked(request: ScopedRequest, code: str) -> HttpResponse:
    """What this person has asked for, and how it stands."""
    return render(
        request, "overrides/asked.html", screens.own_listing(request.production, request.user)
    )


def _own(request: ScopedRequest, number: int) -> Override:
    """A request of the person's own; others' are not there, whatever else they may see."""
    found = _override(request, number)
    if found.requested_by_id != request.user.pk:
        raise NotFoundHere
    return found


@require_safe
def asked_one(request: ScopedRequest, code: str, number: int) -> HttpResponse:
    """A request of one's own: what it would post, and who has decided what of it."""
    found = _own(request, number)
    page = screens.detail(request.production, found, request.user, request.membership.role)
    return render(request, "overrides/override.html", page | {"is_asked": True})


@require_safe
def asked_document(request: ScopedRequest, code: str, number: int) -> HttpResponse:
    """The document of a request of one's own."""
    return _document_of(_own(request, number))


@require_safe
def override_document(request: ScopedRequest, code: str, number: int) -> HttpResponse:
    """The document that supports a request, inert; it is the one whose hash was signed."""
    return _document_of(_override(request, number))


def _document_of(found: Override) -> HttpResponse:
    document = selectors.document_of(found)
    if document is None or hashlib.sha256(document.data).digest() != bytes(found.document_sha256):
        raise NotFoundHere
    is_shown = document.media_type in SHOWN
    response = HttpResponse(document.data, content_type=document.media_type if is_shown else BYTES)
    disposition = content_disposition_header(not is_shown, document.name)
    assert disposition is not None, "an attachment has a name"
    response["Content-Disposition"] = disposition
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_POST
@sensitive_post_parameters("code", "phrase")
def override_decide(request: ScopedRequest, code: str, number: int) -> HttpResponse:
    """Take a signed decision; then the next that waits is opened."""
    found, sent = _override(request, number), request.POST
    decision = Decision(
        sent.get("decision", ""), sent.get("reason", "").strip(), sent.get("back_to", "")
    )
    try:
        deciding.check_decision(request.user, found, decision)
        text = _signed(request, lambda key: deciding.digest_of(found, decision, key))
        step = deciding.decide(actor=request.user, found=found, decision=decision, signature=text)
    except Refused as refusal:
        return _page(request, _override(request, number), refusal)
    tasks.wake()
    messages.success(
        request, f"Signed: {found.reference} {screens.STEP_WORDS[step.step]}, now {step.becomes}."
    )
    following = screens.next_waiting(request.production, request.user, request.membership.role)
    if following is None:
        return redirect("override", request.production.code, number)
    return redirect("override", request.production.code, following)


def _signed(request: ScopedRequest, digest_for: Callable[[Key], bytes]) -> str:
    """A signature as the step keeps it: the browser's key made it, or the fallback key did now.

    Raises Refused.
    """
    if request.POST.get("by") != "fallback":
        return _signature(request, request.POST.get("credential", ""))
    with _noted(request):
        return fallback.sign(
            actor=request.user, production=request.production, digest_for=digest_for,
            proof=_proof(request),
        )  # fmt: skip


def _proof(request: ScopedRequest) -> Proof:
    return Proof(request.POST.get("code", "").strip(), request.POST.get("phrase", ""))


@contextmanager
def _noted(request: ScopedRequest) -> Iterator[None]:
    """Wrong tries are written down, for the person and for administrators."""
    try:
        yield
    except fallback.WrongProof:
        door.note(request, "wrong_signing", request.user.email)
        raise
    except TooManyTries:
        door.note(request, "held", request.user.email)
        raise


def _signature(request: ScopedRequest, sent: str) -> str:
    """What the browser's key signed, as the step keeps it. Raises Refused."""
    try:
        said = json.loads(sent)
        parts = said["response"]
        raw = signatures.from_web(said["rawId"])
        key = _key_of(request, raw)
        return signatures.signed_text(
            key.number, signatures.from_web(parts["clientDataJSON"]),
            signatures.from_web(parts["authenticatorData"]),
            signatures.from_web(parts["signature"]),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise deciding.BadSignature("Nothing was signed. Try again.") from fault


def _key_of(request: ScopedRequest, credential: bytes) -> Key:
    for key in selectors.live_keys(request.production, request.user):
        if key.alg == signatures.WEBAUTHN and signatures.from_web(key.credential) == credential:
            return key
    raise deciding.BadSignature("This key is not enrolled here, or was revoked.")


@require_http_methods(["GET", "HEAD", "POST"])
def override_new(request: ScopedRequest, code: str) -> HttpResponse:
    """Ask for an override."""
    refusal = None
    if request.method == "POST":
        try:
            made = request_override(
                actor=request.user, production=request.production, asked=_asked(request),
                case=_case(request),
            )  # fmt: skip
        except Refused as fault:
            refusal = fault
        else:
            tasks.wake()
            messages.success(request, f"{made.reference} waits for its signers.")
            signs = "sign_overrides" in request.actions
            to = "override" if signs else "asked_one"
            return redirect(to, request.production.code, made.number)
    sent = request.POST or _asked_before(request)
    page = {
        "of_department": is_department(request.actions),
        "document_lines": screens.document_lines(request.production, sent.get("document", "")),
        "kinds": [
            (k, name)
            for k, name in KINDS.items()
            if not missing(k, request.actions)
        ],
        "sent": sent, "signs": "sign_overrides" in request.actions,
        "refusal": refusal.message if refusal else "",
    }  # fmt: skip
    return render(request, "overrides/new.html", page, status=refusal.status if refusal else 200)


def _asked_before(request: ScopedRequest) -> dict[str, str]:
    """What the form says at first: of ?follows=, what was asked for and sent back."""
    today, follows = timezone.now().date().isoformat(), request.GET.get("follows", "")
    if not (follows.isascii() and follows.isdigit() and len(follows) < 9):
        names = ("kind", "row", "document", "node")
        return {"day": today} | {name: request.GET.get(name, "")[:40] for name in names}
    before = _override(request, int(follows))
    if not selectors.may_follow(before, request.user):
        raise NotFoundHere
    return screens.form_of(before) | {"day": today, "follows": follows}


def _asked(request: ScopedRequest) -> Asked:
    node = request.POST.get("node", "").strip()
    if node and not (node.isascii() and node.isdigit() and len(node) < MOST_DIGITS):
        raise Invalid("Cost code: expected the number of its page, or nothing.")
    return replace(_asked_of_kind(request), node=int(node) if node else None)


def _asked_of_kind(request: ScopedRequest) -> Asked:
    sent = request.POST
    try:
        day = date.fromisoformat(sent.get("day", ""))
    except ValueError:
        raise Invalid(f"Day: expected YYYY-MM-DD, found {sent.get('day', '')[:20]!r}.") from None
    rows = [line.split() for line in sent.get("lines", "").splitlines() if line.strip()]
    if any(len(row) != 2 for row in rows):
        raise Invalid("Lines: expected two words a line, such as 3310 1,500.00.")
    kind = sent.get("kind", "")
    if kind == "validation_waiver":
        place = _pair(sent.get("row", ""), "Held row: expected its import and number: 12-418.")
        return Asked(kind, day, row=place)
    moves_cost = kind == "reclassification" or (kind == "atl_btl" and sent.get("document"))
    if not moves_cost:
        return Asked(kind, day, [(a, b) for a, b in rows], sent.get("order", "").strip())
    document = _pair(
        sent.get("document", ""), "Document: expected its number as its page says it: 12-3."
    )
    if any(not (line.isascii() and line.isdigit()) for line, _ in rows):
        raise Invalid("Lines: expected the document's line and its account, such as 1 2220.")
    changes = [Change(int(line), account) for line, account in rows]
    return Asked(kind, day, document=document, changes=changes)


def _pair(text: str, refusal: str) -> tuple[int, int]:
    """Two numbers, as 12-3. Raises Invalid in the words of the refusal."""
    parts = text.strip().split("-")
    if len(parts) != 2 or any(not (p.isascii() and p.isdigit() and len(p) < 10) for p in parts):
        raise Invalid(refusal)
    return int(parts[0]), int(parts[1])


def _case(request: ScopedRequest) -> Case:
    sent, follows = request.POST, request.POST.get("follows", "")
    before = None
    if follows.isascii() and follows.isdigit():
        before = _override(request, int(follows))
    return Case(sent.get("reason", ""), _document(request), sent.get("clause", ""), before)


def _document(request: ScopedRequest) -> Attachment:
    given = request.FILES.get("file")
    if given is None:
        raise Invalid("Document: choose the signed document that supports the request.")
    if (given.size or 0) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        raise Invalid("Document: it is too large here; scan it at a lower resolution.")
    return attach_support(
        actor=request.user, production=request.production, name=given.name or "document",
        data=given.read(),
    )  # fmt: skip


@require_safe
def signers(request: ScopedRequest, code: str) -> HttpResponse:
    """Who signs, by which rules; what waits to be confirmed."""
    return _signers_page(request)


def _signers_page(request: ScopedRequest, refusal: Refused | None = None) -> HttpResponse:
    page = screens.signers(request.production, request.user)
    challenge = secrets.token_bytes(32)
    request.session[CHALLENGE] = challenge.hex()
    page["enrol"] = screens.enrolment(request.user, challenge, _site(request)[0])
    return _shown(request, "overrides/signers.html", page, refusal)


def _site(request: ScopedRequest) -> tuple[str, tuple[str, ...]]:
    """The host name keys are made for, and the addresses people sign at."""
    policy = selectors.policy(request.production)
    if policy is not None:
        return policy.rp, policy.origins
    host = request.get_host()
    return host.partition(":")[0], (f"{request.scheme}://{host}",)


@require_POST
@sensitive_post_parameters("code", "phrase", "again")
def signer_change(request: ScopedRequest, code: str) -> HttpResponse:
    """Propose rules or a key, propose that one be revoked, or confirm what another proposed."""
    acts = {"rules": _rules, "enrol": _enrol, "enrol_fallback": _enrol_fallback,
            "revoke": _revoke, "confirm": _confirm}  # fmt: skip
    act = acts.get(request.POST.get("act", ""))
    if act is None:
        return _signers_page(request, Invalid(f"Expected one of {', '.join(acts)}."))
    try:
        said = act(request)
    except SignatureError as fault:
        return _signers_page(request, Invalid(str(fault)))
    except Refused as refusal:
        return _signers_page(request, refusal)
    messages.success(request, said)
    return redirect("signers", request.production.code)


def _rules(request: ScopedRequest) -> str:
    rp, origins = _site(request)
    sent = request.POST
    policy = Policy(
        DEFAULT_RULES, rp, origins, most_atl=sent.get("most_atl", "").replace(",", "").strip(),
        most_btl=sent.get("most_btl", "").replace(",", "").strip(),
        password_keys=sent.get("fallback") == "yes",
    )  # fmt: skip
    mandates.propose_rules(actor=request.user, production=request.production, policy=policy)
    return "The rules are proposed: two others confirm them."


def _enrol(request: ScopedRequest) -> str:
    rp, origins = _site(request)
    challenge = bytes.fromhex(str(request.session.pop(CHALLENGE, "")))
    try:
        parts: dict[str, Any] = json.loads(request.POST.get("credential", ""))["response"]
        attestation, client = parts["attestationObject"], parts["clientDataJSON"]
    except (ValueError, KeyError, TypeError) as fault:
        raise SignatureError("No key was made. Try again.") from fault
    credential, public = signatures.read_registration(
        attestation=signatures.from_web(attestation), client_data=signatures.from_web(client),
        challenge=challenge, rp=rp, origins=origins,
    )  # fmt: skip
    mandates.propose_key(
        actor=request.user, production=request.production, credential=credential, public=public,
        rp=rp,
    )  # fmt: skip
    return "Your key is proposed: two others confirm it."


def _enrol_fallback(request: ScopedRequest) -> str:
    with _noted(request):
        fallback.enrol(
            actor=request.user, production=request.production, proof=_proof(request),
            again=request.POST.get("again", ""),
        )  # fmt: skip
    note_and_tell(request, request.user, "fallback_made")
    return "Your fallback key is proposed: two others confirm it."


def _revoke(request: ScopedRequest) -> str:
    number = request.POST.get("key", "")
    for key in selectors.keys(request.production):
        if str(key.number) == number and key.revoked_by_id is None:
            mandates.propose_revocation(
                actor=request.user, key=key, reason=request.POST.get("reason", "")
            )
            return "Revoking the key is proposed: two others confirm it."
    raise NotFoundHere


def _confirm(request: ScopedRequest) -> str:
    number = request.POST.get("mandate", "")
    for mandate in selectors.mandates(request.production):
        if str(mandate.number) == number:
            text = ""
            if selectors.is_founded(request.production):
                text = _signed(request, partial(mandates.confirmation_digest, mandate))
            made = mandates.confirm(actor=request.user, mandate=mandate, signature=text)
            return f"Confirmed: it is {made.state}."
    raise NotFoundHere
