"""The counts that /metrics shows of the web itself; domain counts are read from the database."""

from prometheus_client import Counter, Histogram

REQUESTS = Counter("contactcentre_requests_total", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram("contactcentre_request_seconds", "Time to answer.", ["route"])
