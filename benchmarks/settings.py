"""The house's own settings, with the rivals installed beside it and the log's lines written to nowhere."""

import os

from contactcentre.settings import *  # noqa: F403
from contactcentre.settings import INSTALLED_APPS, LOGGING

INSTALLED_APPS = [*INSTALLED_APPS, "simple_history", "auditlog", "benchmarks"]
ROOT_URLCONF = "benchmarks.urls"
# Each request still makes its line, at the level of a real installation; only nobody reads it.
LOGGING["handlers"]["stdout"]["stream"] = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - as long as we live
