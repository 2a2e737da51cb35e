// Pooling: the maximum or the mean of every square patch of a channel.
// x (channels, height, width) → y (channels, rows, columns).
function pool(x, y, { settings, input, output }) {
  const [, height, width] = input;
  const [channels, rows, columns] = output;
  const { type, size, stride } = settings;
  const takesMaximum = type === "max";
  let number = 0;
  for (let c = 0; c < channels; c++) {
    for (let r = 0; r < rows; r++) {
      for (let q = 0; q < columns; q++, number++) {
        const corner = (c * height + r * stride) * width + q * stride;
        let found = takesMaximum ? x[corner] : 0;
        for (let h = 0; h < size; h++) {
          for (let w = 0; w < size; w++) {
            const value = x[corner + h * width + w];
            if (!takesMaximum) found += value;
            else if (value > found) found = value;
          }
        }
        y[number] = takesMaximum ? found : found / (size * size);
      }
    }
  }
}
