"""Settings, read from the environment once. What is missing or malformed fails here, loudly.

PRODACCT_HOME   folder of the embedded database and of this installation's secret
DATABASE_URL    a real PostgreSQL >= 15: the account named there prepares roles and databases
BROKER_URL      RabbitMQ or Redis; unset means the database-backed broker
PRODACCT_ROLE   which database role this process connects as: web, worker, owner, bond
PRODACCT_LOG_KEY      file of the key that signs checkpoints; outside the database, and backed up
PRODACCT_LOG_ORIGIN   what the logs are called in checkpoints, before production and unit
PRODACCT_CHECKPOINTS  folder where checkpoints are put for others to fetch
"""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from celery.schedules import crontab

from prodacct import server

BASE_DIR = Path(__file__).resolve().parent.parent


def _flag(name: str, default: bool) -> bool:
    value = os.environ.get(name, "1" if default else "0").strip().lower()
    if value not in {"0", "1", "true", "false", "yes", "no"}:
        raise SystemExit(f"{name} must be 0 or 1, found {value!r}")
    return value in {"1", "true", "yes"}


def _list(name: str, default: str) -> list[str]:
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


ROLE = os.environ.get("PRODACCT_ROLE", "worker")
if ROLE not in {"web", "worker", "owner", "bond"}:
    raise SystemExit(f"PRODACCT_ROLE must be web, worker, owner or bond, found {ROLE!r}")

SECRET_KEY = server.secret()
# The secret before this one: what was encrypted under it opens until it is given anew.
SECRET_KEY_FALLBACKS = _list("PRODACCT_SECRET_KEY_BEFORE", "")
DEBUG = False
ALLOWED_HOSTS = _list("PRODACCT_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = _list("PRODACCT_ORIGINS", "")
HTTPS = _flag("PRODACCT_HTTPS", default=False)
PROXIES = int(os.environ.get("PRODACCT_PROXIES", "0"))
# The web process speaks plain HTTP to the proxy that ends TLS, and believes that one alone.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS and PROXIES else None

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "guardian",
    "simple_history",
    "csp",
    "prodacct",
    "access",
    "alerts",
    "taxonomy",
    "ledger",
    "readlog",
    "budgets",
    "purchasing",
    "overrides",
    "ingestion",
    "reports",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "readlog.refusals.RefusalMiddleware",
    "readlog.pace.ReadingPaceMiddleware",
    "readlog.middleware.ReadLogMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "access.middleware.ScopeMiddleware",
    "readlog.view_as.ViewAsMiddleware",
]

ROOT_URLCONF = "prodacct.urls"
WSGI_APPLICATION = "prodacct.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "prodacct.shell.navigation",
            ],
        },
    },
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        **server.parameters(ROLE),
        "CONN_MAX_AGE": 600 if ROLE == "web" else None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**server.options(), "application_name": f"prodacct {ROLE}"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "access.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ANONYMOUS_USER_NAME = None
GUARDIAN_RAISE_403 = False
SIMPLE_HISTORY_ENABLED = False
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "productions"
LOGOUT_REDIRECT_URL = "login"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "access.password_words.TradeWordsValidator"},
]

