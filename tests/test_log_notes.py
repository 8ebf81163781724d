"""Notes and checkpoints have exactly the published form; what is unsigned, foreign or malformed is refused."""

import base64
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from audit.notes import (
    Checkpoint,
    NoCheckpoint,
    NotSigned,
    Signer,
    Witness,
    add,
    checkpoint_text,
    cosigned_at,
    open_checkpoint,
    open_note,
    parse_checkpoint,
    parse_vkey,
    sign,
)
from tests.test_log_merkle import ROOT_3, ROOT_5

ORIGIN = "audit.example.org/contact-centre/2026"
# The secret keys of TEST 1, 2 and 3 in RFC 8032 section 7.1.
TEST_1 = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
TEST_2 = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
TEST_3 = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"
LOG_VKEY = "audit.example.org/contact-centre/2026+3f4c1005+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
WITNESS_VKEY = "witness.example.net/w1+a8a82c4d+BD1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM"
SIGNED_BYTES = (
    "61756469742e6578616d706c652e6f72672f636f6e746163742d63656e7472652f323032360a350a"
    "596c63696e30342b647870663044364752454c6978594a787936577846426139573435302b6569445548633d0a"
)
SEEN = 1795308000
NOTE = """\
audit.example.org/contact-centre/2026
5
Ylcin04+dxpf0D6GRELixYJxy6WxFBa9W450+eiDUHc=

— audit.example.org/contact-centre/2026 P0wQBdejkvVILM68wZl14W2Xwo8qEEsuUFudecwbpSt+fOzNRxsFuCCORJ2aGYfExXy++IIhWdNYPXOVFi5qdV4T0gM=
— witness.example.net/w1 qKgsTQAAAABrAjngl0FNo1/xImnamka9zML2FDhSXMRglzLYmdIwJr0YYO/MGQkoLStEaY1c0SKqAcuVLqJssti/fm7HPIYd73+CCQ==
"""  # noqa: E501


def private(secret: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))


LOG = Signer(ORIGIN, private(TEST_1))
WITNESS = Witness("witness.example.net/w1", private(TEST_2))
SECOND = Signer(ORIGIN, private(TEST_3))
TEXT = checkpoint_text(ORIGIN, 5, ROOT_5)


def test_the_worked_example_has_exactly_these_bytes() -> None:
    assert (LOG.vkey, WITNESS.vkey) == (LOG_VKEY, WITNESS_VKEY)
    assert TEXT.encode().hex() == SIGNED_BYTES
    assert add(sign(TEXT, LOG), WITNESS.line(TEXT, SEEN)) == NOTE
    assert open_note(NOTE, [LOG_VKEY]) == TEXT
    assert open_checkpoint(NOTE, [LOG_VKEY]) == Checkpoint(ORIGIN, 5, ROOT_5)
    assert cosigned_at(NOTE, WITNESS_VKEY) == SEEN


def test_to_sign_again_gives_the_same_bytes() -> None:
    assert sign(TEXT, LOG) == sign(TEXT, LOG)


def test_while_a_key_changes_either_of_the_two_opens_the_note() -> None:
    both = sign(TEXT, LOG, SECOND)
    for trusted in ([LOG.vkey], [SECOND.vkey], [LOG.vkey, SECOND.vkey]):
        assert open_checkpoint(both, trusted).size == 5
    assert open_checkpoint(sign(TEXT, SECOND), [LOG.vkey, SECOND.vkey]).size == 5


@pytest.mark.parametrize(
    "spoil",
    [
        lambda note: note.replace("\n5\n", "\n6\n"),
        lambda note: note.replace("Ylcin04", "Zlcin04"),
        lambda note: note.replace("contact-centre/2026\n", "contact-centre/2027\n"),
        lambda note: note.replace("P0wQBdej", "P0wQBdek"),
        lambda note: note.replace(" P0wQ", " P0wR"),
        lambda note: note.replace("0gM=\n", "0gN=\n"),
        lambda note: note.replace("0gM=\n", "0gM\n"),
        lambda note: note.replace("0gM=\n", "0gM=\n— audit.example.org/contact-centre/2026 P0wQBQ==\n"),
        lambda note: note.replace("0gM=", "0gM= "),
        lambda note: note.replace("—", "-"),
        lambda note: note.replace("\n", "\r\n"),
        lambda note: note.replace("\n\n", "\n"),
        lambda note: note + "\n",
        lambda note: note[:-1],
        lambda note: note.replace("\n5\n", "\n5\n\x00"),
        lambda _: TEXT + "\n",
        lambda _: TEXT,
        lambda _: "",
        lambda note: "x" * 140_000 + note,
    ],
)
def test_a_spoilt_note_is_not_signed(spoil: Callable[[str], str]) -> None:
    assert spoil(NOTE) != NOTE
    with pytest.raises(NotSigned):
        open_note(spoil(NOTE), [LOG_VKEY])


def test_a_note_of_a_stranger_is_not_signed_even_under_the_same_name() -> None:
    for vkeys in ([SECOND.vkey], [WITNESS.vkey], []):
        with pytest.raises(NotSigned):
            open_note(NOTE, vkeys)


