"""gunicorn's settings for the baseline: as the service's, without its access lines."""

worker_class = "asgi"
asgi_lifespan = "on"
keepalive = 75
loglevel = "error"
control_socket_disable = True
