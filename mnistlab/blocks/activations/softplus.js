// y = log(1 + exp(x)), as max(x, 0) + log(1 + exp(−|x|)): no exponential overflows.
function softplus(x, y) {
  for (let i = 0; i < x.length; i++) {
    y[i] = Math.max(x[i], 0) + Math.log1p(Math.exp(-Math.abs(x[i])));
  }
}
