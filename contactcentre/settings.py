"""Settings of one installation: what an operator may choose comes from the environment, the rest is decided here."""

from email.utils import parseaddr
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import django_stubs_ext
from celery.schedules import schedule
from csp.constants import NONCE, NONE, SELF

from contactcentre.environment import Environment, database

django_stubs_ext.monkeypatch()  # lets admin.ModelAdmin[Entry] be written as the type checker wants it
BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()

# --- what an operator chooses -----------------------------------------------------------------------------------------
DEMO = env.boolean("DEMO", help="Serve the demo world: seeded people, secrets made on the spot, loopback only.")
DATA_DIR = Path(
    env.text(
        "DATA_DIR",
        str(BASE_DIR / "var"),
        shown="var/",
        help="Folder for the SQLite database, outboxes and made secrets.",
    )
).resolve()
PORT = env.integer("PORT", 8000, low=1, high=65535, help="Port on 127.0.0.1 that `manage.py up` listens on.")
PUBLIC_URL = env.url(
    "PUBLIC_URL",
    f"http://localhost:{PORT}",
    schemes=("https", "http"),
    shown="http://localhost:PORT",
    help="Address under which customers, staff and the telephone provider reach us; https makes cookies secure.",
)
ALLOWED_HOSTS = env.listing("ALLOWED_HOSTS", help="Host names to answer to, besides the one in PUBLIC_URL.")
TRUSTED_PROXIES = env.integer(
    "TRUSTED_PROXIES", 0, low=0, high=5, help="How many reverse proxies of ours add to X-Forwarded-For in front of us."
)
LOG_LEVEL = env.choice(
    "LOG_LEVEL", ("INFO", "DEBUG", "WARNING", "ERROR"), help="Lowest severity that is logged to stdout."
)

DATABASE_URL = env.url(
    "DATABASE_URL",
    f"sqlite:///{DATA_DIR / 'contactcentre.sqlite3'}",
    schemes=("postgresql", "postgres", "sqlite"),
    shown="sqlite:///DATA_DIR/contactcentre.sqlite3",
    help="Database: sqlite:///path or postgresql://user:password@host:port/name?sslmode=verify-full.",
)
DATABASE_OWNER_URL = env.url(
    "DATABASE_OWNER_URL",
    schemes=("postgresql", "postgres"),
    help="The same database as the owner of its tables; `manage.py up` migrates as him, nothing else does.",
)
SEQUENCER_DATABASE_URL = env.url(
    "SEQUENCER_DATABASE_URL",
    schemes=("postgresql", "postgres"),
    help="The same database as the role that numbers the log's entries; reserved for the log's sequencer.",
)
REDIS_URL = env.url(
    "REDIS_URL",
    schemes=("redis", "rediss"),
    help="Broker and cache, redis://host:port/number; empty runs worker and beat inside the web process.",
)

_MADE = DATA_DIR / "secrets" if DEMO else None
SECRET_KEY = env.secret(
    "SECRET_KEY", kept_in=_MADE, help="Signs sessions; 50 random characters, the same on every process."
)
FIELD_KEY = env.key(
    "FIELD_KEY",
    kept_in=_MADE,
    help="Wraps subject keys and authenticator secrets: openssl rand -base64 32. Losing it loses them.",
)
RECEIPT_KEY = env.signing_key(
    "RECEIPT_KEY",
    kept_in=_MADE,
    help="Signs the receipts of grants (docs/receipts.md); without it none is signed and no instruction leaves.",
)
RECEIPT_OLD_KEYS = env.public_keys(
    "RECEIPT_OLD_KEYS",
    help="Public keys of before a rotation, still published until their last receipts are out of date.",
)
RECEIPT_AUDIENCE = env.text(
    "RECEIPT_AUDIENCE",
    "system-of-record",
    help="For whom receipts are meant (their aud): the name that it knows itself by.",
)
LOG_KEY = env.signing_key(
    "LOG_KEY",
    kept_in=_MADE,
    help="Signs the log's checkpoints (docs/log.md). Only the log's own worker needs it; without it none is signed.",
)
LOG_OLD_KEYS = env.signing_keys(
    "LOG_OLD_KEYS",
    help="Keys of before a rotation, which sign beside LOG_KEY until every auditor has the new one.",
)
LOG_ORIGIN = env.text(
    "LOG_ORIGIN",
    f"{urlsplit(PUBLIC_URL).netloc.rpartition('@')[2]}/log",
    shown="host of PUBLIC_URL/log",
    help="Name of the log in its checkpoints, taken when the log is opened; later changes of it change nothing.",
)
LOG_SINKS = env.listing(
    "LOG_SINKS",
    help="Who else is given our checkpoints: dir:/path for a copy of all files, mail:address for an auditor's mailbox.",
)
LOG_MAIL_MINUTES = env.integer(
    "LOG_MAIL_MINUTES", 60, low=1, high=10_080, help="Shortest time between two checkpoints by e-mail."
)
TWILIO_AUTH_TOKEN = env.secret(
    "TWILIO_AUTH_TOKEN",
    kept_in=_MADE,
    needed=False,
    help="Checks the signature of every telephone webhook; without it all of them are refused.",
)
TWILIO_AUTH_TOKEN_PREVIOUS = env.secret(
    "TWILIO_AUTH_TOKEN_PREVIOUS", needed=False, help="The token before a rotation, accepted beside the present one."
)
TWILIO_ACCOUNT_SID = env.text(
    "TWILIO_ACCOUNT_SID",
    help="Account that turns calls back to their keypads and, with NOTICE_BACKEND=mail, sends SMS.",
)
IVR_NUMBER = env.text(
    "IVR_NUMBER", "+358800123456", help="The telephone number that callers dial and that our pages name, in E.164."
)

