"""The web process: connects to PostgreSQL as prodacct_web, the role that owns nothing."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("PRODACCT_ROLE", "web")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "prodacct.settings")

application = get_wsgi_application()

from taxonomy import shelf  # noqa: E402 - Django's applications must stand first

shelf.open_all()
