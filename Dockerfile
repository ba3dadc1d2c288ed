# The daemon in a container: docs/container.md says how it is built, run and upgraded.
# The base has Python 3.11, 3.12 or 3.13 with its venv module; for another one: --build-arg BASE_IMAGE=...
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
# Libraries first: they change less often than the source. What builds stays in an environment of its own, and so out of
# the image, pip included. Where pip finds packages may be told by a secret: it is not kept either.
COPY deploy/image/build-requirements.txt deploy/image/requirements.txt deploy/image/
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    python3 -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes --no-deps -r deploy/image/build-requirements.txt \
    && python3 -m venv --without-pip /opt/alli-monitor \
    && /opt/build/bin/pip --python /opt/alli-monitor/bin/python \
        install --require-hashes --no-deps -r deploy/image/requirements.txt
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY rules rules
COPY monitor monitor
# phonenumbers' places (40 MB) are data of its geocoder, which nothing here asks.
RUN /opt/build/bin/pip wheel --no-index --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/build/bin/pip --python /opt/alli-monitor/bin/python install --no-index --no-deps /wheels/*.whl \
    && rm -r /opt/alli-monitor/lib/python3*/site-packages/phonenumbers/geodata \
    && find /opt/alli-monitor/lib -type d -name tests -prune -exec rm -r {} +

FROM ${BASE_IMAGE}
ARG BASE_IMAGE
ARG VERSION
ARG REVISION
ARG CREATED
LABEL org.opencontainers.image.title="alli-monitor" \
      org.opencontainers.image.description="A polling monitor and alerting daemon for the Alli LLM-app platform" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${BASE_IMAGE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
COPY LICENSE THIRD_PARTY.md deploy/supply/sbom.json /usr/share/doc/alli-monitor/
COPY --from=build /opt/alli-monitor /opt/alli-monitor
ENV PATH=/opt/alli-monitor/bin:$PATH
# The help imports every command: it shows that the image works, and leaves the bytecode of what Python itself came
# without, for later nothing can be written.
RUN groupadd --system --gid 10001 monitor \
    && useradd --system --uid 10001 --gid monitor --home-dir /data --no-create-home --shell /usr/sbin/nologin monitor \
    && install --directory --owner=monitor --group=monitor --mode=0750 /data \
    && alli-monitor --help > /dev/null

# What a container needs to differ in; both settings win over a configuration file.
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ALLI_MONITOR_STORAGE__URL=sqlite:////data/monitor.db \
    ALLI_MONITOR_WEB__LISTEN=0.0.0.0:7464
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 7464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 CMD ["alli-monitor", "healthcheck"]
ENTRYPOINT ["alli-monitor"]
CMD ["run"]
