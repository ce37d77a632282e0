"""The Celery application: messages are wake-ups, the database rows are the work.

With BROKER_URL unset the broker is the project's own PostgreSQL (kombu's pgmq transport in a
database of its own); RabbitMQ or Redis is one URL away.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "prodacct.settings")

app = Celery("prodacct")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
