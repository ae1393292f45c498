"""gunicorn's settings for the baseline: as the service's, without its access lines."""

import os

# As the service: connections are spread over the workers.
os.environ.setdefault("UV_TCP_SINGLE_ACCEPT", "1")
worker_class = "contracts_app.serving.worker.Worker"
keepalive = 75
loglevel = "error"
control_socket_disable = True