E_ID_BROKERS = env.text(
    "E_ID_BROKERS",
    help="Brokers of strong e-ID: a JSON list of {code, profile (ftn or fapi), name, issuer, client_id}; may add ciba "
    "(none, poll or ping), ciba_binding (transfer or approve_only), login_hint (customer_number or phone), and where "
    "the code to be typed travels: transfer_parameter, transfer_member (docs/decisions/0010). The demo brings its own.",
)
E_ID_KEYS = env.secret(
    "E_ID_KEYS",
    kept_in=_MADE,
    make=lambda: import_module("verification.eid.keys").make(),
    needed=False,
    help="Our private keys towards those brokers, a JWKS; `manage.py e_id_keys` makes one, and shows its public half.",
)
AUTHORITY_REGISTER_URL = env.url(
    "AUTHORITY_REGISTER_URL",
    schemes=("https", "http"),
    help="Gateway to a national register of authorizations (docs/decisions); in clear text only on this machine.",
)
AUTHORITY_REGISTER_DEMO_FILE = DATA_DIR / "register" / "address"  # written by `up` while the demo's stand-in runs
E_ID_DEMO_FILE = DATA_DIR / "e_id" / "brokers.json"  # written by `up` while the demo's own provider runs

CHIP_TRUST = env.text(
    "CHIP_TRUST",
    help="Folder with the signing authorities of documents' chips, one file a country (FIN.pem), and the lists of what "
    "they revoked (FIN.crl); empty trusts none.",
)

NOTICE_BACKEND = env.choice(
    "NOTICE_BACKEND",
    ("file", "mail"),
    help="How notices leave: file writes all to DATA_DIR/outbox, mail sends e-mail by EMAIL_URL and writes the rest.",
)
EMAIL_URL = env.url(
    "EMAIL_URL",
    schemes=("smtp", "smtps"),
    help="Mail server, smtps://user:password@host:port; empty writes mail to DATA_DIR/outbox.",
)
EMAIL_FROM = env.text("EMAIL_FROM", "Contact centre <noreply@example.org>", help="Sender of our e-mail.")
env.refuse_misspelt()

# --- the house --------------------------------------------------------------------------------------------------------
_HTTPS = PUBLIC_URL.startswith("https://")
ALLOWED_HOSTS += [urlsplit(PUBLIC_URL).hostname or "", *(["localhost", "127.0.0.1"] if DEMO else [])]
DEBUG = False
ROOT_URLCONF = "contactcentre.urls"
WSGI_APPLICATION = "contactcentre.wsgi.application"
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500

INSTALLED_APPS = [
    "contactcentre.admin_config.ContactCentreAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp_webauthn",
    "axes",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "contactcentre",
    "ivr",
    "cases",
    "visits",
    "verification",
    "notices",
    "audit",
]
MIDDLEWARE = [
    "contactcentre.proxies.ProxyMiddleware",
    "contactcentre.demo_lock.LoopbackOnlyMiddleware",
    "contactcentre.logs.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "contactcentre.session_limit.SessionLimitMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "contactcentre.step_up.StepUpMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "contactcentre" / "templates"],  # before the admin's own, so that its pages can be extended
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "contactcentre.demo_lock.banner",
            ]
        },
    }
]

# --- data -------------------------------------------------------------------------------------------------------------
DATABASES = {
    "default": database("DATABASE_URL", DATABASE_URL)
}  # ATOMIC_REQUESTS stays off: the gate opens the transaction
CACHES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

# --- staff and their sessions -----------------------------------------------------------------------------------------
AUTH_USER_MODEL = "verification.Staff"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 15}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "admin:login"
OTP_TOTP_ISSUER = "contactcentre"
OTP_WEBAUTHN_RP_ID, OTP_WEBAUTHN_RP_NAME = urlsplit(PUBLIC_URL).hostname or "", "contactcentre"
OTP_WEBAUTHN_ALLOWED_ORIGINS = [PUBLIC_URL]
OTP_WEBAUTHN_ALLOW_PASSWORDLESS_LOGIN = False  # a passkey is the second of two factors
SILENCED_SYSTEM_CHECKS = ["otp_webauthn.E031"]  # over plain http no browser offers passkeys: codes go on working
PASSWORD_RESET_TIMEOUT = 24 * 3600  # how long a link for setting up a staff account is good
OTP_ADMIN_HIDE_SENSITIVE_DATA = True
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]  # a name alone would let a stranger lock staff out
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "contactcentre.errors.locked_out"
AXES_DISABLE_ACCESS_LOG = True  # logins are entries of our own log
AXES_ENABLE_ADMIN = AXES_VERBOSE = False
AXES_CLIENT_IP_CALLABLE = "contactcentre.proxies.client_address"
AXES_SENSITIVE_PARAMETERS = ["username", "password", "otp_token", "otp", "csrfmiddlewaretoken"]

