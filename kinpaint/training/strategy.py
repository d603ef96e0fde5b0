"""Which devices train: one, all GPUs of this machine, or many machines.

`multi_worker` reads the cluster from the environment variable TF_CONFIG, as
every TensorFlow launcher sets it:

    {"cluster": {"worker": ["host1:2222", "host2:2222"]},
     "task": {"type": "worker", "index": 0}}
"""

import json
import os

import tensorflow as tf

from pipelines.base.errors import UserError


def build(name):
    """A tf.distribute strategy for `one`, `mirrored` or `multi_worker`.

    Raises:
        UserError: `multi_worker` without a readable TF_CONFIG.
    """
    if name == "mirrored":
        return _mirrored()
    if name == "multi_worker":
        _check_cluster()
        return tf.distribute.MultiWorkerMirroredStrategy()
    return tf.distribute.get_strategy()


def _mirrored():
    """All GPUs; without any, all logical CPUs, as tests use them.

    On logical CPUs the gradients are summed on one of them: TensorFlow's ring there mixes up
    the generator's sum with the critic's when a step has both ("Shape mismatch in the
    collective instance").
    """
    gpus = tf.config.list_logical_devices("GPU")
    if gpus:
        return tf.distribute.MirroredStrategy([gpu.name for gpu in gpus])
    cpus = [cpu.name for cpu in tf.config.list_logical_devices("CPU")]
    return tf.distribute.MirroredStrategy(cpus, tf.distribute.ReductionToOneDevice())


def _check_cluster():
    """Workers only: a chief beside them would be taken for one more worker 0."""
    try:
        config = json.loads(os.environ["TF_CONFIG"])
        [(job, hosts)], task = config["cluster"].items(), config["task"]
        index = int(task["index"])
        if {job, task["type"]} != {"worker"} or index not in range(len(hosts)):
            raise ValueError("workers only, and this one among them")
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise UserError(
            "--strategy=multi_worker needs TF_CONFIG, such as "
            '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
            '"task": {"type": "worker", "index": 0}}'
        ) from error


def is_chief(strategy):
    """Whether this process writes the files of the run."""
    resolver = strategy.cluster_resolver
    return resolver is None or not resolver.task_type or resolver.task_id == 0


def worker(strategy):
    """(index, count) of this process among the workers."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.task_type:
        return 0, 1
    return resolver.task_id, len(resolver.cluster_spec().as_dict()["worker"])


def prepare_devices():
    """Lets GPU memory grow instead of taking it whole; returns the devices in words."""
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    names = [
        tf.config.experimental.get_device_details(g).get("device_name", "GPU") for g in gpus
    ]
    return ", ".join(names) or f"CPU, {os.cpu_count()} cores"
