# syntax=docker/dockerfile:1
# The service without sandbox, demo portals, tests or build tools (.dockerignore keeps them out).
#
#   docker build -t antin .
#   docker run --rm antin --help

ARG PYTHON=python:3.12-slim-bookworm

FROM ${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# dependencies first: this layer changes only with the lock
COPY requirements/build.txt requirements/run.txt requirements/
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv --without-pip /opt/antin \
    && pip install --require-hashes -r requirements/build.txt \
    && pip --python /opt/antin/bin/python install --require-hashes -r requirements/run.txt

COPY pyproject.toml README.md ./
COPY idp idp
COPY signing signing
COPY keystore keystore
COPY clients clients
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
    && pip --python /opt/antin/bin/python install --no-deps --no-index /dist/*.whl \
    && test -z "$(find /opt/antin -path '*/idp/sandbox' -o -path '*/clients/portals')" \
    && python -m compileall -q -j 0 /opt/antin/lib

FROM ${PYTHON}
# the filter around whoever reads documents, and a serif with the widths of Times New Roman
RUN apt-get update && apt-get install -y --no-install-recommends \
        libseccomp2 fontconfig fonts-liberation2 \
    && rm -rf /var/lib/apt/lists/*
RUN groupadd --system --gid 10001 antin \
    && useradd --system --uid 10001 --gid antin --home-dir /var/lib/antin --create-home \
        --shell /usr/sbin/nologin antin \
    # the signer is somebody else: whoever owns the provider reads nothing of it
    && useradd --system --uid 10002 --gid antin --no-create-home --shell /usr/sbin/nologin antin-signer \
    # and so is the verifier of second factors, and whoever hands out activation codes
    && useradd --system --uid 10003 --gid antin --no-create-home --shell /usr/sbin/nologin antin-verifier \
    && useradd --system --uid 10004 --gid antin --no-create-home --shell /usr/sbin/nologin antin-operator \
    # what outlives a container, and where the signer is asked: new volumes take over the owner
    && install -d -o antin -g antin -m 0700 /var/lib/antin-kept \
    && install -d -o antin -g antin -m 0700 /var/lib/antin-documents \
    && install -d -o antin-signer -g antin -m 0700 /var/lib/antin-signer \
    && install -d -o antin-verifier -g antin -m 0700 /var/lib/antin-verifier \
    && install -d -o antin-verifier -g antin -m 0750 /run/antin-verifier \
    && install -d -o antin-verifier -g antin -m 0750 /var/lib/antin-verifier-keys \
    && install -d -o antin-signer -g antin -m 0750 /run/antin
COPY --from=build /opt/antin /opt/antin
ENV PATH=/opt/antin/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ANTIN_HOST=0.0.0.0 \
    ANTIN_PORT=8000 \
    ANTIN_VAR=/var/lib/antin
USER 10001:10001
WORKDIR /var/lib/antin
EXPOSE 8000
# where `antin serve` ends TLS itself, give a check of your own that trusts its certificate
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"ANTIN_PORT\"]}/healthz', timeout=2)"]
ENTRYPOINT ["antin"]
CMD ["serve"]
