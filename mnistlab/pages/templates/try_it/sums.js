// How one value comes about, and what it adds to: products of inputs and weights.

// The terms of a unit's sum, or of a map's at one position: { inputs, weights, products } (Float64
// arrays of the shape `shape`), `bias` and `total`, and `steps`: each layer behind and its value.
// A pool has inputs alone; a layer that neither weighs nor pools has only steps.
function termsOf(network, memory, stage, unit, [row, column]) {
  const layer = network.layers[stage.first], x = memory[stage.first];
  const place = unit * stage.height * stage.width + row * stage.width + column;
  const steps = [];
  for (let k = stage.first; k <= stage.last; k++) {
    if (network.layers[k].kind !== "dropout") {
      steps.push({ name: network.layers[k].name.replaceAll("_", " "), value: memory[k + 1][place] });
    }
  }
  // A softmax needs the whole row: its step is still the unit's own value.
  const found = { steps };
  if (layer.kind === "dense") return { ...found, ...denseTerms(network, layer, x, stage, unit) };
  if (layer.kind === "conv") return { ...found, ...convTerms(layer, x, unit, row, column) };
  if (layer.kind === "pool") return { ...found, ...poolTerms(layer, x, unit, row, column) };
  return found;
}

function denseTerms(network, layer, x, stage, unit) {
  const units = layer.output[0], shape = network.inputShape(stage.first);
  const weights = new Float64Array(x.length), inputs = new Float64Array(x.length);
  // With permuted pixels, each stands where it stands in the picture.
  const order = stage.first === 0 ? network.order : null;
  for (let i = 0; i < x.length; i++) {
    const place = order ? order[i] : i;
    weights[place] = layer.weight[i * units + unit];
    inputs[place] = x[i];
  }
  return withProducts(inputs, weights, shape, layer.bias ? layer.bias[unit] : 0);
}

function convTerms(layer, x, filter, row, column) {
  const [channels, height, width] = layer.input;
  const { kernel, stride, padding } = layer.settings;
  const border = padding === "same" ? (kernel - 1) / 2 : padding;
  const size = channels * kernel * kernel;
  const weights = Float64Array.from(layer.weight.subarray(filter * size, (filter + 1) * size));
  const inputs = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const c = Math.floor(i / (kernel * kernel)), u = Math.floor(i / kernel) % kernel, v = i % kernel;
    const h = row * stride + u - border, w = column * stride + v - border;
    if (h >= 0 && h < height && w >= 0 && w < width) inputs[i] = x[(c * height + h) * width + w];
  }
  const [filters, rows, columns] = layer.output;
  const place = filter * rows * columns + row * columns + column;
  const bias = layer.bias ? layer.bias[layer.bias.length === filters ? filter : place] : 0;
  return withProducts(inputs, weights, [channels, kernel, kernel], bias);
}

function withProducts(inputs, weights, shape, bias) {
  const products = inputs.map((value, i) => value * weights[i]);
  const total = products.reduce((a, b) => a + b, 0) + bias;
  return { inputs, weights, products, shape, bias, total };
}

function poolTerms(layer, x, channel, row, column) {
  const [, height, width] = layer.input, { size, stride } = layer.settings;
  const inputs = new Float64Array(size * size);
  for (let i = 0; i < inputs.length; i++) {
    const h = row * stride + Math.floor(i / size), w = column * stride + (i % size);
    inputs[i] = x[(channel * height + h) * width + w];
  }
  return { inputs, shape: [1, size, size] };
}

// What a unit or map adds to the sums of the next dense layer: { name, last, parts } with a part for
// each of its units; of the next convolution: its weights in each filter, { name, kernels }. Null
// behind the last layer with weights.
function additionsOf(network, memory, stage, unit) {
  const next = network.layers.findIndex((layer, k) =>
    k > stage.last && ["dense", "conv"].includes(layer.kind));
  if (next < 0) return null;
  const layer = network.layers[next], x = memory[next];
  const name = layer.name;
  if (layer.kind === "conv") {
    const [channels] = layer.input, area = layer.settings.kernel ** 2, [filters] = layer.output;
    const kernels = new Float64Array(filters * area);
    for (let f = 0; f < filters; f++) {
      const from = (f * channels + unit) * area;
      kernels.set(layer.weight.subarray(from, from + area), f * area);
    }
    return { name, kernels, shape: [filters, layer.settings.kernel, layer.settings.kernel] };
  }
  // A dense layer sees the unit's value; of a map, its pixels one after another.
  const units = layer.output[0], each = x.length / stage.units;
  const parts = new Float64Array(units);
  for (let i = unit * each; i < (unit + 1) * each; i++) {
    for (let j = 0; j < units; j++) parts[j] += x[i] * layer.weight[i * units + j];
  }
  return { name, parts, isOutput: network.stages.at(-1).first === next };
}
