"""Finds the Chromium that browser tests drive, or has it installed, or says in one sentence what is missing."""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]


def program() -> str | None:
    """Return the path of a Chromium, CHROMIUM first."""
    named = os.environ.get("CHROMIUM")
    return named or next((found for name in NAMES if (found := shutil.which(name))), None)


def main() -> None:
    """Make sure that there is one; ends with a sentence when there can't be."""
    if program():
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("setup: installing chromium (once)", flush=True)
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update", "-qq"], INSTALL):
            subprocess.run(command, env=env, check=False, capture_output=True)
    if not program():
        sys.exit("The browser tests need Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM=.")


if __name__ == "__main__":
    main()
