"""mnistlab: experiments with neural networks written from scratch, one file each."""

__version__ = "0.1.0"
