// The dense layer: y[j] = bias[j] + Σ x[i] · weight[i, j].
// x (fan_in,), weight (fan_in, fan_out), bias (fan_out,) or none → y (fan_out,).
function dense(x, y, { weight, bias }) {
  const units = y.length;
  if (bias) y.set(bias);
  else y.fill(0);
  for (let i = 0; i < x.length; i++) {
    const value = x[i];
    if (value === 0) continue; // most pixels, and many units behind a ReLU
    const row = i * units;
    for (let j = 0; j < units; j++) y[j] += value * weight[row + j];
  }
}
