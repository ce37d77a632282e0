"""Checkpoints every quarter of an hour and when they are asked for; verification every night."""

import logging

from celery import shared_task
from django.db import DatabaseError

from access import context
from access.errors import Refused
from alerts.services import raise_alert
from ledger.checkpoints import TASK, checkpoint_productions
from ledger.selectors import productions_with_logs
from ledger.verify import MOST_NAMED, record_result, verify_production
from taxonomy import agreement
from taxonomy.selectors import productions_with_trees

log = logging.getLogger(__name__)


@shared_task(name=TASK)
def checkpoint(production_id: int | None = None) -> int:
    """Sign the logs that have grown, of one production or of all; how many.

    Twice is harmless: a log that has not grown since its last checkpoint is not signed again.
    """
    made, refused = checkpoint_productions(productions_with_logs(production_id))
    for refusal in refused:
        log.critical("no checkpoint: %s", refusal)
    log.info("signed %s checkpoints", made)
    return made


@shared_task(name="ledger.tasks.verify_each")
def verify_each() -> int:
    """Ask for each production's journal to be verified, by a task of its own; how many.

    In one task the verification of many films could take longer than the broker waits for it
    before it gives the task to another worker (`visibility_timeout`).
    """
    productions = productions_with_logs()
    for production in productions:
        verify.delay(production.pk)
    return len(productions)


@shared_task(name="ledger.tasks.verify")
def verify(production_id: int | None = None) -> int:
    """Recompute the journal of one production or of all; of how many it was not found whole.

    Twice is harmless: it changes nothing, and says once more how it found the journal. What was
    found is said in the log first: a database that was altered may not take it.
    """
    unsound = 0
    for production in productions_with_logs(production_id):
        try:
            result = verify_production(production)
            for finding in result.findings[:MOST_NAMED]:
                log.critical(
                    "%s was altered: %s: %s", production.code, finding.record, finding.problem
                )
            if len(result.findings) > MOST_NAMED:
                log.critical("%s was altered: %s records", production.code, len(result.findings))
            record_result(production, result)
        except (Refused, DatabaseError) as fault:  # the other productions are verified all the same
            log.critical("%s could not be verified: %s", production.code, fault)
            unsound += 1
            continue
        unsound += bool(result.findings)
        log.info("verified %s: %s findings", production.code, len(result.findings))
    return unsound


@shared_task(name="ledger.tasks.check_access")
def check_access(production_id: int | None = None) -> int:
    """Hold grants, memberships and policies of one production or of all against each other; how
    many disagreements.

    Twice is harmless: it changes nothing, and says once more what it found. It stands here since
    neither the words of a production nor alerts know of each other.
    """
    count = 0
    for production in productions_with_trees(production_id):
        found = agreement.disagreements(production)
        for one in found:
            log.critical("%s: access of %s: %s", production.code, one.user or "all", one.said)
        agreement.record(production, found)
        with context.acting(user_id=context.NOBODY, production_id=production.pk):
            for who in sorted({str(one.user or "everybody") for one in found}):
                raise_alert(production=production, kind="access", source=who[:40])
        count += len(found)
    log.info("checked who may see what: %s disagreements", count)
    return count
