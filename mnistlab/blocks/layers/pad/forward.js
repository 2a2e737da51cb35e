// Padding: a border of one value around every channel.
// x (channels, height, width) → y (channels, height + 2 size, width + 2 size).
function pad(x, y, { settings, input, output }) {
  const [channels, height, width] = input;
  const [, rows, columns] = output;
  y.fill(settings.value);
  for (let c = 0; c < channels; c++) {
    for (let h = 0; h < height; h++) {
      const from = (c * height + h) * width;
      const to = (c * rows + h + settings.size) * columns + settings.size;
      for (let w = 0; w < width; w++) y[to + w] = x[from + w];
    }
  }
}
