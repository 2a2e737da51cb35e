// y = scale · tanh(slope · x).
function tanh(x, y, { settings }) {
  for (let i = 0; i < x.length; i++) y[i] = settings.scale * Math.tanh(settings.slope * x[i]);
}
