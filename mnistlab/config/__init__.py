"""The run configuration: from YAML to a validated and complete RunConfig.

A sweep's is in load_sweep.py, the JSON schemas are in schema.py: a run needs neither.
"""

from mnistlab.blocks.inits import InitConfig
from mnistlab.config.dump import config_hash, dump_yaml, resolved_mapping
from mnistlab.config.load import load_run_config, parse_run_config, run_config_from_mapping
from mnistlab.config.run import RunConfig
from mnistlab.config.training import TrainingConfig

__all__ = [
    "InitConfig",
    "RunConfig",
    "TrainingConfig",
    "config_hash",
    "dump_yaml",
    "load_run_config",
    "parse_run_config",
    "resolved_mapping",
    "run_config_from_mapping",
]
