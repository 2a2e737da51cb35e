// y = x / (1 + exp(−x)).
function silu(x, y) {
  for (let i = 0; i < x.length; i++) y[i] = x[i] / (1 + Math.exp(-x[i]));
}
