// y = max(x, 0).
function relu(x, y) {
  for (let i = 0; i < x.length; i++) y[i] = x[i] < 0 ? 0 : x[i];
}
