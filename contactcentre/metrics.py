"""The counts that /metrics shows: of the web itself from this process, of the log from the database."""

from collections.abc import Iterator

from django.apps import apps
from django.db import DatabaseError
from prometheus_client import REGISTRY, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

REQUESTS = Counter("contactcentre_requests_total", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram("contactcentre_request_seconds", "Time to answer.", ["route"])


class Alarms(Collector):
    """Show what the standing questions were answered last (audit.alarms), and when: nothing is asked by a scrape."""

    def describe(self) -> list[GaugeMetricFamily]:
        """Return nothing, so that no database is asked when this is registered."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give the gauges; without a database the time of the last watch is missing, which is an alarm of its own."""
        try:
            rows = list(apps.get_model("audit", "Alarm").objects.order_by("code"))  # logs are set up before models are
        except DatabaseError:
            return
        value = GaugeMetricFamily("contactcentre_alarm_value", "The last answer, -1 for none.", labels=["alarm"])
        stands = GaugeMetricFamily("contactcentre_alarm", "1 while it is an alarm.", labels=["alarm"])
        watched = GaugeMetricFamily("contactcentre_alarm_watched_at_seconds", "When it was asked.", labels=["alarm"])
        for row in rows:
            value.add_metric([row.code], row.value)
            stands.add_metric([row.code], row.began_at is not None)
            watched.add_metric([row.code], row.watched_at.timestamp())
        yield from (value, stands, watched)


REGISTRY.register(Alarms())
