"""The run configuration: from YAML to a validated and complete RunConfig."""

from mnistlab.blocks.inits import InitConfig
from mnistlab.config.dump import config_hash, dump_yaml, resolved_mapping
from mnistlab.config.load import load_run_config, parse_run_config, run_config_from_mapping
from mnistlab.config.load_sweep import SweepSource, load_sweep, sweep_from_mapping
from mnistlab.config.run import RunConfig
from mnistlab.config.schema import run_json_schema, sweep_json_schema
from mnistlab.config.training import TrainingConfig

__all__ = [
    "InitConfig",
    "RunConfig",
    "SweepSource",
    "TrainingConfig",
    "config_hash",
    "dump_yaml",
    "load_run_config",
    "load_sweep",
    "parse_run_config",
    "resolved_mapping",
    "run_config_from_mapping",
    "run_json_schema",
    "sweep_from_mapping",
    "sweep_json_schema",
]
