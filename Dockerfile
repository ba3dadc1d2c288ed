# The daemon in a container: docker build -t alli-monitor .
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY rules rules
COPY monitor monitor
RUN python -m venv /opt/alli-monitor \
    && /opt/alli-monitor/bin/pip install --no-cache-dir . \
    && /opt/alli-monitor/bin/pip uninstall --yes pip setuptools

FROM ${BASE_IMAGE}
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="alli-monitor" \
      org.opencontainers.image.description="A polling monitor and alerting daemon for the Alli LLM-app platform" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

RUN groupadd --system --gid 10001 monitor \
    && useradd --system --uid 10001 --gid monitor --home-dir /data --no-create-home --shell /usr/sbin/nologin monitor \
    && install --directory --owner=monitor --group=monitor --mode=0750 /data
COPY --from=build /opt/alli-monitor /opt/alli-monitor

# What a container needs to differ in; both win over a configuration file.
ENV PATH=/opt/alli-monitor/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ALLI_MONITOR_STORAGE__URL=sqlite:////data/monitor.db \
    ALLI_MONITOR_WEB__LISTEN=0.0.0.0:7464

USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 7464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:7464/-/healthy', timeout=4)"]
ENTRYPOINT ["alli-monitor"]
CMD ["run"]
