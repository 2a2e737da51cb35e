"""A run's network for other tools: ONNX, safetensors in PyTorch's layout, npz."""

from mnistlab.export.exporter import Exported, export_model, require

__all__ = ["Exported", "export_model", "require"]
