// yⱼ = exp(xⱼ − max x) / Σₖ exp(xₖ − max x); the maximum prevents an overflow of exp.
function softmax(x, y) {
  let largest = -Infinity;
  for (let j = 0; j < x.length; j++) largest = Math.max(largest, x[j]);
  let total = 0;
  for (let j = 0; j < x.length; j++) total += y[j] = Math.exp(x[j] - largest);
  for (let j = 0; j < x.length; j++) y[j] /= total;
}
