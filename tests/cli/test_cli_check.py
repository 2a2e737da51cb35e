from dataclasses import replace

from cli_helpers import mnistlab

from mnistlab.python.commands.check import check


def test_check_shows_layers_memory_and_gradients_and_makes_nothing(home):
    outcome = mnistlab("check", "tiny.yaml")
    assert outcome.exit_code == 0
    rows = {line.split()[0]: line.split() for line in outcome.stdout.splitlines() if line}
    assert rows["dense1"][1:3] == ["8", "6,280"]  # 784 * 8 + 8
    assert rows["dense2"][1:3] == ["10", "90"]
    assert "6,370" in outcome.stdout
    assert rows["dense2.bias"][3:] == ["10", "0", "ok"]
    assert outcome.stdout.splitlines()[-1].startswith("The gradients are correct")
    assert [path.name for path in home.iterdir()] == ["tiny.yaml"]


def test_check_as_json_has_all_of_it(home):
    document = mnistlab("check", "tiny.yaml", "model.hidden=[8,6]", "--json").document
    assert document["passed"] is True
    assert document["threshold"] == 1e-6
    assert document["parameters"] == sum(layer["parameters"] for layer in document["layers"])
    parts = dict(document["memory"])
    assert parts.pop("total") == sum(parts.values())
    tensors = {tensor["name"]: tensor for tensor in document["tensors"]}
    assert list(tensors) == [f"dense{n}.{part}" for n in (1, 2, 3) for part in ("weight", "bias")]
    assert tensors["dense1.weight"]["shape"] == [784, 8]
    assert all(0 < tensor["error"] < tensor["uncertainty"] < 1e-6 for tensor in tensors.values())
    assert {tensor["verdict"] for tensor in tensors.values()} == {"right"}
    assert all(tensor["passed"] is True for tensor in tensors.values())


def test_a_wrong_gradient_is_named_and_exits_1(home, monkeypatch):
    right = check

    def wrong(*args, **kwargs):
        result = right(*args, **kwargs)
        first, *others = result.tensors
        first = replace(first, error=0.25, left_out=3, verdict="wrong")
        return replace(result, tensors=(first, *others), passed=False)

    monkeypatch.setattr("mnistlab.python.commands.check.check", wrong)
    outcome = mnistlab("check", "tiny.yaml")
    assert outcome.exit_code == 1
    assert "WRONG GRADIENT of dense1.weight: " in outcome.stdout
    assert "dense1.bias:" not in outcome.stdout
    assert "2.5e-01" in outcome.stdout
    assert "Left out: " in outcome.stdout
    outcome = mnistlab("check", "tiny.yaml", "--json")
    assert (outcome.exit_code, outcome.document["passed"]) == (1, False)


def unseen(tensor):
    """The tensor's check, if nothing of it had been compared."""
    count = tensor.checked + tensor.left_out
    return replace(
        tensor, verdict="not compared", error=None, uncertainty=None, checked=0, left_out=count
    )


def test_a_tensor_that_could_not_be_compared_is_named_and_not_wrong(home, monkeypatch):
    right = check

    def unseen_first(*args, **kwargs):
        result = right(*args, **kwargs)
        first, *others = result.tensors
        return replace(result, tensors=(unseen(first), *others))

    monkeypatch.setattr("mnistlab.python.commands.check.check", unseen_first)
    outcome = mnistlab("check", "tiny.yaml")
    assert outcome.exit_code == 0
    row = next(line for line in outcome.stdout.splitlines() if line.startswith("dense1.weight"))
    assert row.split() == ["dense1.weight", "-", "-", "0", "200", "not", "compared"]
    assert (
        "The gradients of dense1.bias, dense2.weight, dense2.bias are correct: " in outcome.stdout
    )
    assert "Cannot compare the gradient of dense1.weight: " in outcome.stdout
    assert "WRONG" not in outcome.stdout
    assert "Left out" not in outcome.stdout
    outcome = mnistlab("check", "tiny.yaml", "--json")
    assert (outcome.exit_code, outcome.document["passed"]) == (0, True)
    first = outcome.document["tensors"][0]
    assert [first[key] for key in ("verdict", "passed", "error")] == ["not compared", None, None]


def test_a_network_that_is_saturated_all_over_is_not_called_wrong(home):
    sections = [
        "model={type: softmax, output_activation: {type: sigmoid, k: 1e30}}",
        "loss.type=mse",
    ]
    outcome = mnistlab("check", "tiny.yaml", *sections, "--json")
    assert outcome.exit_code == 0
    assert {tensor["verdict"] for tensor in outcome.document["tensors"]} <= {
        "right",
        "not compared",
    }


def test_tables_are_aligned(home):
    lines = mnistlab("check", "tiny.yaml").stdout.splitlines()
    head, first, total = lines[0], lines[1], next(x for x in lines if x.startswith("total"))
    end = head.index("parameters") + len("parameters")
    assert first[:end].endswith("6,280")
    assert total.endswith("6,370")
    assert len(total) == end
