// Batch normalisation by the running statistics of the training:
// y = scale · (x − running_mean) / √(running_variance + epsilon) + shift, for each channel.
// x, y (channels, …); the tensors (channels,).
function batch_norm(x, y, { settings, scale, shift, running_mean, running_variance }) {
  const positions = x.length / scale.length;
  for (let c = 0; c < scale.length; c++) {
    const factor = scale[c] / Math.sqrt(running_variance[c] + settings.epsilon);
    for (let p = c * positions; p < (c + 1) * positions; p++) {
      y[p] = factor * (x[p] - running_mean[c]) + shift[c];
    }
  }
}
