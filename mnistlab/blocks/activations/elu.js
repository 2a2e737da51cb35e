// y = x where x > 0, else alpha (exp(x) − 1).
function elu(x, y, { settings }) {
  for (let i = 0; i < x.length; i++) y[i] = x[i] > 0 ? x[i] : settings.alpha * Math.expm1(x[i]);
}
