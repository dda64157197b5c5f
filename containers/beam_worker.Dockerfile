# Workers of Flink, Spark and Dataflow: Beam's own SDK image with this project and its dependencies.
#   docker build -f containers/beam_worker.Dockerfile -t REGISTRY/datamix-worker .
# The Python and Beam versions must be those of the machine that submits the pipeline.
ARG PYTHON=3.12
ARG BEAM=2.77.0
FROM apache/beam_python${PYTHON}_sdk:${BEAM}
COPY setup.py pyproject.toml README.md LICENSE NOTICE /datamix/
COPY datamix_tf /datamix/datamix_tf
COPY components /datamix/components
COPY pipeline /datamix/pipeline
COPY serving /datamix/serving
# What opens the URL of --output: s3fs, gcsfs ...
ARG STORE=s3fs
RUN pip install --no-cache-dir "/datamix[pipeline]" ${STORE}
ENV TF_ENABLE_ONEDNN_OPTS=1 TF_CPP_MIN_LOG_LEVEL=3