def test_a_false_signature_of_a_trusted_key_spoils_a_note_that_another_has_signed() -> None:
    false = LOG.line(TEXT + "more\n")
    with pytest.raises(NotSigned, match="false"):
        open_note(add(sign(TEXT, SECOND), false), [LOG.vkey, SECOND.vkey])


def test_sixteen_signatures_are_read_and_seventeen_are_not() -> None:
    strangers = [Signer(f"stranger-{number}", LOG.key) for number in range(16)]
    assert open_note(sign(TEXT, *strangers[:15], LOG), [LOG.vkey]) == TEXT
    with pytest.raises(NotSigned, match="16"):
        open_note(sign(TEXT, *strangers, LOG), [LOG.vkey])


def test_a_checkpoint_of_another_origin_is_refused_though_the_key_is_trusted() -> None:
    foreign = sign(checkpoint_text("audit.example.org/other", 5, ROOT_5), LOG)
    assert open_note(foreign, [LOG.vkey]).startswith("audit.example.org/other")
    with pytest.raises(NotSigned, match="is of audit"):
        open_checkpoint(foreign, [LOG.vkey])


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("\n5\n", "\n05\n"),
        TEXT.replace("\n5\n", "\n+5\n"),
        TEXT.replace("\n5\n", "\n-5\n"),
        TEXT.replace("\n5\n", "\n٥\n"),
        TEXT.replace("\n5\n", "\n5 \n"),
        TEXT.replace("\n5\n", "\n\n"),
        TEXT.replace("\n5\n", "\n" + "9" * 20 + "\n"),
        TEXT.replace("UHc=", "UHd="),
        TEXT.replace("UHc=", "UHc"),
        TEXT.replace("UHc=", "UH=="),
        TEXT.replace("Ylcin04+", "Ylcin04-"),
        TEXT[len(ORIGIN) :],
        TEXT + "more\n",
        TEXT + "\n",
        TEXT[:-1],
        TEXT.replace("\n", "\r\n"),
        "",
    ],
)
def test_a_checkpoint_in_any_other_writing_is_refused(text: str) -> None:
    with pytest.raises(NoCheckpoint):
        parse_checkpoint(text)


def test_no_checkpoint_is_written_that_could_not_be_read() -> None:
    for origin, size, root in (("", 5, ROOT_5), (ORIGIN, -1, ROOT_5), (ORIGIN, 5, ROOT_5[:31]), ("a\nb", 5, ROOT_5)):
        with pytest.raises(NoCheckpoint):
            checkpoint_text(origin, size, root)


def test_a_text_that_could_be_read_in_two_ways_is_not_signed() -> None:
    for text in ("no line feed", "a\0b\n", "a\rb\n", "\ud800\n"):
        with pytest.raises(ValueError, match="line feed"):
            sign(text, LOG)
    assert open_note(sign("a\n\nb\n", LOG), [LOG.vkey]) == "a\n\nb\n"


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\nb"])
def test_a_name_that_would_break_the_line_names_no_key(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        _ = Signer(name, LOG.key).vkey
    with pytest.raises(ValueError, match="name"):
        Signer(name, LOG.key).line(TEXT)


@pytest.mark.parametrize(
    "vkey",
    [
        LOG_VKEY.replace("3f4c1005", "3f4c1006"),
        LOG_VKEY.replace("2026", "2027"),
        LOG_VKEY[:-4],
        LOG_VKEY.replace("+Ad", "+Bd"),
        "name",
        "",
        "n+00000000+",
    ],
)
def test_a_key_that_does_not_fit_its_name_is_refused(vkey: str) -> None:
    with pytest.raises(ValueError):
        parse_vkey(vkey)


def test_a_witness_vouches_for_the_time_and_the_log_can_not() -> None:
    for spoilt in (NOTE.replace("\n5\n", "\n6\n"), NOTE.replace("AAAABrAjng", "AAAABrAjnh"), sign(TEXT, LOG)):
        with pytest.raises(NotSigned):
            cosigned_at(spoilt, WITNESS_VKEY)
    with pytest.raises(NotSigned):
        cosigned_at(NOTE, LOG_VKEY)


@given(st.integers(0, 2**62), st.binary(min_size=32, max_size=32))
def test_every_checkpoint_is_read_back_as_it_was_written(size: int, root: bytes) -> None:
    note = sign(checkpoint_text(ORIGIN, size, root), LOG)
    assert open_checkpoint(note, [LOG_VKEY]) == Checkpoint(ORIGIN, size, root)


@given(st.integers(0, len(NOTE.encode()) - 1), st.integers(1, 255))
def test_no_flipped_byte_above_the_last_line_opens(place: int, flip: int) -> None:
    spoilt = bytearray(NOTE.encode())
    spoilt[place] ^= flip
    if place >= NOTE.encode().rindex(b"\n", 0, -1):
        return  # the witness's line: strangers to those who trust the log alone
    try:
        text = spoilt.decode()
    except UnicodeDecodeError:
        return  # can't be a note
    with pytest.raises(NotSigned):
        open_note(text, [LOG_VKEY])


def test_three_leaves_and_five_are_two_checkpoints() -> None:
    assert base64.b64encode(ROOT_3).decode() in checkpoint_text(ORIGIN, 3, ROOT_3)
    assert checkpoint_text(ORIGIN, 3, ROOT_3) != TEXT
