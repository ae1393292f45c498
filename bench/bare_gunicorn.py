"""gunicorn's settings for the baseline: those of the service, without access lines."""

import os

# As for the service: connections are spread over the workers.
os.environ.setdefault("UV_TCP_SINGLE_ACCEPT", "1")
worker_class = "contracts_app.serving.worker.RegistryWorker"
keepalive = 75
loglevel = "error"
control_socket_disable = True
