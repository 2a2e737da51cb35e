// y = 1 / (1 + exp(−k x)).
function sigmoid(x, y, { settings }) {
  for (let i = 0; i < x.length; i++) y[i] = 1 / (1 + Math.exp(-settings.k * x[i]));
}
