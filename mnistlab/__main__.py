"""`python -m mnistlab`: the same commands as the `mnistlab` script."""

from mnistlab.cli.app import app

if __name__ == "__main__":
    app(prog_name="mnistlab")
