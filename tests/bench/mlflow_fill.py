"""Log what was scored into MLflow, by the Python that MLflow is installed in::

    python mlflow_fill.py sqlite:///mlflow.db < scored.jsonl

A line is one run: ``{"tags": {name: text}, "metrics": {name: value}}``. Prints the id of the experiment.
"""

import json
import sys

import mlflow
from mlflow.entities import Metric, Param, RunTag


def main() -> None:
    client = mlflow.MlflowClient(tracking_uri=sys.argv[1])
    experiment = client.create_experiment("crosslift")
    for line in sys.stdin:
        said = json.loads(line)
        made = client.create_run(experiment, run_name="/".join(said["tags"].values())).info.run_id
        client.log_batch(
            made,
            metrics=[Metric(name, value, 0, 0) for name, value in said["metrics"].items()],
            params=[Param(name, value) for name, value in said["tags"].items()],
            tags=[RunTag(name, value) for name, value in said["tags"].items()],
        )
        client.set_terminated(made)
    sys.stdout.write(f"{experiment}\n")


if __name__ == "__main__":
    main()
