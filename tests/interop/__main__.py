"""What `make interop` runs: a real log, made by the real sequencer and publisher, judged by Go's own library.

It also reproduces the worked example whose every byte is known, and has Go judge that one too.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

from tests.interop import toolchain

SIZES = (1, 2, 3, 4, 7, 8, 255, 256, 257, 300, 512, 557, 700)
KEY = (
    '{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",'
    ' "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}'
)


def settle(base: Path) -> None:
    """Set up Django on a database of its own in a folder, whatever the environment says."""
    for name in [*os.environ]:
        if name.startswith(("DATABASE_", "REDIS_", "LOG_", "E_ID_", "SEQUENCER_")):
            del os.environ[name]
    os.environ.update(
        DJANGO_SETTINGS_MODULE="contactcentre.settings", DATA_DIR=str(base), DEMO="0",
        DATABASE_URL=f"sqlite:///{base / 'log.sqlite3'}", SECRET_KEY="interop-only-" + "k" * 40,
        FIELD_KEY="dGVzdHMtb25seS1rZXktb2YtMzItYnl0ZXMtbG9uZyE=", LOG_KEY=KEY, LOG_LEVEL="ERROR",
    )  # fmt: skip
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def grow() -> None:
    """Write entries as the house does, and sequence and publish them at each of SIZES."""
    from django.db import transaction
    from django.utils import timezone

    from audit.log import record
    from audit.publishing import publish
    from audit.sequencing import sequence

    before = 0
    for size in SIZES:
        with transaction.atomic():
            for number in range(before, size):
                record(
                    kind="interop.written", actor="system:interop", subject=f"s-{number % 9}", at=timezone.now(),
                    outcome="ok", purpose="Ääkköset and \"quotes\"", facts={"number": number},
                    personal={"name": "Antti"} if number % 3 else None,
                )  # fmt: skip
        while sequence():
            pass
        publish(at=timezone.now())
        before = size


def main() -> int:
    """Return 0 when Go judges every case as it should."""
    toolchain.ensure()
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        settle(base)
        grow()
        from audit.models import Tree
        from tests.interop.cases import Material
        from tests.interop.example import example

        tree = Tree.current()
        assert tree is not None
        cases = [*Material(tree, base / "log").all(), *example()]
        (base / "cases.json").write_text(json.dumps(cases))
        return toolchain.run(Path(__file__).with_name("verify.go"), str(base / "cases.json"))


if __name__ == "__main__":
    sys.exit(main())
