# The service, its locked dependencies and nothing to build with.
#
#   docker build -t joint-risk .
#   docker run --read-only --tmpfs /tmp -p 127.0.0.1:8000:8000 -v joint-risk:/data -e JOINT_RISK_AUTH=off joint-risk
#
# Inside a container the service has to listen on every address, and without keys it refuses to until whoever runs it
# says that something in front of it answers for access: JOINT_RISK_AUTH=off is therefore never set here.

# Any image with Python 3.11 or newer and its venv module. Pin it: make image BASE_IMAGE=...@sha256:...
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS build
# Only for building where there is no index: a folder of wheels mounted into the build, see tests/system.
ARG PIP_NO_INDEX
ARG PIP_FIND_LINKS
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# Two environments: one that builds and installs, one without pip that is carried over.
RUN python3 -m venv /build/tools && python3 -m venv --without-pip /opt/joint-risk
COPY requirements/build.txt requirements/run.txt requirements/
RUN /build/tools/bin/pip install --only-binary :all: --require-hashes -r requirements/build.txt \
 && /build/tools/bin/pip --python /opt/joint-risk/bin/python install --no-compile --only-binary :all: --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY alembic alembic
COPY app app
RUN /build/tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir wheels . \
 && /build/tools/bin/pip --python /opt/joint-risk/bin/python install --no-compile --no-index --no-deps wheels/*.whl
# Compiled here, by content and not by date: the root file system is read-only later, and layers stay the same to the byte.
RUN PYTHONHASHSEED=0 /opt/joint-risk/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/joint-risk/lib

FROM ${BASE_IMAGE}
ARG VERSION=0.1.0
# The commit that it is built from; make image passes it.
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Joint-risk" \
      org.opencontainers.image.description="Scores a runner's knees and lower back, with reasons, sources and doubts" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# The official image brings pip along; nothing is installed into a running service. And /data is the one place it writes to.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3.*/ensurepip /usr/local/lib/python3.*/site-packages/* \
 && mkdir /data && chown 10001:10001 /data
COPY --from=build /opt/joint-risk /opt/joint-risk
ENV PATH=/opt/joint-risk/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    JOINT_RISK_HOST=0.0.0.0
USER 10001:10001
# The store is joint-risk.db here by the default of the settings. Named as a variable it would win over a mounted secret.
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["joint-risk", "health"]
ENTRYPOINT ["joint-risk"]
CMD ["serve"]
