// A drawing as an image like MNIST's: the steps of `predict` for a picture (prepare.py, ink.py,
// pieces.py). The paper is known to be clean and white, so there is no light to even out, and no
// frame, box or sheet of paper to remove. Everything else is the same, to the rounding of a pixel.

const MNIST_SIDE = 28, DIGIT_SIDE = 20;
const ENLARGED = 8; // strokes are measured on a digit this many times larger than the result
const THIN = 1.9, THICK = 3.3; // the widths of MNIST's strokes, in pixels of the result
const FAINT = 0.15; // ink fainter than this share of full ink is ignored in measuring a digit

// The drawing, bytes (side, side) with 255 for full ink, as bytes (28, 28); null if it has no ink.
function preparedAsMnist(drawing, side) {
  const ink = digitOf(drawing, side);
  return ink && centred(scaledDigit(withUsualStrokes(ink)));
}

// Images of this file are { values, height, width }, ink from 0 to 1.

// The enlarged digit, its strokes as wide as MNIST's if they are outside their range.
function withUsualStrokes(ink) {
  const large = resizedTo(ink, DIGIT_SIDE * ENLARGED);
  const width = strokeWidth(large) / ENLARGED;
  const wanted = Math.min(Math.max(width, THIN), THICK);
  const radius = roundHalfEven((Math.abs(wanted - width) * ENLARGED) / 2);
  if (radius === 0) return large;
  if (wanted > width) return dilated(padded(large, radius), radius);
  const negative = { ...large, values: large.values.map((value) => -value) };
  const eroded = dilated(negative, radius);
  return { ...eroded, values: eroded.values.map((value) => -value) };
}

// The mean width of the strokes: in a stroke of width w the mean distance to the background is
// nearly (w + 2.3) / 4.
function strokeWidth(ink) {
  const distance = distances(padded(ink, 1));
  let sum = 0, count = 0;
  for (const value of distance) {
    if (value === 0) continue;
    sum += value;
    count++;
  }
  return count ? Math.max((4 * sum) / count - 2.3, 1) : 0;
}

// The distance of each pixel above 0.5 to the nearest other one. Source: Felzenszwalb and
// Huttenlocher, Distance transforms of sampled functions (2012).
function distances({ values, height, width }) {
  const far = height + width;
  const down = new Float64Array(values.length); // to the nearest in the same column
  for (let q = 0; q < width; q++) {
    for (let r = 0, d = far; r < height; r++) {
      d = values[r * width + q] > 0.5 ? d + 1 : 0;
      down[r * width + q] = d;
    }
    for (let r = height - 1, d = far; r >= 0; r--) {
      d = values[r * width + q] > 0.5 ? d + 1 : 0;
      down[r * width + q] = Math.min(down[r * width + q], d);
    }
  }
  const found = new Float64Array(values.length);
  const vertex = new Int32Array(width), from = new Float64Array(width + 1);
  for (let r = 0; r < height; r++) {
    const line = r * width;
    const square = (q) => down[line + q] * down[line + q];
    const meet = (q, p) => (square(q) + q * q - square(p) - p * p) / (2 * q - 2 * p);
    let k = 0;
    vertex[0] = 0;
    from[0] = -Infinity;
    for (let q = 1; q < width; q++) {
      let s = meet(q, vertex[k]);
      while (s <= from[k]) s = meet(q, vertex[--k]);
      vertex[++k] = q;
      from[k] = s;
    }
    const last = k;
    k = 0;
    for (let q = 0; q < width; q++) {
      while (k < last && from[k + 1] < q) k++;
      found[r * width + q] = Math.sqrt((q - vertex[k]) ** 2 + square(vertex[k]));
    }
  }
  return found;
}

// The maximum over a disk around each pixel; outside the image are zeros. The maxima over windows
// of a row grow by a pixel on each side, from one row of the disk to the next wider one.
function dilated({ values, height, width }, radius) {
  const made = new Float32Array(values.length).fill(-Infinity);
  const widest = Float32Array.from(values);
  let half = 0;
  for (let away = radius; away >= 0; away--) {
    for (; (half + 1) ** 2 + away ** 2 <= radius ** 2; half++) {
      const wider = half + 1;
      for (let r = 0; r < height; r++) {
        const line = r * width;
        for (let q = 0; q < width; q++) {
          const left = q >= wider ? values[line + q - wider] : 0;
          const right = q + wider < width ? values[line + q + wider] : 0;
          const either = left > right ? left : right;
          if (either > widest[line + q]) widest[line + q] = either;
        }
      }
    }
    for (const down of away ? [-away, away] : [0]) {
      for (let r = 0; r < height; r++) {
        const inside = r + down >= 0 && r + down < height;
        const line = r * width, from = line + down * width;
        for (let q = 0; q < width; q++) {
          const value = inside ? widest[from + q] : 0;
          if (value > made[line + q]) made[line + q] = value;
        }
      }
    }
  }
  return { values: made, height, width };
}

