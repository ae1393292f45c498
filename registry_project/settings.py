"""Every setting, and every environment variable that the service reads. docs/configuration.md explains them.

Each variable may also be given as <NAME>_FILE, the path of a file that holds its value.
"""

import ipaddress
import os
import re
import secrets
import sys
from datetime import timedelta
from pathlib import Path

from csp.constants import NONCE
from django.core.exceptions import ImproperlyConfigured
from environ import FileAwareEnv

from contracts_app.api.auth.basic import read_basic_users
from contracts_app.api.auth.config import read_jwt
from contracts_app.embedded_login import read_login, write_private
from linter_app.config import draft_named
from registry_project.logging import FORMATS, logging_config

BASE_DIR = Path(__file__).resolve().parent.parent
env = FileAwareEnv()

# The key decides the mode: without one, the service runs for development on this machine.
JWT = read_jwt(env)
DEVELOPMENT = JWT.development
BASIC_USERS = read_basic_users(env.str("BASIC_USERS", ""))


def _bind_address(name: str, default: str) -> str:
    address: str = env.str(name, default)
    if address.startswith("unix:/"):  # only who may open the file reaches it
        return address
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ImproperlyConfigured(f"{name}={address!r} is not host:port, such as 127.0.0.1:8090, nor unix:/path")
    if DEVELOPMENT:
        try:
            loopback = host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
        except ValueError:
            loopback = False
        if not loopback:
            raise ImproperlyConfigured(
                f"{name}={address!r} is open to other machines, but JWT_SECRET is not set and the development "
                "secret is public; set JWT_SECRET (`openssl rand -hex 32`), or bind to 127.0.0.1"
            )
    return address


def _networks(name: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    try:
        return [ipaddress.ip_network(each.strip()) for each in env.list(name, default=[])]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} has networks such as 10.0.0.0/8, separated by commas: {error}") from None


def _url_prefix() -> str:
    prefix: str = env.str("URL_PREFIX", "").rstrip("/")
    if prefix and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", prefix):
        raise ImproperlyConfigured(f"URL_PREFIX={prefix!r} is not a path, such as /contracts")
    return prefix


def _secret_key() -> str:
    """Return SECRET_KEY, or one that is created once and kept, so that console sessions outlive a restart."""
    if key := env.str("SECRET_KEY", ""):
        return str(key)
    path = VAR_DIR / "secret_key"
    try:
        if not path.exists():
            write_private(path, secrets.token_urlsafe(64))
        return path.read_text(encoding="utf-8").strip() or secrets.token_urlsafe(64)
    except OSError as error:
        raise ImproperlyConfigured(f"SECRET_KEY is not set and none can be kept in {path}: {error}") from None


def _private_folder(path: Path) -> Path:
    """Return the folder of what the service keeps, which only its user may read; made where it is missing."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.stat().st_mode & 0o077 and path.stat().st_uid == os.getuid():
            path.chmod(0o700)
    except OSError as error:
        raise ImproperlyConfigured(f"VAR_DIR={str(path)!r} cannot be used: {error}") from None
    return path


def _default_database() -> str:
    """Return the URL of a database in VAR_DIR that only the service's user may read."""
    path = VAR_DIR / "registry.sqlite3"
    if os.access(VAR_DIR, os.W_OK):
        path.touch(mode=0o600)
        path.chmod(0o600)
    return f"sqlite:///{path}"


def _dialects(name: str) -> dict[str, int]:
    """Return the drafts of further URIs of `$schema`, written as URI=DRAFT with commas between them."""
    found: dict[str, int] = {}
    for each in env.list(name, default=[]):
        uri, _, draft = each.strip().rpartition("=")
        try:
            if not uri:
                raise ValueError(f"{each!r} is not URI=DRAFT, such as http://example.com/schemas#=draft-04")
            found[uri] = draft_named(draft, uri)
        except ValueError as error:
            raise ImproperlyConfigured(f"{name}: {error}") from None
    return found


WEB_THREADS = env.int("WEB_THREADS", 12)
# Child processes of each worker, for work on schemas that is not known to be cheap.
WORK_PROCESSES = env.int("WORK_PROCESSES", 3)
WORK_SECONDS = env.float("WORK_SECONDS", 4.0)
WORK_MEMORY_MIB = env.int("WORK_MEMORY_MIB", 512)
# What to read schemas in whose `$schema` names no draft.
SCHEMA_DIALECTS = _dialects("SCHEMA_DIALECTS")
for _name, _minimum in (("WEB_THREADS", 4), ("WORK_PROCESSES", 1), ("WORK_SECONDS", 0.1), ("WORK_MEMORY_MIB", 64)):
    if globals()[_name] < _minimum:
        raise ImproperlyConfigured(f"{_name}={globals()[_name]} is too small; set {_minimum} or more")