SESSION_COOKIE_NAME = "__Host-sid" if _HTTPS else "sid"  # browsers refuse the __Host- prefix over plain http
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _HTTPS
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 15 * 60
SESSION_SAVE_EVERY_REQUEST = True  # which makes the 15 minutes those since the last request
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_LONGEST_SECONDS = 12 * 3600  # 63B 2.3.3, with SESSION_COOKIE_AGE without activity
CSRF_COOKIE_NAME = "__Host-csrf" if _HTTPS else "csrf"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
CSRF_FAILURE_VIEW = "contactcentre.errors.csrf_failure"

# --- browsers ---------------------------------------------------------------------------------------------------------
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if _HTTPS else 0
SECURE_SSL_REDIRECT = _HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics|e-id/[a-z0-9-]+/notify/)$"]
SECURE_REFERRER_POLICY = "same-origin"  # no-referrer makes browsers send "Origin: null", which the CSRF check refuses
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = (
    True  # a few hundred files, served from the packages: nothing to collect before the first start
)

# --- languages and time -----------------------------------------------------------------------------------------------
LANGUAGE_CODE = "fi"
LANGUAGES = [("fi", "Suomi"), ("sv", "Svenska"), ("en", "English")]
LANGUAGE_COOKIE_NAME = "language"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Europe/Helsinki"

# --- API --------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_AUTHENTICATION_CLASSES": [],  # each view names who may come; one that forgets lets nobody in
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "contactcentre",
    "DESCRIPTION": "A contact centre that verifies first.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "Role": "verification.models.Staff.Role",
        "Level": ["NONE", "LOW", "SUBSTANTIAL", "HIGH"],
        "CaseState": "cases.models.Case.State",
        "QuestionState": ["WAITING", "ANSWERED", "DECLINED"],
        "VisitState": "visits.models.Visit.State",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# --- work that must not be lost ---------------------------------------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL or "memory://localhost/"
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600} if REDIS_URL else {"polling_interval": 0.1}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_TASK_PUBLISH_RETRY = False  # a task is a hint: without a broker the sweep does the work
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 60
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_ENABLE_UTC = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat")
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "notices.sweep": {"task": "notices.tasks.sweep", "schedule": schedule(2)},
    "cases.sweep": {"task": "cases.tasks.sweep", "schedule": schedule(2)},
    "verification.sweep": {"task": "verification.tasks.sweep", "schedule": schedule(2)},
    "visits.sweep": {"task": "visits.tasks.sweep", "schedule": schedule(2)},
    "visits.remind": {"task": "visits.tasks.remind", "schedule": schedule(60)},
    "ivr.sweep": {"task": "ivr.tasks.sweep", "schedule": schedule(60)},
    "audit.let_go": {"task": "audit.tasks.let_go", "schedule": schedule(3600)},
    "audit.sweep": {"task": "audit.tasks.sweep", "schedule": schedule(60)},
    # What nobody took in ten seconds isn't worth doing: the next one does it all.
    "audit.sequence": {"task": "audit.tasks.sequence", "schedule": schedule(1), "options": {"expires": 10}},
}
CELERY_TASK_DEFAULT_QUEUE = "celery"
LOG_QUEUE = "log"  # of its own, so that a worker with the sequencer's rights, and nobody else's, can serve it
CELERY_TASK_ROUTES = {"audit.tasks.sequence": {"queue": LOG_QUEUE}}

# --- mail and logs ----------------------------------------------------------------------------------------------------
_mail = urlsplit(EMAIL_URL)
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_URL else 'filebased'}.EmailBackend"
EMAIL_FILE_PATH = str(DATA_DIR / "outbox" / "mail")
EMAIL_HOST, EMAIL_PORT = _mail.hostname or "", _mail.port or (465 if _mail.scheme == "smtps" else 25)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_mail.username or ""), unquote(_mail.password or "")
EMAIL_USE_SSL = _mail.scheme == "smtps"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = EMAIL_FROM
FROM_NAME, FROM_ADDRESS = parseaddr(EMAIL_FROM)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "contactcentre.logs.formatter"}},
    "filters": {"no_tokens": {"()": "contactcentre.logs.WithoutTokens"}},
    "handlers": {
        "stdout": {
            "class": "logging.StreamHandler",
            "stream": "ext://sys.stdout",
            "formatter": "json",
            "filters": ["no_tokens"],
        }
    },
    "root": {"handlers": ["stdout"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "level": LOG_LEVEL, "propagate": True},
        "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
        "celery.beat": {"level": "WARNING"},  # a line every two seconds that says nothing
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "django.security.DisallowedHost": {"handlers": [], "level": "CRITICAL", "propagate": False},
    },
}
