"""Bearer tokens: RFC 6750 and RFC 7519, with the documented messages."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.core.exceptions import ImproperlyConfigured
from environ import FileAwareEnv

from contracts_app.api.auth import jwks
from contracts_app.api.auth.config import DEVELOPMENT_SECRET, JWTConfig, read_jwt
from tests.api.conftest import ALL, make_token

PATH = "/registry/contracts"


def get(api, authorization=None):
    headers = {} if authorization is None else {"Authorization": authorization}
    return api.client.get(PATH, headers=headers)


def test_a_request_without_a_token_is_a_401(api):
    response = get(api)
    assert (response.status_code, response.content) == (401, b"Missing Authorization header")
    assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["Bearer invalid-token", "Bearer a.b.c", "Bearer " + "x" * 5000, "Bearer é"])
def test_an_undecodable_token_is_a_401(api, header):
    response = get(api, header)
    assert response.status_code == 401
    assert response.content.decode().startswith("Invalid token: Token decode error: ")


@pytest.mark.parametrize("header", ["Basic abc", "Bearer", "Bearer ", "token"])
def test_an_authorization_header_of_another_form_is_a_401(api, header):
    assert get(api, header).status_code == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": int(time.time()) - 5},
        {"exp": None},
        {"exp": "soon"},
        {"exp": []},
        {"nbf": int(time.time()) + 3600},
        {"sub": None},
        {"key": "another-secret-of-thirty-two-bytes-or-more"},
        {"algorithm": "HS512"},
        {"key": "", "algorithm": "none"},
    ],
)
def test_invalid_claims_and_signatures_are_a_401(api, claims):
    assert get(api, f"Bearer {make_token(*ALL, **claims)}").status_code == 401


def test_scopes_may_be_an_array_or_a_string(api):
    assert get(api, f"Bearer {make_token('contracts:read')}").status_code == 200
    assert get(api, f"Bearer {make_token(scopes=None, scope='x contracts:read')}").status_code == 200
    assert get(api, f"Bearer {make_token(scopes=None, scope='contracts:read')}").status_code == 200
    for scopes in ([], ["contracts:write"], None, ""):
        response = get(api, f"Bearer {make_token(scopes=scopes)}")
        assert response.status_code == 403
        assert response.content == b"Insufficient permissions: contracts:read scope required"


def test_writing_requires_its_scope(api):
    api.token = make_token("contracts:read")
    response = api.post({"name": "a", "version": "v1"})
    assert response.status_code == 403
    assert response.content == b"Insufficient permissions: contracts:write scope required"


def test_a_token_built_by_hand_works(api):
    """A token built by hand, as a client without a library would."""

    def b64(value) -> str:
        return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")

    import hashlib
    import hmac

    now = int(time.time())
    claims = {"sub": "dev-user", "exp": now + 3600, "iat": now, "scopes": ["contracts:write", "contracts:read"]}
    signed = b64({"alg": "HS256", "typ": "JWT"}) + "." + b64(claims)
    digest = hmac.new(DEVELOPMENT_SECRET.encode(), signed.encode(), hashlib.sha256).digest()
    token = signed + "." + base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert get(api, f"Bearer {token}").status_code == 200


def test_tokens_never_reach_a_log(api, caplog):
    caplog.set_level(logging.DEBUG)
    get(api, f"Bearer {api.token}")
    get(api, f"Bearer {api.token}x")
    assert api.token not in caplog.text
    assert "contracts_app.serving.access_log" in {record.name for record in caplog.records}
    assert [record.subject for record in caplog.records if hasattr(record, "subject")] == ["tester", None]


def test_the_api_touches_no_database(api):
    # pytest-django refuses every query in tests that do not request a database.
    assert api.publish("a", "v1").status_code == 201
    assert get(api, f"Bearer {api.token}").status_code == 200


def keys():
    rsa_key = rsa.generate_private_key(65537, 2048)
    yield from ((f"{family}{bits}", rsa_key) for family in ("RS", "PS") for bits in (256, 384, 512))
    curves = (("ES256", ec.SECP256R1()), ("ES384", ec.SECP384R1()), ("ES512", ec.SECP521R1()))
    yield from ((name, ec.generate_private_key(curve)) for name, curve in curves)
    yield "EdDSA", ed25519.Ed25519PrivateKey.generate()


KEYS = dict(keys())


def pem(key) -> str:
    public = key.public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return public.public_bytes(serialization.Encoding.PEM, form).decode()


@pytest.mark.parametrize("algorithm", KEYS)
def test_tokens_are_verified_by_public_keys(api, settings, algorithm):
    key = KEYS[algorithm]
    settings.JWT = JWTConfig(algorithm=algorithm, key=pem(key))
    assert get(api, f"Bearer {make_token(*ALL, key=key, algorithm=algorithm)}").status_code == 200
    assert get(api, f"Bearer {make_token(*ALL)}").status_code == 401


def test_a_public_key_is_not_accepted_as_an_hmac_secret(api, settings):
    settings.JWT = JWTConfig(algorithm="RS256", key=pem(KEYS["RS256"]))
    header, claims, _ = make_token(*ALL).split(".")
    import hashlib
    import hmac

    forged = hmac.new(pem(KEYS["RS256"]).encode(), f"{header}.{claims}".encode(), hashlib.sha256).digest()
    token = f"{header}.{claims}.{base64.urlsafe_b64encode(forged).decode().rstrip('=')}"
    assert get(api, f"Bearer {token}").status_code == 401


def test_issuer_audience_and_leeway_are_checked(api, settings):
    settings.JWT = JWTConfig(algorithm="HS256", key=DEVELOPMENT_SECRET, issuer="me", audience=("us",), leeway=30)
    good = {"iss": "me", "aud": "us"}
    assert get(api, f"Bearer {make_token(*ALL, **good)}").status_code == 200
    assert get(api, f"Bearer {make_token(*ALL, **good, exp=int(time.time()) - 5)}").status_code == 200
    assert get(api, f"Bearer {make_token(*ALL, **good | {'iss': 'you'})}").status_code == 401
    assert get(api, f"Bearer {make_token(*ALL, iss='me')}").status_code == 401


@pytest.fixture
def jwks_server():
    state = {"keys": [], "hits": 0}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            state["hits"] += 1
            self.send_response(state.get("status", 200))
            self.end_headers()
            if "drips" in state:
                with contextlib.suppress(OSError):
                    for _ in range(200):
                        self.wfile.write(b" ")
                        time.sleep(0.05)
            self.wfile.write(state.get("body") or json.dumps({"keys": state["keys"]}).encode())

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state["url"] = f"http://127.0.0.1:{server.server_port}/jwks"
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


def jwk(key, kid):
    return jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": kid, "use": "sig"}


def test_a_key_set_is_refreshed_for_an_unknown_kid_at_a_limited_rate(api, settings, jwks_server, monkeypatch):
    first, second = rsa.generate_private_key(65537, 2048), rsa.generate_private_key(65537, 2048)
    jwks_server["keys"] = [jwk(first, "one")]
    settings.JWT = JWTConfig(algorithm="RS256", jwks=jwks_server["url"])

    def status(key, kid):
        token = make_token(*ALL, key=key, algorithm="RS256", headers={"kid": kid} if kid else None)
        return get(api, f"Bearer {token}").status_code

    assert status(first, "one") == 200
    assert status(first, None) == 200
    jwks_server["keys"].append(jwk(second, "two"))
    assert [status(second, "two") for _ in range(5)] == [401] * 5
    assert jwks_server["hits"] == 1
    monkeypatch.setattr(jwks, "JWKS_MINIMUM_INTERVAL", 0)
    assert status(second, "two") == 200
    assert status(first, "two") == 401
    assert status(second, None) == 401


BODIES = [b"[]", b"5", b"null", b"{}", b'{"keys": 5}', b"[" * 100_000, b"\xff", b"x"]
BODIES.append(b'{"keys": [5, {}, {"kty": "RSA", "n": 1}]}')


@pytest.mark.parametrize("body", BODIES)
def test_an_odd_key_set_is_a_503_or_a_401(api, settings, jwks_server, body):
    jwks_server["body"] = body
    settings.JWT = JWTConfig(algorithm="RS256", jwks=jwks_server["url"])
    response = get(api, f"Bearer {make_token(*ALL, key=KEYS['RS256'], algorithm='RS256')}")
    assert response.status_code == (401 if body.startswith(b'{"keys": [') else 503)


def test_a_key_set_that_answers_500_is_a_503_with_retry_after(api, settings, jwks_server):
    jwks_server["status"] = 500
    settings.JWT = JWTConfig(algorithm="RS256", jwks=jwks_server["url"])
    response = get(api, f"Bearer {make_token(*ALL, key=KEYS['RS256'], algorithm='RS256')}")
    assert (response.status_code, response["Retry-After"]) == (503, "2")


def test_a_slow_key_set_is_given_up_and_known_keys_stay_in_use(settings, jwks_server, monkeypatch):
    monkeypatch.setattr(jwks, "_JWKS_TIMEOUT", 0.5)
    key = rsa.generate_private_key(65537, 2048)
    jwks_server["keys"] = [jwk(key, "one")]
    keys = jwks.JWKS(jwks_server["url"], "RS256")
    token = make_token(*ALL, key=key, algorithm="RS256", headers={"kid": "one"})
    assert keys.key_for(token) is not None
    assert keys.valid_until <= time.time() + jwks.JWKS_LIFETIME
    jwks_server["drips"] = True
    monkeypatch.setattr(jwks, "JWKS_MINIMUM_INTERVAL", 0)
    monkeypatch.setattr(jwks, "JWKS_LIFETIME", -1)
    start = time.monotonic()
    with ThreadPoolExecutor(4) as several:
        assert all(several.map(keys.key_for, [token] * 4))
    assert time.monotonic() - start < 5
    monkeypatch.setattr(jwks, "MAX_JWKS_AGE_SECONDS", -1)
    with pytest.raises(jwks.KeysUnavailable, match="did not arrive within"):
        keys.key_for(token)


def test_keys_that_cannot_be_fetched_are_a_503(api, settings):
    settings.JWT = JWTConfig(algorithm="RS256", jwks="http://127.0.0.1:9/jwks")
    token = make_token(*ALL, key=KEYS["RS256"], algorithm="RS256")
    assert get(api, f"Bearer {token}").status_code == 503


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"JWT_ALGORITHM": "HS1"}, "set one of HS256"),
        ({"JWT_ALGORITHM": "none"}, "set one of HS256"),
        ({"JWT_SECRET": DEVELOPMENT_SECRET}, "public default"),
        ({"JWT_SECRET": "short"}, "at least 32"),
        ({"JWT_ALGORITHM": "RS256"}, "JWT_PUBLIC_KEY"),
        ({"JWT_PUBLIC_KEY": "x"}, "JWT_ALGORITHM is HS256"),
        ({"JWT_ALGORITHM": "RS256", "JWT_PUBLIC_KEY": "x"}, "not a PEM public key"),
        ({"JWT_ALGORITHM": "RS256", "JWT_PUBLIC_KEY": pem(KEYS["ES256"])}, "not a PEM public key"),
        ({"JWT_ALGORITHM": "ES512", "JWT_PUBLIC_KEY": pem(KEYS["ES256"])}, "ES512"),
        ({"JWT_ALGORITHM": "RS256", "JWT_PUBLIC_KEY_PATH": "/none"}, "cannot be read"),
        ({"JWT_ALGORITHM": "RS256", "JWT_JWKS": "/none"}, "neither a URL"),
        ({"JWT_ALGORITHM": "RS256", "JWT_JWKS": "/none", "JWT_PUBLIC_KEY": "x"}, "only one"),
        ({"JWT_LEEWAY": "-1"}, "JWT_LEEWAY"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(monkeypatch, variables, says):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=says):
        read_jwt(FileAwareEnv())


def test_a_secret_may_come_from_a_file(monkeypatch, tmp_path):
    (tmp_path / "secret").write_text("s" * 40)
    monkeypatch.setenv("JWT_SECRET_FILE", str(tmp_path / "secret"))
    assert read_jwt(FileAwareEnv()) == JWTConfig(algorithm="HS256", key="s" * 40)
