"""A second implementation, slow and plain: numpy in float64, from the configuration's equations.

It shares only the configuration and the dataset with the engine: no kernels, no schedules, no
choice of tensors. A name without an equation is an error; no other equation replaces it.
"""

import math
from fnmatch import fnmatchcase

import numpy as np
from augmentation_oracle import augmented
from random_oracle import NoEquationError


def _sigmoid(z):
    powers = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, powers) / (1 + powers)


def _softmax(z):
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _normal_distribution(z):
    """The share of standard normal numbers below z."""
    return 0.5 * np.vectorize(math.erfc)(-z / math.sqrt(2))


def activate(activation, z):
    match activation.type:
        case "identity":
            return z
        case "relu":
            return np.maximum(z, 0)
        case "relu6":
            return np.minimum(np.maximum(z, 0), 6)
        case "leaky_relu":
            return np.where(z > 0, z, activation.alpha * z)
        case "sigmoid":
            return _sigmoid(activation.k * z)
        case "tanh":
            return activation.scale * np.tanh(activation.slope * z)
        case "softsign":
            return z / (1 + np.abs(z))
        case "softplus":
            return np.logaddexp(0, z)
        case "elu":
            return np.where(z > 0, z, activation.alpha * np.expm1(np.minimum(z, 0)))
        case "gelu":
            return z * _normal_distribution(z)
        case "silu":
            return z * _sigmoid(z)
        case "softmax":
            return _softmax(z)
        case other:
            raise NoEquationError("activation", other)


def pull_back(activation, z, dy):
    """The gradient of z, from the gradient dy of the activation's output."""
    y = activate(activation, z)
    match activation.type:
        case "identity":
            return dy
        case "relu":
            return dy * (z > 0)
        case "relu6":
            return dy * ((z > 0) & (z < 6))
        case "leaky_relu":
            return dy * np.where(z > 0, 1, activation.alpha)
        case "sigmoid":
            return dy * activation.k * y * (1 - y)
        case "tanh":
            return dy * activation.slope * activation.scale * (1 - (y / activation.scale) ** 2)
        case "softsign":
            return dy / (1 + np.abs(z)) ** 2
        case "softplus":
            return dy * _sigmoid(z)
        case "elu":
            return dy * np.where(z > 0, 1, activation.alpha * np.exp(np.minimum(z, 0)))
        case "gelu":
            density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
            return dy * (_normal_distribution(z) + z * density)
        case "silu":
            return dy * (_sigmoid(z) + y * _sigmoid(-z))
        case "softmax":
            jacobians = np.stack([np.diag(row) - np.outer(row, row) for row in y])
            return np.einsum("nij,nj->ni", jacobians, dy)
        case other:
            raise NoEquationError("activation", other)


