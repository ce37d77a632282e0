"""The cost trees' snapshots, kept up with the trees."""

import logging

from celery import shared_task
from celery.signals import worker_init

from access import context
from access.services import console_person
from taxonomy import shelf
from taxonomy.selectors import productions_with_trees

log = logging.getLogger(__name__)


@shared_task
def keep_snapshots(production_id: int | None = None) -> int:
    """Check the snapshot of one production or of all; write those whose tree has grown, how many.

    Twice is harmless: a tree that has not grown since its snapshot is not written again.
    """
    made = 0
    person = console_person()
    for production in productions_with_trees(production_id):
        with context.acting(user_id=person.pk, production_id=production.pk):
            made += shelf.keep_snapshot(actor=person, production=production)
    log.info("wrote %s snapshots of cost trees", made)
    return made


@worker_init.connect
def _open_snapshots(**_: object) -> None:
    """Before the worker's processes part, so that they share the mapped files."""
    log.info("opened %s snapshots of cost trees", shelf.open_all())
