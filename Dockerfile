# The workflow with its locked environment, for sites that have Apptainer and no Python 3.12:
#   docker build -t aia-sequence . && apptainer build aia-sequence.sif docker-daemon://aia-sequence:latest
#   apptainer exec aia-sequence.sif snakemake --snakefile /opt/aia-sequence/Snakefile --cores 8
# in a folder that has a config/config.yaml.
FROM python:3.13-slim

RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/aia-sequence
COPY Makefile .python-version ./
COPY envs envs
RUN mkdir scripts && make .venv/installed
COPY . .
# Whoever runs the image writes into folders of his own, and nothing in it as root.
RUN useradd --create-home aia
USER aia
ENV PATH=/opt/aia-sequence/.venv/bin:$PATH
# Numba keeps compiled kernels beside the modules, which an image does not allow once it runs.
ENV NUMBA_CACHE_DIR=/tmp/numba
