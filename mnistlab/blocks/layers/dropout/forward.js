// Dropout changes nothing in a trained network.
function dropout(x, y) {
  y.set(x);
}
