// y = x / (1 + |x|).
function softsign(x, y) {
  for (let i = 0; i < x.length; i++) y[i] = x[i] / (1 + Math.abs(x[i]));
}
