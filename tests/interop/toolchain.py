"""Finds Go and its golang.org/x/mod, or has them installed, or says in one sentence what is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ["golang-go", "golang-golang-x-mod-dev"]
GOPATH = Path(os.environ.get("INTEROP_GOPATH", "/usr/share/gocode"))
INSTALL = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES]


def stands() -> bool:
    """Tell whether the program and the library are there."""
    return shutil.which("go") is not None and (GOPATH / "src/golang.org/x/mod/sumdb/tlog").is_dir()


def ensure() -> None:
    """Make sure that they are there; ends with a sentence when they can't be."""
    if not stands() and os.geteuid() == 0 and shutil.which("apt-get"):
        print("setup: installing Go and golang.org/x/mod (once)", flush=True)
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update", "-qq"], INSTALL):
            subprocess.run(command, env=env, check=False, capture_output=True)
    if not stands():
        sys.exit(
            f"Go's verifier needs Go and golang.org/x/mod: install them (Debian: apt-get install {' '.join(PACKAGES)})."
        )


def run(program: Path, *arguments: str) -> int:
    """Compile and run a Go program without any network; return its exit code."""
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    env = {
        **kept, "GOPATH": str(GOPATH), "GO111MODULE": "off", "GOFLAGS": "", "CGO_ENABLED": "0",
        "GOCACHE": str(ROOT / "var" / "go-cache"),
    }  # fmt: skip
    return subprocess.run(["go", "run", str(program), *arguments], env=env, check=False).returncode
