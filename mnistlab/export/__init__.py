"""A run's network for other tools: ONNX, safetensors in PyTorch's layout, npz."""

from mnistlab.export.exporter import Exported, export_model, refuse_to_overwrite, require

__all__ = ["Exported", "export_model", "refuse_to_overwrite", "require"]
