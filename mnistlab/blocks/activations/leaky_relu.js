// y = x where x > 0, else alpha · x.
function leaky_relu(x, y, { settings }) {
  for (let i = 0; i < x.length; i++) y[i] = x[i] > 0 ? x[i] : settings.alpha * x[i];
}
