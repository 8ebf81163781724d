"""The demo world: an organisation, its people, and a week of calls and visits that were really played."""

from contactcentre.demo.building import build
from contactcentre.demo.secrets import password

__all__ = ["build", "password"]
