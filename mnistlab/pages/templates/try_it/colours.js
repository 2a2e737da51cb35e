// Colours of values, each as the four bytes of a pixel: signed values as in the figures, blue below
// zero, white at zero, red above; images are black on white.

const opaque = (red, green, blue) => (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
const STEPS = 255; // on each side of zero

class Colours {
  constructor(hexadecimal) {
    const points = hexadecimal.map((text) =>
      [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16)));
    this.signed = Uint32Array.from({ length: 2 * STEPS + 1 }, (_, step) => {
      const place = (step / (2 * STEPS)) * (points.length - 1);
      const below = Math.min(Math.floor(place), points.length - 2), share = place - below;
      const mixed = points[below].map((value, i) =>
        Math.round(value + share * (points[below + 1][i] - value)));
      return opaque(...mixed);
    });
    this.ink = Uint32Array.from({ length: 256 }, (_, v) => opaque(255 - v, 255 - v, 255 - v));
  }

  // The colour of a value on a scale from -largest to largest.
  of(value, largest) {
    const share = largest > 0 ? Math.max(-1, Math.min(1, value / largest)) : 0;
    return this.signed[STEPS + Math.round(share * STEPS)];
  }
}

function largestOf(values) {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  return largest;
}