BIND_ADDR = _bind_address("BIND_ADDR", "127.0.0.1:8090" if DEVELOPMENT else "0.0.0.0:8090")
# A second address, where the Confluent API is at the root; empty for none.
CONFLUENT_BIND_ADDR = _bind_address("CONFLUENT_BIND_ADDR", "") if env.str("CONFLUENT_BIND_ADDR", "") else ""
if CONFLUENT_BIND_ADDR.startswith("unix:"):
    raise ImproperlyConfigured("CONFLUENT_BIND_ADDR is host:port: the port decides which API a request means")
VAR_DIR = _private_folder(Path(env.str("VAR_DIR", str(BASE_DIR / "var"))))
SECRET_KEY = _secret_key()
DEBUG = False
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if DEVELOPMENT else [])
ALLOWED_HOSTS_REMEDY = (
    "ALLOWED_HOSTS must name the hosts under which clients reach this service, such as registry.example.com,10.0.0.5 "
    "(not *: anyone could choose where the console redirects to)"
)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

ROOT_URLCONF = "registry_project.urls"
WSGI_APPLICATION = "registry_project.wsgi.application"
# No URL of the API has a trailing slash, and a POST is never redirected.
APPEND_SLASH = False

INSTALLED_APPS = [
    "contracts_app",  # before the admin, to replace its frame and start page
    "contracts_app.console.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular_sidecar",
    "axes",
    "csp",
    "linter_app",
    "confluent_app",
]
MIDDLEWARE = [
    "contracts_app.serving.access_log.RequestLogMiddleware",
    "contracts_app.serving.stale_reads.StaleReadsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "contracts_app.console.pages.stale_reads_of",
            ]
        },
    }
]

# Admin users and their sessions; the API never uses it.
DATABASES = {
    "default": env.db_url("DATABASE_URL") if env.str("DATABASE_URL", "") else env.db_url_config(_default_database())
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "contracts_app.console.prefix_groups.PrefixGroups",
]

# Below which path a proxy offers the service; the proxy takes it off. Links begin with it.
URL_PREFIX = _url_prefix()
FORCE_SCRIPT_NAME = URL_PREFIX or None
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = f"{URL_PREFIX}/"
LOGIN_REDIRECT_URL = f"{URL_PREFIX}/admin/"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = f"{URL_PREFIX}/static/"
WHITENOISE_STATIC_PREFIX = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