// The box of the ink scaled to MNIST's size, bytes, full ink at 255.
function scaledDigit(ink) {
  let top = ink.height, bottom = 0, left = ink.width, right = 0;
  for (let r = 0; r < ink.height; r++) {
    for (let q = 0; q < ink.width; q++) {
      if (ink.values[r * ink.width + q] <= FAINT) continue;
      top = Math.min(top, r);
      bottom = Math.max(bottom, r + 1);
      left = Math.min(left, q);
      right = Math.max(right, q + 1);
    }
  }
  const box = image(bottom - top, right - left);
  for (let r = top; r < bottom; r++) {
    const line = ink.values.subarray(r * ink.width + left, r * ink.width + right);
    box.values.set(line, (r - top) * box.width);
  }
  const small = resizedTo(box, DIGIT_SIDE);
  const half = 0.5 * small.values.reduce((a, b) => Math.max(a, b), 0);
  const full = Math.max(percentile75(Array.from(small.values.filter((v) => v > half))), 1e-6);
  const bytes = small.values.map((value) => roundHalfEven(Math.min(value / full, 1) * 255));
  return { ...small, values: bytes };
}

// The digit on black, bytes (28, 28), with its centre of mass as central as whole pixels allow.
function centred({ values, height, width }) {
  let sum = 0, down = 0, across = 0;
  for (let i = 0; i < values.length; i++) {
    sum += values[i];
    down += values[i] * Math.floor(i / width);
    across += values[i] * (i % width);
  }
  const place = (centre, size) =>
    Math.min(Math.max(roundHalfEven(MNIST_SIDE / 2 - centre), 0), MNIST_SIDE - size);
  const top = place(down / sum, height), left = place(across / sum, width);
  const made = new Uint8Array(MNIST_SIDE * MNIST_SIDE);
  for (let r = 0; r < height; r++) {
    made.set(values.subarray(r * width, (r + 1) * width), (top + r) * MNIST_SIDE + left);
  }
  return made;
}

// The image with its longer side of this many pixels, as Pillow scales it: bicubic upwards, means
// downwards; columns first, then rows.
function resizedTo(ink, longer) {
  const size = Math.max(ink.height, ink.width);
  const scaled = (side) => Math.max(1, roundHalfEven((side * longer) / size));
  const [height, width] = [scaled(ink.height), scaled(ink.width)];
  const filter = longer > size ? bicubic : boxed;
  const across = { ...image(ink.height, width) };
  const along = weightsOf(ink.width, width, filter);
  for (let r = 0; r < ink.height; r++) {
    for (let q = 0; q < width; q++) {
      const { first, weights } = along[q];
      let sum = 0;
      for (let k = 0; k < weights.length; k++) {
        sum += weights[k] * ink.values[r * ink.width + first + k];
      }
      across.values[r * width + q] = sum;
    }
  }
  const made = image(height, width);
  const downwards = weightsOf(ink.height, height, filter);
  for (let r = 0; r < height; r++) {
    const { first, weights } = downwards[r];
    for (let q = 0; q < width; q++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) {
        sum += weights[k] * across.values[(first + k) * width + q];
      }
      made.values[r * width + q] = Math.min(Math.max(sum, 0), 1);
    }
  }
  return made;
}

// For each new pixel along one axis: the first old pixel, and the weights from there on.
function weightsOf(oldSize, size, { support, weight }) {
  const scale = oldSize / size, reach = Math.max(scale, 1);
  const found = [];
  for (let i = 0; i < size; i++) {
    const centre = (i + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - support * reach + 0.5), 0);
    const end = Math.min(Math.trunc(centre + support * reach + 0.5), oldSize);
    const weights = [];
    for (let k = first; k < end; k++) weights.push(weight((k - centre + 0.5) / reach));
    const sum = weights.reduce((a, b) => a + b, 0);
    found.push({ first, weights: weights.map((one) => one / sum) });
  }
  return found;
}

const boxed = { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) };
const bicubic = {
  support: 2,
  weight: (signed) => {
    const x = Math.abs(signed);
    if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
    return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
  },
};

function image(height, width) {
  return { values: new Float32Array(height * width), height, width };
}

function padded({ values, height, width }, border) {
  const made = image(height + 2 * border, width + 2 * border);
  for (let r = 0; r < height; r++) {
    const line = values.subarray(r * width, (r + 1) * width);
    made.values.set(line, (r + border) * made.width + border);
  }
  return made;
}

// The 75th percentile, between two values in proportion.
function percentile75(values) {
  const sorted = Float64Array.from(values).sort();
  const place = 0.75 * (sorted.length - 1), below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

function roundHalfEven(value) {
  const whole = Math.floor(value), rest = value - whole;
  return rest > 0.5 || (rest === 0.5 && whole % 2 !== 0) ? whole + 1 : whole;
}