def rate_at(schedule, lr, step, steps_per_epoch, total, falls=()):
    """The learning rate of one step, counted from 0; `falls` are the steps after each fall."""
    epoch = step // steps_per_epoch
    match schedule.type:
        case "constant":
            return lr
        case "step":
            return lr * schedule.factor ** (epoch // schedule.every)
        case "exponential":
            return lr * schedule.gamma**epoch
        case "linear":
            since = step - epoch * steps_per_epoch if schedule.restart_every_epoch else step
            whole = steps_per_epoch if schedule.restart_every_epoch else total
            length = whole if schedule.steps is None else schedule.steps
            if since >= length:
                return lr * schedule.final
            return lr + since / length * (lr * schedule.final - lr)
        case "phases":
            first = 0
            for left, phase in zip(range(len(schedule.phases))[::-1], schedule.phases, strict=True):
                length = max(total - first, 1)
                if phase.epochs is not None:
                    length = phase.epochs * steps_per_epoch
                if step < first + length or left == 0:
                    within = min(step - first, length - 1)
                    return rate_at(phase, lr * phase.scale, within, steps_per_epoch, length)
                first += length
        case "inverse_time":
            return lr / (1 + schedule.decay * step)
        case "cosine":
            if step < schedule.warmup:
                return lr * (step + 1) / schedule.warmup
            after, length = step - schedule.warmup, total - schedule.warmup
            within = (after * schedule.cycles % length) / length
            return schedule.min + 0.5 * (lr - schedule.min) * (1 + math.cos(math.pi * within))
        case "milestones":
            return lr * math.prod(f for at, f in schedule.at.items() if epoch >= int(at))
        case "inverse_sqrt":
            t = step + 1
            return lr * (
                t / schedule.warmup if t < schedule.warmup else (schedule.warmup / t) ** 0.5
            )
        case "plateau":
            fallen = lr
            for fall in falls:
                if step >= fall:
                    fallen = max(fallen * schedule.factor, schedule.min_lr)
            return min(lr, fallen)
        case "one_cycle":
            top, last = schedule.warmup * (total - 1), total - 1
            if step < top:
                low, share = lr / 25, step / top
                return lr + (low - lr) * 0.5 * (1 + math.cos(math.pi * share))
            # A run of one step has no decreasing part: its rate is the peak.
            low, share = lr * schedule.final, (step - top) / (last - top) if last > top else 0
            return low + (lr - low) * 0.5 * (1 + math.cos(math.pi * share))
        case other:
            raise NoEquationError("lr_schedule.type", other)


def momentum_at(optimizer, epochs_done):
    """The momentum of a step before which so many epochs, a real number, were done."""
    momentum = optimizer.momentum
    if isinstance(momentum, float):
        return momentum
    share = min(1, epochs_done / momentum.epochs)
    return momentum.start + share * (momentum.to - momentum.start)


class Oracle:
    """Trains on the images in their order, `shuffle: none`. `losses`, `correct`, `images`
    accumulate.
    """

    def __init__(self, config, dataset, tensors):
        self.config = config
        self.dataset = dataset
        self.tensors = {name: value.astype(np.float64) for name, value in tensors.items()}
        self.memory = {
            name: [np.zeros_like(value), np.zeros_like(value)]
            for name, value in self.tensors.items()
        }
        self.layers = self._weighted_layers()
        self.step = 0
        self.falls = []
        self.clear()

    def _weighted_layers(self):
        """The names of the layers with weights, from the input on."""
        names = {name.split(".")[0] for name in self.tensors}
        return sorted(names, key=lambda name: int(name[5:]))

    def clear(self):
        self.losses, self.correct, self.images = 0.0, 0, 0

    def running(self):
        return self.losses / self.images, self.correct / self.images

    def _activations(self):
        hidden = [self.config.model.activation] if len(self.layers) > 1 else []
        return [*hidden * (len(self.layers) - 1), self.config.model.output_activation]

    def _forward(self, x):
        """Each layer's input, each layer's pre-activation, and the network's output."""
        inputs, sums = [x], []
        for layer, activation in zip(self.layers, self._activations(), strict=True):
            z = inputs[-1] @ self.tensors[f"{layer}.weight"]
            if f"{layer}.bias" in self.tensors:
                z = z + self.tensors[f"{layer}.bias"]
            sums.append(z)
            inputs.append(activate(activation, z))
        return inputs[:-1], sums, inputs[-1]

    def _loss(self, z, y, t):
        """The loss of each image; from the sums z, as the output y may round to 0 or 1."""
        match self.config.loss.type:
            case "cross_entropy":
                return np.logaddexp.reduce(z, axis=1) - (z * t).sum(axis=1)
            case "binary_cross_entropy":
                u = self.config.model.output_activation.k * z
                return (t * np.logaddexp(0, -u) + (1 - t) * np.logaddexp(0, u)).sum(axis=1)
            case "mse":
                return 0.5 * ((y - t) ** 2).sum(axis=1)
            case other:
                raise NoEquationError("loss.type", other)

    def _loss_gradient(self, z, y, t):
        """The gradient of the objective of a batch by the last layer's sums."""
        match self.config.loss.type:
            case "cross_entropy":
                dz = y - t
            case "binary_cross_entropy":
                dz = self.config.model.output_activation.k * (y - t)
            case "mse":
                dz = pull_back(self.config.model.output_activation, z, y - t)
            case other:
                raise NoEquationError("loss.type", other)
        match self.config.loss.reduction:
            case "mean":
                return dz / len(z)
            case "sum":
                return dz
            case other:
                raise NoEquationError("loss.reduction", other)

    def _targets(self, one_hot):
        loss = self.config.loss
        match loss.type:
            case "cross_entropy":
                share = loss.label_smoothing
                return (1 - share) * one_hot + share / one_hot.shape[1]
            case "mse" if loss.targets == "plus_minus":
                return 2 * one_hot - 1
            case "mse" if loss.targets != "one_hot":
                raise NoEquationError("loss.targets", loss.targets)
            case _:
                return one_hot

    def _batch(self, split, places, augment=lambda images: images):
        images, labels = augment(np.asarray(split.images[places])), split.labels[places]
        x = images.reshape(len(places), -1) * self.dataset.scale + self.dataset.offset
        return x, self._targets(np.eye(len(self.dataset.class_names))[labels]), labels

    def gradients(self, x, t):
        """The gradient of the objective, by name, without the penalty; the losses; the output."""
        inputs, sums, y = self._forward(x)
        losses = self._loss(sums[-1], y, t)
        dz = self._loss_gradient(sums[-1], y, t)
        found = {}
        for i in reversed(range(len(self.layers))):
            found[f"{self.layers[i]}.weight"] = inputs[i].T @ dz
            if f"{self.layers[i]}.bias" in self.tensors:
                found[f"{self.layers[i]}.bias"] = dz.sum(axis=0)
            if i > 0:
                dy = dz @ self.tensors[f"{self.layers[i]}.weight"].T
                dz = pull_back(self._activations()[i - 1], sums[i - 1], dy)
        return found, losses, y

    def _penalised(self, name):
        layer, kind = name.split(".")
        chosen = self.config.regularization.layers
        if kind == "scale":
            return layer in chosen  # only where it is named
        if kind != "weight":
            return False
        return chosen == "all" or layer in ([self.layers[-1]] if chosen == "last" else chosen)

    def penalty(self):
        r = self.config.regularization
        weights = [value for name, value in self.tensors.items() if self._penalised(name)]
        # A term whose factor is 0 is 0, even if the weights overflow.
        absolute = sum(r.l1 * np.abs(W).sum() for W in weights) if r.l1 else 0.0
        square = sum(r.l2 * (W * W).sum() for W in weights) if r.l2 else 0.0
        return absolute + square

    def _rate_of(self, name, lr):
        scales = self.config.optimizer.lr_scale
        if name in scales:
            return lr * scales[name]
        for pattern, factor in scales.items():
            if fnmatchcase(name, pattern):
                lr = lr * factor
        return lr

    def _move(self, name, W, g, lr):
        """The weights after the optimizer's step."""
        o = self.config.optimizer
        state = self.memory[name]
        match o.type:
            case "sgd":
                return self._momentum(state, W, g, lr)
            case "adagrad":
                state[0] = state[0] + g**2
                return W - lr * g / (np.sqrt(state[0]) + o.epsilon)
            case "adadelta":
                state[0] = o.rho * state[0] + (1 - o.rho) * g**2
                change = np.sqrt((state[1] + o.epsilon) / (state[0] + o.epsilon)) * g
                state[1] = o.rho * state[1] + (1 - o.rho) * change**2
                return W - lr * change
            case "rmsprop":
                state[0] = o.alpha * state[0] + (1 - o.alpha) * g**2
                return W - lr * g / (np.sqrt(state[0]) + o.epsilon)
            case "adam":
                return self._adam(state, W, g, lr)
            case "adamw":
                return self._adam(state, W - lr * o.weight_decay * W, g, lr)
            case other:
                raise NoEquationError("optimizer.type", other)

    def _momentum(self, state, W, g, lr):
        o, mu = self.config.optimizer, momentum_at(self.config.optimizer, self.epochs_done)
        match o.velocity:
            case "gradient":
                state[0] = mu * state[0] + g
                return W - lr * (g + mu * state[0] if o.nesterov else state[0])
            case "step":
                state[0] = mu * state[0] + lr * g
                return W - (lr * g + mu * state[0] if o.nesterov else state[0])
            case other:
                raise NoEquationError("optimizer.velocity", other)

    def _adam(self, state, W, g, lr):
        o = self.config.optimizer
        state[0] = o.beta1 * state[0] + (1 - o.beta1) * g
        state[1] = o.beta2 * state[1] + (1 - o.beta2) * g**2
        mean = state[0] / (1 - o.beta1 ** (self.step + 1))
        square = state[1] / (1 - o.beta2 ** (self.step + 1))
        return W - lr * mean / (np.sqrt(square) + o.epsilon)

    def _objective_gradient(self, name, g):
        """The gradient with the penalty's, as far as the mode adds it."""
        r, W = self.config.regularization, self.tensors[name]
        if not self._penalised(name):
            return g
        match r.mode:
            case "gradient":
                return g + r.l1 * np.sign(W) + 2 * r.l2 * W
            case "step":
                return g
            case "proximal":
                return g + 2 * r.l2 * W
            case other:
                raise NoEquationError("regularization.mode", other)

    def _clipped(self, gradients):
        """The gradients of all tensors, limited element by element, then in length together."""
        o = self.config.optimizer
        if o.clip_value is not None:
            gradients = {
                name: np.clip(g, -o.clip_value, o.clip_value) for name, g in gradients.items()
            }
        if o.clip_norm is None:
            return gradients
        norm = math.sqrt(sum(float((g**2).sum()) for g in gradients.values()))
        factor = o.clip_norm / norm if o.clip_norm < norm < math.inf else 1.0
        return {name: g * factor for name, g in gradients.items()}

    def _after_step(self, name, g, lr):
        """The weights after a step with the penalty, as the mode says, and within max-norm."""
        r, W = self.config.regularization, self.tensors[name]
        after = self._move(name, W, g, lr)
        if not self._penalised(name):
            return after
        match r.mode:
            case "gradient":
                pass
            case "step":
                after = after - (r.l1 * np.sign(W) + r.l2 * W)
            case "proximal":
                after = np.sign(after) * np.maximum(np.abs(after) - lr * r.l1, 0)
            case other:
                raise NoEquationError("regularization.mode", other)
        return self._limited(after)

    def _limited(self, W):
        """Each unit's weights scaled down to the largest norm: a column, or a filter."""
        most = self.config.regularization.max_norm
        if most is None or W.ndim == 1:
            return W
        norms = np.sqrt((W**2).sum(axis=0 if W.ndim == 2 else (1, 2, 3), keepdims=True))
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.where((norms > most) & np.isfinite(norms), W * (most / norms), W)

    def rate(self, step, steps_per_epoch, total):
        """The learning rate of a step, counted from 0, without `lr_scale`."""
        schedule, lr = self.config.lr_schedule, self.config.optimizer.lr
        return rate_at(schedule, lr, step, steps_per_epoch, total, self.falls)

    def _training_batch(self, places, steps_per_epoch):
        """What the next step reads of the images at `places`."""
        epoch, number = divmod(self.step, steps_per_epoch)
        size = self.config.training.batch_size
        # Only the last batch of an epoch may be smaller.
        first = 0 if number == 0 else number * min(size, len(self.dataset.train.indices))

        def augment(images):
            config = self.config
            return augmented(images, config.data.augment, config.seed, epoch, first)

        return self._batch(self.dataset.train, places, augment)

    def take_step(self, places, steps_per_epoch, total):
        """One step on the images at `places`."""
        x, t, labels = self._training_batch(places, steps_per_epoch)
        gradients, losses, y = self.gradients(x, t)
        self.losses += losses.sum()
        self.correct += int((y.argmax(axis=1) == labels).sum())
        self.images += len(places)
        base = self.rate(self.step, steps_per_epoch, total)
        self.epochs_done = self.step / steps_per_epoch
        objective = {name: self._objective_gradient(name, g) for name, g in gradients.items()}
        for name, g in self._clipped(objective).items():
            self.tensors[name] = self._after_step(name, g, self._rate_of(name, base))
        self.step += 1

    def evaluate(self, split):
        """(mean loss, accuracy, outputs)."""
        x, t, labels = self._batch(split, split.indices)
        _, sums, y = self._forward(x)
        accuracy = float((y.argmax(axis=1) == labels).mean())
        return float(self._loss(sums[-1], y, t).mean()), accuracy, y
