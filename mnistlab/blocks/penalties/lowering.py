"""The part of a step that changes weights: penalties and the optimizer, tensor by tensor."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from mnistlab.blocks.layers.dense import ops as dense
from mnistlab.blocks.optimizers import OptimizerBlock, _clip
from mnistlab.blocks.optimizers._clip import ClipOperands, SquaresOperands
from mnistlab.blocks.penalties import ops
from mnistlab.blocks.penalties.ops import DescentOperands, MaxNormOperands, PenaltyOperands
from mnistlab.runtime.actions import SGD
from mnistlab.runtime.kernel import Kernel
from mnistlab.runtime.lanes import MOST_LANES, lanes_for
from mnistlab.runtime.op import Op, one_launch


@dataclass(frozen=True)
class Updates:
    """The updates of every tensor; `penalised` names the tensors with a penalty.

    `tensors` has the operands of each tensor's update, by its name; `limited` has the operands of
    max-norm for each weight that it acts on.
    """

    optimizer: OptimizerBlock
    penalty: Any  # the configuration's `regularization`
    tensors: Mapping[str, dict[str, Any]]
    penalised: Set[str]
    limited: Mapping[str, dict[str, Any]]

    def _one(
        self, function: Kernel, kind: type[Any], tensor: str, maker: Op | None = None, **own: Any
    ) -> Op:
        """An op on a tensor; with the `maker` of its gradient, on the part that each lane
        has made.
        """
        operands = {"dithered": False, **self.tensors[tensor], **own}
        if maker is None:
            return Op(function, kind(**operands), lanes=lanes_for(2 * operands["size"]), once=True)
        return Op(function, kind(**operands), lanes=maker.lanes, grain=maker.owned, once=True)

    @property
    def _in_gradient(self) -> tuple[float, float]:
        """L1 and L2 if their gradients are part of the gradient, else 0."""
        l1, l2 = self.penalty.l1, self.penalty.l2
        # The proximal step is for L1, which has a kink. L2 is smooth and uses its gradient.
        return {"gradient": (l1, l2), "proximal": (0.0, l2), "step": (0.0, 0.0)}[self.penalty.mode]

    def penalty_gradients(self, tensors: Set[str]) -> tuple[Op, ...]:
        """The penalty's gradient, added to the loss's."""
        on = [name for name in self.tensors if name in tensors]
        return one_launch([op for name in on for op in self._penalty_gradient(name)])

    def _penalty_gradient(self, tensor: str, maker: Op | None = None) -> list[Op]:
        l1, l2 = self._in_gradient
        if tensor not in self.penalised or (l1 == 0 and l2 == 0):
            return []
        return [self._one(ops.penalty_gradient, PenaltyOperands, tensor, maker, l1=l1, l2=l2)]

    def penalty_descents(self, tensors: Set[str]) -> tuple[Op, ...]:
        """The penalty's step, subtracted from the weights before the loss's step."""
        l1, l2 = self._in_gradient
        own: dict[str, Any] = {"l1": l1, "l2": 2 * l2, "by_rate": True}
        if self.penalty.mode == "step":
            own = {"l1": self.penalty.l1, "l2": self.penalty.l2, "by_rate": False}
        if own["l1"] == 0 and own["l2"] == 0:
            return ()
        on = [name for name in self.tensors if name in tensors]
        return one_launch([self._one(ops.penalty_descent, DescentOperands, n, **own) for n in on])

    def steps(self, fused: Set[str], joined: Set[str]) -> tuple[Op, ...]:
        """The optimizer's step for every tensor whose gradient's op does not take it; max-norm.

        Before them the sums of squares of the gradient, where its norm is clipped.
        The lanes of max-norm divide a weight by its units. A weight that has no other op in the
        launch of the steps is limited in that launch, every other weight in the next.
        """
        names = [name for name in self.tensors if name not in joined]
        steps = {name: self._step(name, name in fused) for name in names}
        early = [self._max_norm(name) for name in self.limited if not steps.get(name)]
        late = [self._max_norm(name) for name in self.limited if steps.get(name)]
        updates = [op for name in names for op in steps[name]]
        squares = one_launch([op for name in names for op in self._squares(name)])
        return (*squares, *one_launch([*updates, *early]), *one_launch(late))

    @property
    def needs_norm(self) -> bool:
        """Whether no step may be taken before the whole gradient has been computed."""
        return self.optimizer.clip_norm is not None

    def _squares(self, name: str) -> list[Op]:
        if not self.needs_norm:
            return []
        at = MOST_LANES * list(self.tensors).index(name)
        squares = self._one(_clip.gradient_squares, SquaresOperands, name, squares_at=at)
        return [*self._clip_value(name, None), squares]

    def _clip_value(self, name: str, maker: Op | None) -> list[Op]:
        bound = self.optimizer.clip_value
        if bound is None:
            return []
        return [self._one(_clip.clip_value, ClipOperands, name, maker, bound=bound)]

    def _clips(self, name: str, maker: Op | None) -> list[Op]:
        """The ops that clip the gradient right before the optimizer's step."""
        if not self.needs_norm:
            return self._clip_value(name, maker)
        bound = self.optimizer.clip_norm
        return [self._one(_clip.clip_norm, ClipOperands, name, maker, bound=bound)]

    def _max_norm(self, weight: str) -> Op:
        own = {**self.limited[weight], "max_norm": self.penalty.max_norm}
        inputs, tile, size = own["inputs"], own["tile"], self.tensors[weight]["size"]
        function = ops.max_norm_of_columns if tile else ops.max_norm_of_rows
        parts = size // (inputs * tile) * -(-tile // ops.COLUMNS) if tile else size // inputs
        op = self._one(function, MaxNormOperands, weight, **own)
        return replace(op, lanes=min(op.lanes, parts))

    def joined(self, maker: Op) -> list[Op]:
        """A weight's whole step; each lane uses the part of the gradient that it has just computed.

        That part is still in the cache. The gradient must be complete, of all the batch's rows.
        """
        return [
            replace(op, joins=True)
            for op in (
                *self._penalty_gradient(maker.tensor, maker),
                *self._step(maker.tensor, False, maker),
            )
        ]

    def _step(self, name: str, fused: bool, maker: Op | None = None) -> list[Op]:
        rule, mode = self.optimizer.update(), self.penalty.mode
        both = {"l1": self.penalty.l1, "l2": self.penalty.l2}
        penalised = name in self.penalised
        update = []
        if not fused:
            # The step includes the penalty's gradient, which may be a very small part of it.
            own = {**rule.hyperparameters, "dithered": penalised and any(self._in_gradient)}
            step = self._one(rule.function, rule.operands, name, maker, **own)
            update = [*self._clips(name, maker), step]
        if penalised and mode == "step" and update:
            before = self._one(ops.penalty_step, PenaltyOperands, name, maker, **both)
            after = self._one(ops.take_penalty_step, PenaltyOperands, name, maker, **both)
            update = [before, *update, after]
        if penalised and mode == "proximal" and both["l1"] > 0:
            update.append(self._one(ops.soft_threshold, PenaltyOperands, name, maker, **both))
        return update

    def fused(self, gradients: Sequence[Op]) -> dict[str, Op]:
        """By weight: the ops that compute a gradient and take the optimizer's step at once."""
        own, optimizer = self.optimizer.fused(), self.optimizer
        # Those ops know no bound of the gradient.
        if own is None or optimizer.clip_value is not None or optimizer.clip_norm is not None:
            return {}
        action = own.gradient_action
        fused = {}
        for op in gradients:
            # The penalty's gradient would have to be added to the velocity, too. Some steps are
            # also taken before the penalty's op runs, while the gradient of the inputs is computed.
            apart = action == SGD and not op.sends_down
            if op.tensor not in self.penalised or apart:
                plain = op.function is dense.dense_backward_weights
                function = dense.dense_step if plain else op.function
                fused[op.tensor] = replace(op.having(gradient_action=action), function=function)
        return fused
