"""What the dead-letter screen shows, ready for its template."""

from typing import Any

from django.conf import settings
from django.urls import reverse

from access.models import Production, User
from alerts import kinds
from alerts import selectors as told
from alerts.models import Alert
from alerts.outside import page_of
from ingestion import waiting
from ingestion.alerting import telling
from ingestion.layouts.sources import REGISTRY
from ingestion.screens.imports import moment, source_choices
from ingestion.tables.feeds import Feed, FeedRun
from ingestion.tables.letters import DeadLetter, Decision

SHOWN = 200
KINDS = {"file": "File", "call": "Vendor's API", "work": "Work"}


def dead_letters_view(production: Production) -> dict[str, Any]:
    """The letters, those that wait first, and the limits in force."""
    found = list(waiting.dead_letters(production)[:SHOWN])
    decided = waiting.decisions_of(production, [letter.pk for letter in found])
    rows = [_letter(letter, decided.get(letter.pk), production.code) for letter in found]
    return {
        "letters": rows,
        "any_to_decide": any(row["may_decide"] for row in rows),
        "limits": [
            {
                "source": REGISTRY[source].label if source in REGISTRY else "Every other source",
                "rows": limit.most_rows,
                "bytes": limit.most_bytes,
                "set_by": limit.set_by or "as installed",
                "reason": limit.reason,
            }
            for source, limit in sorted(waiting.limits(production).items())
        ],
        "sources": source_choices(),
    }


def _letter(letter: DeadLetter, decision: Decision | None, code: str) -> dict[str, Any]:
    batch = letter.batch
    return {
        "id": letter.pk,
        "kind": KINDS[letter.kind],
        "label": letter.label,
        "url": reverse("import_detail", args=[code, batch.pk]) if batch else "",
        "source": REGISTRY[letter.source].label if letter.source in REGISTRY else letter.source,
        "cause": letter.cause,
        "code": letter.code,
        "sha256": bytes(letter.document.sha256).hex() if letter.document else "",
        "attempts": letter.attempts,
        "next_try": moment(letter.next_try_at),
        "state": letter.state,
        "state_label": DeadLetter.State(letter.state).label,
        "opened": moment(letter.opened_at),
        "may_decide": letter.state in waiting.DECIDABLE,
        "decided": ""
        if decision is None
        else f"{'Re-driven' if decision.action == 'redrive' else 'Dropped'} by "
        f"{decision.made_by}, {moment(decision.made_at)}: {decision.reason}",
    }


def alerts_view(production: Production, user: User) -> dict[str, Any]:
    """The alerts, each with what this person has read of it, and where they are sent."""
    hook = told.hook_of(production)
    read = told.read_counts(production, user)
    return {
        "alerts": [
            {
                "id": alert.pk,
                "what": kinds.of(alert.kind).what,
                "page": page_of(kinds.of(alert.kind), production.code, alert.source),
                "elsewhere": "" if kinds.of(alert.kind).page else kinds.of(alert.kind).where,
                "source": REGISTRY[alert.source].label
                if alert.source in REGISTRY
                else alert.source or "Any",
                "count": alert.count,
                "first": moment(alert.first_at),
                "last": moment(alert.last_at),
                "is_unread": alert.closed_at is None and alert.count > read.get(alert.pk, 0),
                "closed": ""
                if alert.closed_at is None
                else f"{_closed_by(alert)}, {moment(alert.closed_at)}",
            }
            for alert in told.alerts(production)[:SHOWN]
        ],
        "hook_url": hook.url if hook is not None else "",
        "mail_is_set": settings.ALERT_MAIL,
    }


def _closed_by(alert: Alert) -> str:
    return f"by {alert.closed_by}" if alert.closed_by else "by what came after"


def feeds_view(production: Production, source: str) -> dict[str, Any]:
    """The feeds with their last run, and the newest runs."""
    rows = []
    for feed in telling.feeds(production):
        run = telling.last_run(feed)
        rows.append(
            {
                "id": feed.pk,
                "name": feed.name,
                "vendor": feed.vendor,
                "source": REGISTRY[feed.source].label if feed.source in REGISTRY else feed.source,
                "unit": feed.unit.code,
                "pace": f"every {feed.every_minutes:,} min, "
                f"at most {feed.calls_per_minute:,} calls a minute",
                "is_active": feed.is_active,
                "kind": "SFTP folder" if feed.terms.get("kind") == "sftp" else "API",
                "has_key": feed.terms["auth"] == "key",
                "takes_secret": feed.terms["auth"] != "none",
                "run": None if run is None else _run(run),
            }
        )
    return {"feeds": rows, "sources": source_choices(source)}


def terms_sent(feed: Feed) -> dict[str, str]:
    """A feed's terms as its form would have sent them. The secret is not among them."""
    kept = {name: str(value) for name, value in feed.terms.items()}
    if feed.terms.get("kind") == "sftp":
        kept["most_megabytes"] = str(feed.terms["most_bytes"] // 1_000_000 or 1)
    else:
        kept["kind"] = "http"
        kept["columns"] = "\n".join(f"{column} = {path}" for column, path in feed.terms["columns"])
    return kept | {
        "name": feed.name,
        "unit": feed.unit.code,
        "calls_per_minute": str(feed.calls_per_minute),
        "every_minutes": str(feed.every_minutes),
    }


def _run(run: FeedRun) -> dict[str, Any]:
    return {
        "state": run.state,
        "label": FeedRun.State(run.state).label,
        "pages": run.pages,
        "rows": run.rows,
        "words": run.words,
        "started": moment(run.started_at),
    }
