"""Only what the provider has signed is heard."""

from urllib.parse import urlencode

import pytest
from django.http import HttpRequest
from django.test import Client, RequestFactory
from pytest_django import Settings
from twilio.request_validator import RequestValidator

from ivr.twilio import Twilio
from tests.twiml_walker import FORM

TOKEN = "12345"
VOICE = "/ivr/twilio/voice/"
VECTOR = {
    "CallSid": "CA1234567890ABCDE",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
    "Caller": "+14158675309",
}


@pytest.fixture(autouse=True)
def house(settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.ivr_house"
    settings.PUBLIC_URL = "https://mycompany.com"
    settings.TWILIO_AUTH_TOKEN, settings.TWILIO_AUTH_TOKEN_PREVIOUS = TOKEN, ""


def asked(path: str, body: str, signature: str | None, **headers: str) -> HttpRequest:
    given = headers if signature is None else {"X-Twilio-Signature": signature, **headers}
    return RequestFactory().post(path, body, content_type=FORM, headers=given)


def verified(path: str, body: str, signature: str | None, **headers: str) -> bool:
    return Twilio().verify(asked(path, body, signature, **headers))


def signed(path: str, form: dict[str, str], base: str = "https://mycompany.com") -> str:
    return RequestValidator(TOKEN).compute_signature(base + path, form)


@pytest.mark.parametrize(
    ("path", "body", "signature"),
    [
        ("/myapp.php?foo=1&bar=2", urlencode(VECTOR), "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (
            "/myapp.php?foo=1&bar=2",
            "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234",
            "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
        ),
    ],
)
def test_published_vectors_are_accepted(path: str, body: str, signature: str) -> None:
    assert verified(path, body, signature)


@pytest.mark.parametrize("field", sorted(VECTOR))
def test_a_changed_field_is_refused(field: str) -> None:
    assert not verified("/myapp.php?foo=1&bar=2", urlencode(VECTOR | {field: "9"}), "RSOYDt4T1cUTdK1PDd93/VVr8B8=")


def test_an_added_field_is_refused() -> None:
    assert not verified(
        "/myapp.php?foo=1&bar=2", urlencode(VECTOR | {"X": ""} | {"Y": "1"}), "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    )


@pytest.mark.parametrize("signature", [None, "", "nonsense", "RSOYDt4T1cUTdK1PDd93/VVr8B8", "ä", "A" * 5000])
def test_a_missing_or_wrong_signature_is_refused_and_raises_nothing(signature: str | None) -> None:
    assert not verified("/myapp.php?foo=1&bar=2", urlencode(VECTOR), signature)


def test_the_query_is_part_of_what_is_signed() -> None:
    assert not verified("/myapp.php?foo=1&bar=3", urlencode(VECTOR), "RSOYDt4T1cUTdK1PDd93/VVr8B8=")


def test_host_and_forwarded_headers_decide_nothing() -> None:
    forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    assert verified(VOICE, urlencode(VECTOR), signed(VOICE, VECTOR), **forged)
    assert not verified(VOICE, urlencode(VECTOR), signed(VOICE, VECTOR, "http://evil.example"), **forged)


def test_a_port_in_the_signed_address_is_accepted_with_and_without() -> None:
    assert verified(VOICE, urlencode(VECTOR), signed(VOICE, VECTOR, "https://mycompany.com:443"))
    assert verified(VOICE, urlencode(VECTOR), signed(VOICE, VECTOR))


def test_an_impossible_port_in_our_own_address_refuses_instead_of_failing(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://mycompany.com:99999"
    assert not verified(VOICE, urlencode(VECTOR), signed(VOICE, VECTOR))


def test_old_and_new_token_are_accepted_while_the_token_is_rotated(settings: Settings) -> None:
    settings.TWILIO_AUTH_TOKEN = "the-new-one"
    assert not verified(VOICE, urlencode(VECTOR), signed(VOICE, VECTOR))
    settings.TWILIO_AUTH_TOKEN_PREVIOUS = TOKEN
    assert verified(VOICE, urlencode(VECTOR), signed(VOICE, VECTOR))


def test_without_a_token_everything_is_refused(settings: Settings) -> None:
    settings.TWILIO_AUTH_TOKEN = ""
    nobodys = RequestValidator("").compute_signature("https://mycompany.com" + VOICE, VECTOR)
    assert not verified(VOICE, urlencode(VECTOR), nobodys)


def test_the_header_cannot_choose_another_algorithm() -> None:
    other = RequestValidator(TOKEN).compute_signature("https://mycompany.com" + VOICE, VECTOR, "HMAC_SHA256")
    settings_header = {"X-Twilio-Webhooks-Signature-Settings": "key=k,algorithm=HMAC_SHA256"}
    assert not verified(VOICE, urlencode(VECTOR), other, **settings_header)


@pytest.mark.parametrize("path", [VOICE, "/ivr/twilio/status/", "/ivr/twilio/turn/abc/1/", "/ivr/twilio/wait/abc/"])
def test_an_unsigned_webhook_gets_403_and_no_twiml(db: None, client: Client, path: str) -> None:
    response = client.post(path, urlencode(VECTOR), content_type=FORM)
    assert response.status_code == 403
    assert response.content == b""
