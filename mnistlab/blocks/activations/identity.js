// y = x.
function identity(x, y) {
  y.set(x);
}