# The console requires TLS in production. The API is never redirected: its clients would send a token in clear first.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = env.bool("CONSOLE_TLS", not DEVELOPMENT)
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz(/writes)?|metrics)$", r"^(registry|confluent|v2|\.well-known)(/|$)"]
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", 0 if DEVELOPMENT else 3600)
# Both bind other services of the domain, for as long as a browser remembers them: only on request.
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", False)
SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", False)
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]  # they ask for the two settings above
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_AGE = env.int("SESSION_SECONDS", 12 * 3600)
CSRF_COOKIE_SAMESITE = "Strict"  # the session cookie is Lax, so that links from a chat work; every form has its token
CSRF_COOKIE_HTTPONLY = True
# Scripts and styles only from this server; no frames, and no form leads elsewhere.
CONTENT_SECURITY_POLICY = {
    "EXCLUDE_URL_PREFIXES": ["/registry/", "/confluent/", "/v2/"],
    "DIRECTIVES": {
        "default-src": ["'none'"],
        **{f"{kind}-src": ["'self'"] for kind in ("script", "font", "connect")},
        # The editor of the publish page makes its style sheets with a script, which gives them the response's nonce.
        "style-src": ["'self'", NONCE],
        "img-src": ["'self'", "data:"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    },
}
# After so many failures of one user from one address, further attempts are refused for a while.
AXES_FAILURE_LIMIT = 6
AXES_COOLOFF_TIME = timedelta(minutes=10)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = AXES_DISABLE_ACCESS_LOG = True
AXES_LOCKOUT_TEMPLATE = "console/locked_out.html"
AXES_VERBOSE = False
# Each process caches the verdicts that the console has shown.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 20_000}}}
# Where `manage.py backup` notes its last success; another backup job may touch it. The console shows its age.
BACKUP_STAMP = env.str("BACKUP_STAMP", "") or str(VAR_DIR / "last-backup.json")

# Bundles
CONTRACT_MAX_BYTES = env.int("CONTRACT_MAX_BYTES", 10 * 1024 * 1024)
if CONTRACT_MAX_BYTES < 1024:
    raise ImproperlyConfigured("CONTRACT_MAX_BYTES is a number of bytes, 1024 or more")
# The API measures its contents itself and responds 413; a form of the console is a schema, a WIT and a descriptor.
DATA_UPLOAD_MAX_MEMORY_SIZE = 3 * CONTRACT_MAX_BYTES
# Bodies of requests that a worker holds at once, for each kind of client: with a token, with a session, with neither.
MAX_BODIES_BYTES = env.int("MAX_BODIES_BYTES", max(64 * 1024 * 1024, 4 * CONTRACT_MAX_BYTES))
if MAX_BODIES_BYTES < CONTRACT_MAX_BYTES:
    raise ImproperlyConfigured("MAX_BODIES_BYTES must be CONTRACT_MAX_BYTES or more")
# Connections of one worker; beyond that, the one that has been idle for longest is closed.
MAX_CONNECTIONS = env.int("MAX_CONNECTIONS", 1000)
# Requests to the API: of one token's subject, and of one address without a valid token. 0 is no limit.
MAX_REQUESTS_PER_MINUTE = env.int("MAX_REQUESTS_PER_MINUTE", 60_000)
MAX_ANONYMOUS_REQUESTS_PER_MINUTE = env.int("MAX_ANONYMOUS_REQUESTS_PER_MINUTE", 3_000)
# By how much reads may be out of date while the store cannot be reached; by default they are errors then.
STALE_READS_SECONDS = env.float("REGISTRY_STALE_READS", 0)
# The same for pages of the console, which say so.
CONSOLE_STALE_READS_SECONDS = env.float("CONSOLE_STALE_READS", 24 * 3600)
# Pages of other origins that may use the API with a token. Cookies are never accepted from them.
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
if CORS_ALLOWED_ORIGINS:
    INSTALLED_APPS.append("corsheaders")
    MIDDLEWARE.insert(1, "corsheaders.middleware.CorsMiddleware")
CORS_URLS_REGEX = r"^/(registry|confluent)/"
CORS_ALLOW_CREDENTIALS = False
CORS_ALLOW_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT")
CORS_ALLOW_HEADERS = (
    *("accept", "authorization", "content-type", "if-match", "if-none-match", "last-event-id", "traceparent"),
    "x-request-id",
)
CORS_EXPOSE_HEADERS = (
    *("ETag", "Link", "Location", "Deprecation", "Sunset", "Retry-After", "X-Request-ID", "Age", "Registry-Stale"),
    "Registry-Stream",
)
# Webhooks: networks besides the public internet that they may be sent to, seconds for one attempt, and between two.
WEBHOOK_NETWORKS = _networks("WEBHOOK_NETWORKS")
WEBHOOK_TIMEOUT = env.float("WEBHOOK_TIMEOUT", 15.0)
WEBHOOK_RETRY_SECONDS = env.list(
    "WEBHOOK_RETRY_SECONDS", cast=float, default=[5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
)
DEFAULT_NATS_URL = "nats://127.0.0.1:4222"
NATS_URL = env.str("NATS_URL", "")
# The embedded nats-server has a login of its own at each start (serving/embedded_nats.py).
EMBEDDED = {} if NATS_URL else read_login(VAR_DIR / "nats")
CONTRACT_STORAGES = {
    "default": {
        "BACKEND": "contracts_app.storage.nats.store.JetStreamContractStore",
        "OPTIONS": {
            "servers": NATS_URL or EMBEDDED.get("url", DEFAULT_NATS_URL),
            "bucket": env.str("REGISTRY_KV_BUCKET", "contracts"),
            "credentials": env.str("NATS_CREDS_PATH", ""),
            "user": env.str("NATS_USER", "") or EMBEDDED.get("user", ""),
            "password": env.str("NATS_PASSWORD", "") or EMBEDDED.get("password", ""),
            "nkey_seed": env.str("NATS_NKEY_SEED", ""),
            "tls_ca": env.str("NATS_TLS_CA", ""),
            "tls_cert": env.str("NATS_TLS_CERT", ""),
            "tls_key": env.str("NATS_TLS_KEY", ""),
            "replicas": env.int("NATS_REPLICAS", 1),
            "direct": env.bool("NATS_DIRECT_GETS", True),
            "timeout": env.float("NATS_TIMEOUT", 5.0),
            "several_hosts": env.bool("REGISTRY_SEVERAL_HOSTS", None),
            "copy_bytes": env.int("REGISTRY_COPY_BYTES", 256 * 1024 * 1024),
            "create": env.bool("REGISTRY_CREATE_BUCKET", True),
            "known_folder": str(VAR_DIR / "buckets"),
            "mirror_of": env.str("REGISTRY_MIRROR_OF", ""),
            "mirror_domain": env.str("REGISTRY_MIRROR_DOMAIN", ""),
        },
    }
}

# The API
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["contracts_app.api.auth.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["contracts_app.api.auth.scopes.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["contracts_app.api.responses.CompactJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [],  # contents are read by api/requests.py
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "contracts_app.api.responses.AlwaysJSON",
    "EXCEPTION_HANDLER": "contracts_app.api.errors.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
# Tokens need neither a type nor an id.
SIMPLE_JWT = {"TOKEN_TYPE_CLAIM": None, "JTI_CLAIM": None, "USER_ID_CLAIM": "sub"}

LOG_LEVEL = env.str("LOG_LEVEL", "") or env.str("RUST_LOG", "info,registry=debug")
LOG_FORMAT = env.str("LOG_FORMAT", "auto")
if LOG_FORMAT not in FORMATS:
    raise ImproperlyConfigured(f"LOG_FORMAT={LOG_FORMAT!r} is not one of {', '.join(FORMATS)}")
# A development service on a terminal logs for people; all others for programs.
LOGGING = logging_config(
    LOG_LEVEL, text=LOG_FORMAT == "text" or (LOG_FORMAT == "auto" and DEVELOPMENT and sys.stderr.isatty())
)
