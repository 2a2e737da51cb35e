// y = min(max(x, 0), 6).
function relu6(x, y) {
  for (let i = 0; i < x.length; i++) y[i] = x[i] < 0 ? 0 : x[i] > 6 ? 6 : x[i];
}
