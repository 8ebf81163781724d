"""How gunicorn serves contactcentre: a few processes of threads, behind a reverse proxy that ends TLS."""

import os

worker_class = "gthread"
workers = int(os.environ.get("WEB_PROCESSES", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
timeout = 30
graceful_timeout = 6
keepalive = 5
max_requests = 20_000
max_requests_jitter = 2_000
limit_request_line = 4094
limit_request_fields = 60
accesslog = None  # requests are logged by the application, which leaves out tokens and query strings
errorlog = "-"
loglevel = "warning"
control_socket_disable = True
