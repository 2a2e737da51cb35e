// y = x Φ(x), with Φ the standard normal distribution function: Φ(x) = erfc(−x / √2) / 2.
// For |x| < 3 by the series Φ(x) = 1/2 + φ(x) (x + x³/3 + x⁵/(3·5) + …), which converges everywhere;
// further out by the continued fraction Φ(−x) = φ(x) / (x + 1 / (x + 2 / (x + 3 / …))).
// Source: Abramowitz and Stegun (1964), 26.2.11 and 26.2.14.
function gelu(x, y) {
  for (let i = 0; i < x.length; i++) {
    const size = Math.abs(x[i]);
    const density = Math.exp((-size * size) / 2) / Math.sqrt(2 * Math.PI);
    let tail; // Φ(−size)
    if (size < 3) {
      let term = size, sum = size;
      for (let n = 3; n < 80; n += 2) sum += term *= (size * size) / n;
      tail = 0.5 - density * sum;
    } else {
      let fraction = size;
      for (let n = 40; n > 0; n--) fraction = size + n / fraction;
      tail = density / fraction;
    }
    y[i] = x[i] * (x[i] < 0 ? tail : 1 - tail);
  }
}