# Signing in (docs/decisions/0028): an address and a password, then a second factor where a role
# asks for one (access/roles.py). Nobody signs up by themselves.
ACCOUNT_ADAPTER = "access.adapters.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False  # the cookie goes with the browser's window
ACCOUNT_LOGIN_TIMEOUT = 600
ACCOUNT_RATE_LIMITS = {
    # An office behind one address signs in at nine; who guesses comes from one address or at one
    # person. Second factors are counted like passwords, each person apart.
    "login": "60/m/ip",
    "login_failed": "20/m/ip,5/5m/key",
    "reauthenticate": "10/m/user",
}
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
# Half a shooting day: signed in at nine, asked again after lunch (docs/decisions/0042).
STEP_UP_SECONDS = int(os.environ.get("PRODACCT_STEP_UP_MINUTES", "240")) * 60
PASSWORD_RESET_TIMEOUT = 3600
ALLAUTH_TRUSTED_PROXY_COUNT = PROXIES
MFA_ADAPTER = "access.adapters.MFAAdapter"
MFA_SUPPORTED_TYPES = ["recovery_codes", "totp", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_ALLOW_UNVERIFIED_EMAIL = True  # addresses are given by whoever invites
MFA_TOTP_ISSUER = "prodacct"
MFA_TOTP_PERIOD = 30
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODES_SHOW_ONCE = True
# What is remembered of attempts, by one table for every process (access/attempts.py).
CACHES = {"default": {"BACKEND": "access.attempts.AttemptCache"}}

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
# Served from where they stand: there is no collecting step to forget.
STATIC_ROOT = BASE_DIR / "static"

# What nobody reads more than, over all screens and files (docs/decisions/0042).
READING_REQUESTS_A_MINUTE = int(os.environ.get("PRODACCT_READING_REQUESTS", "600"))
READING_ROWS = int(os.environ.get("PRODACCT_READING_ROWS", "200000"))
READING_MINUTES = 10

# One constant policy, no nonce: nothing inline is ever served (docs/decisions/0005).
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
SESSION_COOKIE_HTTPONLY = True
# A shooting day and its overtime; and the longest form an accountant fills in without a click.
# Both are the server's: the cookie itself goes with the browser's window.
SESSION_ENGINE = "access.sessions"
SESSION_COOKIE_AGE = int(os.environ.get("PRODACCT_SESSION_HOURS", "12")) * 3600
SESSION_IDLE_SECONDS = int(os.environ.get("PRODACCT_IDLE_MINUTES", "60")) * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_NAME = "__Host-csrftoken" if HTTPS else "csrftoken"
X_FRAME_OPTIONS = "DENY"

# An upload is streamed to the database in pieces; only form fields are held in memory.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000
DATA_UPLOAD_MAX_NUMBER_FILES = 50
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
# One attachment; the database holds it to the same (ledger/sql/attachments.sql).
MAX_ATTACHMENT_BYTES = 25 * 1024 * 1024
# The cost tree as mapped files, for the processes of this machine.
SNAPSHOT_FOLDER = server.home() / "snapshots"
MAX_FILE_BYTES = int(os.environ.get("PRODACCT_MAX_FILE_BYTES", str(512 * 1024 * 1024)))
# What one person may have begun to send to one production and not finished.
MAX_UNFINISHED_BYTES = 2 * MAX_FILE_BYTES

LOG_KEY_FILE = os.environ.get("PRODACCT_LOG_KEY") or str(server.home() / "log-key" / "key")
LOG_ORIGIN = os.environ.get("PRODACCT_LOG_ORIGIN") or "prodacct"
CHECKPOINT_FOLDER = os.environ.get("PRODACCT_CHECKPOINTS") or str(server.home() / "checkpoints")
# Where a rates file may be fetched from: https, these very names, public addresses, no redirects.
RATE_HOSTS = frozenset(os.environ.get("PRODACCT_RATE_HOSTS", "www.ecb.europa.eu").split(","))

# Where feeds and webhooks may lead, on the same terms; and whether to this machine's own ports too.
OUTBOUND_HOSTS = frozenset(_list("PRODACCT_OUTBOUND_HOSTS", ""))
# Of these hosts, the ones that stand inside the network: their addresses may be private.
OUTBOUND_PRIVATE = frozenset(_list("PRODACCT_OUTBOUND_PRIVATE", ""))
OUTBOUND_LOOPBACK = _flag("PRODACCT_OUTBOUND_LOOPBACK", default=False)
# A folder below which files are taken in by themselves: PRODUCTION/SOURCE/file.
INBOX = os.environ.get("PRODACCT_INBOX", "")

# Letters and alerts go out where a server is named: smtp://USER:WORD@HOST:PORT, smtps:// for TLS
# from the first byte, or file:///FOLDER to look at them.
MAIL = urlsplit(os.environ.get("PRODACCT_MAIL", ""))
ALERT_MAIL = bool(MAIL.scheme)
if MAIL.scheme not in {"", "smtp", "smtps", "file"}:
    raise SystemExit(f"PRODACCT_MAIL must be smtp://, smtps:// or file://, found {MAIL.scheme}://")
EMAIL_BACKEND = "django.core.mail.backends." + (
    "filebased.EmailBackend" if MAIL.scheme == "file" else "smtp.EmailBackend"
)
EMAIL_FILE_PATH = MAIL.path if MAIL.scheme == "file" else None
EMAIL_HOST = MAIL.hostname or ""
EMAIL_PORT = MAIL.port or (465 if MAIL.scheme == "smtps" else 587)
EMAIL_HOST_USER = unquote(MAIL.username or "")
EMAIL_HOST_PASSWORD = unquote(MAIL.password or "")
EMAIL_USE_SSL = MAIL.scheme == "smtps"
EMAIL_USE_TLS = MAIL.scheme == "smtp" and EMAIL_HOST not in {"127.0.0.1", "localhost"}
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = os.environ.get("PRODACCT_MAIL_FROM", "prodacct@localhost")

CELERY_BROKER_URL = os.environ.get("BROKER_URL") or "pgmq://"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "find work a lost message left": {"task": "ingestion.tasks.sweep", "schedule": 5.0},
    "read the feeds that are due": {"task": "ingestion.tasks.read_feeds", "schedule": 30.0},
    "take in what lies in the inbox": {"task": "ingestion.tasks.look_in_inbox", "schedule": 10.0},
    "send the letters that wait": {"task": "access.tasks.send_letters", "schedule": 5.0},
    "sweep uploads that are over": {"task": "ingestion.tasks.sweep_uploads", "schedule": 60.0},
    "carry out, end and take back overrides": {
        "task": "overrides.tasks.settle",
        "schedule": 30.0,
    },
    "tell of who is refused again and again": {
        "task": "readlog.tasks.tell_repeats",
        "schedule": 60.0,
    },
    "end the views as another that are over": {
        "task": "readlog.tasks.end_viewings",
        "schedule": 60.0,
    },
    # The run at a production's midnight is the day's end: no time zone's is off the quarters.
    "sign the logs that grew": {
        "task": "ledger.tasks.checkpoint",
        "schedule": crontab(minute="*/15"),
    },
    "keep the snapshots of the cost trees": {
        "task": "taxonomy.tasks.keep_snapshots",
        "schedule": crontab(minute="35"),
    },
    # At night where films are shot by day on either side of the Atlantic, off the quarters.
    "verify every journal": {
        "task": "ledger.tasks.verify_each",
        "schedule": crontab(hour="5", minute="20"),
    },
    "check who may see what": {
        "task": "ledger.tasks.check_access",
        "schedule": crontab(hour="4", minute="50"),
    },
}
CELERY_BEAT_SCHEDULE_FILENAME = str(server.home() / "beat-schedule")
if CELERY_BROKER_URL == "pgmq://":
    CELERY_BROKER_TRANSPORT = "prodacct.broker:Transport"
    CELERY_WORKER_PREFETCH_MULTIPLIER = 4
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "conn_string": server.connection_string("broker", "prodacct_broker"),
        "init_extension": False,
        "use_notify": True,
        "polling_interval": 5,
        "wait_time_seconds": 0,
        "visibility_timeout": 3600,
        "pool_size": 4,
        # How long a request that has kept a file waits for a broker that is away.
        "pool_timeout": 3,
    }
elif CELERY_BROKER_URL.startswith("amqp"):
    CELERY_TASK_DEFAULT_QUEUE_TYPE = "quorum"
    CELERY_BROKER_TRANSPORT_OPTIONS = {"confirm_publish": True}
else:
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600, "unacked_restore_throttle": 1}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    # A server that breaks off is a dead letter, not a traceback of the library's own thread.
    "loggers": {"paramiko": {"level": "CRITICAL"}},
    "root": {"handlers": ["console"], "level": os.environ.get("PRODACCT_LOG", "WARNING")},
}
