# The contract registry: `make image`. One image, several commands (deploy/image/registry).
#
# Any base image with Python 3.11 as `python3`, its venv and pip in the build stage will do. Pin it by digest for production:
#   docker build --build-arg BASE_IMAGE=docker.io/library/python:3.11-slim-bookworm@sha256:... .
ARG BASE_IMAGE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS build
# Files get this time, so that the same sources give the same layers.
ARG SOURCE_DATE_EPOCH=0
ARG PIP_INDEX_URL
ENV PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_COMPILE=1
COPY requirements/base.txt /build/base.txt
RUN python3 -m venv /opt/registry \
    && /opt/registry/bin/pip install --require-hashes --only-binary :all: --no-binary nkeys --requirement /build/base.txt \
    && /opt/registry/bin/pip inspect --local > /opt/registry/packages.json \
    && /opt/registry/bin/pip uninstall --yes --quiet pip setuptools
COPY manage.py gunicorn.conf.py LICENSE /app/
COPY registry_project /app/registry_project
COPY contracts_app /app/contracts_app
COPY linter_app /app/linter_app
COPY confluent_app /app/confluent_app
COPY oci_app /app/oci_app
COPY deploy/image/registry /app/deploy/image/registry
# Checked by hash, not by time: a read-only file system needs no cache of its own.
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /opt/registry/lib /app \
    && mkdir -p /var/lib/contract-registry \
    && find /opt/registry /app /var/lib/contract-registry -exec touch --no-dereference --date "@${SOURCE_DATE_EPOCH}" {} +

# `--target sbom --output type=local,dest=.`: what is installed, as pip reports it.
FROM scratch AS sbom
COPY --from=build /opt/registry/packages.json /packages.json

FROM ${BASE_IMAGE} AS registry
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="contract-registry" \
      org.opencontainers.image.description="A contract and schema registry over NATS JetStream KV" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="MIT"
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 VAR_DIR=/var/lib/contract-registry BIND_ADDR=0.0.0.0:8090
COPY --from=build /opt/registry /opt/registry
COPY --from=build /app /app
COPY --from=build --chown=10001:10001 /var/lib/contract-registry /var/lib/contract-registry
WORKDIR /app
USER 10001:10001
EXPOSE 8090
VOLUME /var/lib/contract-registry
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["/app/deploy/image/registry", "probe", "http://127.0.0.1:8090/healthz"]
ENTRYPOINT ["/app/deploy/image/registry"]
CMD ["serve"]
