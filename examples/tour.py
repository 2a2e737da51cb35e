"""mnistlab from Python, in half a minute and without a network: python examples/tour.py

It leaves its runs in ./runs, as the commands do.
"""

from sklearn.model_selection import cross_val_score

import mnistlab

CONFIG = {
    "name": "tour",
    "data": {"source": "digits", "validation": 0.1},
    "model": {"type": "mlp", "hidden": [64]},
    "optimizer": {"lr": 0.05, "momentum": 0.9},
    "training": {"epochs": 8},
}


class BestEpoch(mnistlab.Callback):
    """Remembers the epoch with the highest validation accuracy."""

    def __init__(self) -> None:
        self.accuracy, self.epoch = 0.0, 0

    def on_epoch_end(self, run, row) -> None:
        if row.val_accuracy > self.accuracy:
            self.accuracy, self.epoch = row.val_accuracy, row.epoch


def main() -> None:
    print("# Train, and watch")
    best = BestEpoch()
    run = mnistlab.train(CONFIG, callbacks=[best], quiet=True)
    print(run)
    print(f"best epoch {best.epoch}: {best.accuracy:.2%} of the validation images")
    print(run.metrics[["epoch", "train_loss", "val_loss", "val_accuracy"]].to_string(index=False))

    print("\n# Use the network")
    digits = mnistlab.load_dataset("digits")
    images, labels = digits.test_images[:10], digits.test_labels[:10]
    print("labels   ", labels)
    print("predicted", run.predict(images))
    scores = run.evaluate("test")
    hardest = min(scores.per_class, key=lambda one: one.recall)
    print(f"{scores.accuracy:.2%} of the test images; {hardest.recall:.2%} of the {hardest.label}s")
    drawn = run.visualize(["weights", "saliency"])
    print("figures:", ", ".join(path.name for path in drawn.values()))

    print("\n# Sweep, and compare")
    sweep = mnistlab.sweep(run.config, {"optimizer.lr": [0.2, 0.05, 0.01]}, quiet=True, plots=False)
    print(sweep.ranking[["rank", "optimizer.lr", "val_accuracy_mean"]].to_string(index=False))
    compared = mnistlab.compare([run, sweep.best])
    print(compared[["val_accuracy", "test_accuracy"]].to_string(index=False))

    print("\n# In scikit-learn")
    classifier = mnistlab.Classifier(hidden=[64], lr=0.05, epochs=8)
    accuracies = cross_val_score(classifier, digits.train_images, digits.train_labels, cv=3)
    print("cross-validated accuracy:", ", ".join(f"{accuracy:.2%}" for accuracy in accuracies))


if __name__ == "__main__":
    main()
