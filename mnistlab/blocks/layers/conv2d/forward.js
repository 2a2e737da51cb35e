// The convolution: y[f, r, q] = bias[f] + Σ weight[f, c, u, v] · x[c, r·s + u − p, q·s + v − p], with
// the stride s and p rows and columns of zeros around the image. Absent connections have weight 0.
// x (channels, height, width), weight (filters, channels, side, side), bias (filters,) or
// (filters, rows, columns) or none → y (filters, rows, columns).
function conv(x, y, { weight, bias, settings, input, output }) {
  const [channels, height, width] = input;
  const [filters, rows, columns] = output;
  const { kernel, stride, padding } = settings;
  const border = padding === "same" ? (kernel - 1) / 2 : padding;
  const positions = rows * columns;
  for (let f = 0; f < filters; f++) {
    if (!bias) y.fill(0, f * positions, (f + 1) * positions);
    else if (bias.length === filters) y.fill(bias[f], f * positions, (f + 1) * positions);
    else for (let p = f * positions; p < (f + 1) * positions; p++) y[p] = bias[p];
    let number = f * channels * kernel * kernel;
    for (let c = 0; c < channels; c++) {
      for (let u = 0; u < kernel; u++) {
        for (let v = 0; v < kernel; v++, number++) {
          const factor = weight[number];
          if (factor === 0) continue;
          // The columns q whose pixel q · stride + v − border is inside the image.
          const first = Math.max(0, Math.ceil((border - v) / stride));
          const last = Math.min(columns - 1, Math.floor((width - 1 + border - v) / stride));
          for (let r = 0; r < rows; r++) {
            const h = r * stride + u - border;
            if (h < 0 || h >= height) continue;
            const line = (c * height + h) * width + v - border;
            const sums = f * positions + r * columns;
            for (let q = first; q <= last; q++) y[sums + q] += factor * x[line + q * stride];
          }
        }
      }
    }
  }
}
