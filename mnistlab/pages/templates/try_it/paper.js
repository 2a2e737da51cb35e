// The ink on the drawing's paper: bytes (side, side), 255 for full ink. Strokes are computed here
// and not by the canvas, so that every browser draws the same pixels.

const PAPER_SIDE = 224;
const MARGIN = 2; // ink keeps off the paper's edge: in a picture, what the edge cuts is no digit
const MOST_UNDOS = 40;

class Ink {
  constructor() {
    this.bytes = new Uint8Array(PAPER_SIDE * PAPER_SIDE);
    this.before = [];
  }

  get isEmpty() {
    return this.bytes.every((value) => value === 0);
  }

  // Remember the paper, for `undo`.
  keep() {
    this.before.push(this.bytes.slice());
    if (this.before.length > MOST_UNDOS) this.before.shift();
  }

  undo() {
    this.bytes = this.before.pop() ?? this.bytes;
  }

  clear() {
    this.keep();
    this.bytes = new Uint8Array(PAPER_SIDE * PAPER_SIDE);
  }

  // A straight stroke with round ends from one point to another, in pixels of the paper.
  stroke([x0, y0], [x1, y1], width, erases) {
    const radius = width / 2, reach = radius + 1;
    const end = PAPER_SIDE - MARGIN;
    const limits = (a, b) => [
      Math.max(MARGIN, Math.floor(Math.min(a, b) - reach)),
      Math.min(end, Math.ceil(Math.max(a, b) + reach)),
    ];
    const [top, bottom] = limits(y0, y1), [left, right] = limits(x0, x1);
    const dx = x1 - x0, dy = y1 - y0, square = dx * dx + dy * dy;
    for (let r = top; r < bottom; r++) {
      for (let q = left; q < right; q++) {
        const x = q + 0.5 - x0, y = r + 0.5 - y0;
        const along = square ? Math.max(0, Math.min(1, (x * dx + y * dy) / square)) : 0;
        const distance = Math.hypot(x - along * dx, y - along * dy);
        const covered = Math.round(255 * Math.max(0, Math.min(1, radius + 0.5 - distance)));
        const i = r * PAPER_SIDE + q;
        if (erases) this.bytes[i] = Math.min(this.bytes[i], 255 - covered);
        else this.bytes[i] = Math.max(this.bytes[i], covered);
      }
    }
  }
}

// The image turned by degrees and moved by whole pixels, bytes (height, width); what comes from
// outside is 0.
function moved(pixels, height, width, { degrees, right, down }) {
  if (!degrees && !right && !down) return pixels.slice();
  const made = new Uint8Array(pixels.length);
  const cosine = Math.cos((degrees * Math.PI) / 180), sine = Math.sin((degrees * Math.PI) / 180);
  const middleX = (width - 1) / 2, middleY = (height - 1) / 2;
  const at = (r, q) => (r >= 0 && r < height && q >= 0 && q < width ? pixels[r * width + q] : 0);
  for (let r = 0; r < height; r++) {
    for (let q = 0; q < width; q++) {
      const x = q - right - middleX, y = r - down - middleY;
      const fromX = cosine * x + sine * y + middleX, fromY = cosine * y - sine * x + middleY;
      const left = Math.floor(fromX), top = Math.floor(fromY);
      const across = fromX - left, along = fromY - top;
      const upper = (1 - across) * at(top, left) + across * at(top, left + 1);
      const lower = (1 - across) * at(top + 1, left) + across * at(top + 1, left + 1);
      made[r * width + q] = Math.round((1 - along) * upper + along * lower);
    }
  }
  return made;
}

// Normal numbers that are the same on every page: a slider moves the strength of one noise.
function noiseOf(count) {
  let state = 1;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // Numerical Recipes' generator
    return (state + 0.5) / 2 ** 32;
  };
  return Float32Array.from({ length: count }, () =>
    Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
}
