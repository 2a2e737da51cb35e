"""Exports a run's network for other tools: ONNX, safetensors in PyTorch's layout, npz."""
