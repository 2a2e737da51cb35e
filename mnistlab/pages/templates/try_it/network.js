// The trained network. Its layers are facts of the page; FORWARD has the function of each block.
// A `memory` has the values of one image: memory[0] is the input, memory[k + 1] what layer k says.

// The arrays of the page: base64, deflated.
async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

const ARRAYS = {
  float32: Float32Array, float16: Uint16Array, int32: Int32Array, int8: Int8Array, uint8: Uint8Array,
};

// An array as the page has it; weights of fewer bits become float32.
function arrayOf({ kind, at, shape, step, unitsLast }, buffer) {
  const length = shape.reduce((a, b) => a * b, 1);
  const found = new ARRAYS[kind](buffer, at, length);
  if (kind === "float16") return Float32Array.from(found, ofHalf);
  if (kind !== "int8") return found;
  const steps = arrayOf(step, buffer);
  const each = unitsLast ? 1 : length / steps.length; // weights of a unit that are neighbours
  return Float32Array.from(found, (whole, i) => whole * steps[Math.floor(i / each) % steps.length]);
}

// The number with these 16 bits: a sign, 5 of the exponent, 10 of the fraction (IEEE 754).
function ofHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

class Network {
  constructor(facts, buffer) {
    this.facts = facts;
    this.buffer = buffer;
    this.order = facts.order && arrayOf(facts.order, buffer);
    // `off`: the units or maps that are switched off.
    this.layers = facts.layers.map((layer) =>
      ({ ...layer, forward: FORWARD[layer.type], off: new Set() }));
    this.stages = this._stages();
    this.use(facts.tensors);
  }

  // Take these tensors: the final ones, or those of an epoch.
  use(tensors) {
    for (const layer of this.layers) {
      for (const [kind, packed] of Object.entries(tensors[layer.name] ?? {})) {
        layer[kind] = arrayOf(packed, this.buffer);
      }
    }
  }

  // Arrays for the values of one image. Nothing else is allocated for an answer.
  memory() {
    const size = (shape) => shape.reduce((a, b) => a * b, 1);
    const sizes = [size(this.facts.image), ...this.layers.map((layer) => size(layer.output))];
    return sizes.map((length) => new Float64Array(length));
  }

  // Put an image, bytes (height, width), into a memory as the network's input.
  enter(pixels, memory) {
    const { scale, offset } = this.facts;
    const input = memory[0];
    for (let i = 0; i < input.length; i++) {
      input[i] = pixels[this.order ? this.order[i] : i] * scale + offset;
    }
  }

  // Compute every layer's values. A page that is served may have a network that asks for them
  // instead: whoever calls this awaits it.
  run(memory, layers = this.layers.length) {
    for (let k = 0; k < layers; k++) {
      const layer = this.layers[k], said = memory[k + 1];
      layer.forward(memory[k], said, layer);
      if (layer.off.size === 0) continue;
      const each = said.length / layer.output[0];
      for (const unit of layer.off) said.fill(0, unit * each, (unit + 1) * each);
    }
  }

  // What is shown as one layer: a layer with the activation, normalisation or dropout behind it.
  _stages() {
    const stages = [];
    this.layers.forEach((layer, number) => {
      const follows = ["activation", "batch_norm", "dropout"].includes(layer.kind);
      const isOutput = number === this.layers.length - 1;
      if (follows && stages.length) stages.at(-1).last = number;
      else stages.push({ first: number, last: number });
      stages.at(-1).isOutput = isOutput;
    });
    return stages.map((stage) => this._described(stage)).filter((stage) => stage.kind !== "dropout");
  }

  _described({ first, last, isOutput }) {
    const [layer, ...others] = this.layers.slice(first, last + 1);
    const [units, height = 1, width = 1] = layer.output;
    const behind = others.filter((one) => one.kind !== "dropout").map((one) => one.type);
    const what = height * width > 1
      ? `${units} ${units === 1 ? "map" : "maps"} of ${height} × ${width}`
      : `${units} units`;
    return {
      first, last, isOutput, units, height, width,
      isMaps: layer.output.length === 3, kind: layer.kind, name: layer.name, what,
      title: [layer.name, ...behind].join(" → ").replaceAll("_", " "),
    };
  }

  // The shape in which the input of a layer is shown: (channels, height, width), or (units,). What
  // was flattened is shown as it was before.
  inputShape(number) {
    if (this.layers[number].input.length === 3) return this.layers[number].input;
    let before = number - 1;
    while (before >= 0 && this.layers[before].kind === "dropout") before--;
    return before < 0 ? [1, ...this.facts.image] : this.layers[before].output;
  }
}

// The classes from the most to the least probable.
function ranked(outputs) {
  return Array.from(outputs.keys()).sort((a, b) => outputs[b] - outputs[a]);
}
