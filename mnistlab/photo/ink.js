// The ink of a drawing, and which of its pieces are the digit (ink.py, pieces.py).

const LEAST_CONTRAST = 20; // ink differs from the paper by this many of 255 levels
const INK_SHARE = 0.3, SURE_SHARE = 0.55; // of the strongest ink
const PIECE_GAP = 0.25, SPECK_SHARE = 0.02;

// The digit's ink, cropped to it plus a margin of one pixel.
function digitOf(drawing, side) {
  const contrast = smoothed(drawing, side, side / 800);
  const count = Math.max(4, Math.floor((side / 200) ** 2));
  const peak = nthLargest(contrast, count);
  if (peak < LEAST_CONTRAST) return null;
  const least = Math.max(INK_SHARE * peak, LEAST_CONTRAST / 2);
  const isDigit = digitMask(contrast, side, least, SURE_SHARE * peak);
  const box = boxOf(isDigit, side);
  const full = Math.max(percentile75(drawing.filter((_, i) => isDigit[i])), 1);
  const [top, left] = [Math.max(box.top - 1, 0), Math.max(box.left - 1, 0)];
  const [bottom, right] = [Math.min(box.bottom + 1, side), Math.min(box.right + 1, side)];
  const found = image(bottom - top, right - left);
  for (let r = box.top; r < box.bottom; r++) {
    for (let q = box.left; q < box.right; q++) {
      if (!isDigit[r * side + q]) continue;
      // The digit's pixel and its eight neighbours, which are the blurred edge of a stroke.
      for (let h = Math.max(r - 1, top); h < Math.min(r + 2, bottom); h++) {
        for (let w = Math.max(q - 1, left); w < Math.min(q + 2, right); w++) {
          const strength = Math.min(drawing[h * side + w] / full, 1);
          found.values[(h - top) * found.width + w - left] = strength;
        }
      }
    }
  }
  return found;
}

// The rows and columns of a mask's pixels: from top to below bottom, from left to right of right.
function boxOf(mask, side) {
  const box = { top: side, bottom: 0, left: side, right: 0 };
  for (let r = 0; r < side; r++) {
    for (let q = 0; q < side; q++) {
      if (!mask[r * side + q]) continue;
      if (r < box.top) box.top = r;
      box.bottom = r + 1;
      if (q < box.left) box.left = q;
      if (q >= box.right) box.right = q + 1;
    }
  }
  return box;
}

function nthLargest(values, n) {
  const largest = new Float32Array(n); // ascending
  for (let i = 0; i < values.length; i++) {
    if (values[i] <= largest[0]) continue;
    let place = 0;
    for (; place + 1 < n && largest[place + 1] < values[i]; place++) {
      largest[place] = largest[place + 1];
    }
    largest[place] = values[i];
  }
  return largest[0];
}

// The pixels of the pieces of the digit: the largest piece, and pieces near it that are no specks.
function digitMask(contrast, side, least, sure) {
  const labels = new Int32Array(contrast.length);
  const pieces = [];
  for (let start = 0; start < contrast.length; start++) {
    if (labels[start] || contrast[start] <= least) continue;
    const piece = flooded(contrast, side, least, labels, start, pieces.length + 1);
    pieces.push(piece);
    piece.isSure = piece.strongest > sure;
  }
  const sizeOf = (piece) => Math.max(piece.bottom - piece.top, piece.right - piece.left);
  let others = pieces.filter((piece) => piece.isSure).sort((a, b) => b.pixels - a.pixels);
  const chosen = others.splice(0, 1);
  const largest = chosen[0].pixels;
  for (let grown = true; grown; ) {
    const reach = PIECE_GAP * Math.max(...chosen.map(sizeOf));
    const isNear = (piece) =>
      piece.pixels >= SPECK_SHARE * largest && chosen.some((one) => gap(piece, one) <= reach);
    const near = others.filter(isNear);
    chosen.push(...near);
    others = others.filter((piece) => !near.includes(piece));
    grown = near.length > 0;
  }
  const isChosen = new Uint8Array(pieces.length + 1);
  for (const piece of chosen) isChosen[piece.label] = 1;
  const mask = new Uint8Array(labels.length);
  for (let i = 0; i < mask.length; i++) mask[i] = isChosen[labels[i]];
  return mask;
}

// Label the ink that is connected with a pixel; returns the piece and its box.
function flooded(contrast, side, least, labels, start, label) {
  const row = Math.floor(start / side);
  const piece = { label, pixels: 0, strongest: 0, top: row, bottom: 0, left: side, right: 0 };
  const open = [start];
  labels[start] = label;
  while (open.length) {
    const i = open.pop();
    const r = Math.floor(i / side), q = i % side;
    piece.pixels++;
    piece.strongest = Math.max(piece.strongest, contrast[i]);
    piece.top = Math.min(piece.top, r);
    piece.bottom = Math.max(piece.bottom, r + 1);
    piece.left = Math.min(piece.left, q);
    piece.right = Math.max(piece.right, q + 1);
    for (let h = Math.max(r - 1, 0); h < Math.min(r + 2, side); h++) {
      for (let w = Math.max(q - 1, 0); w < Math.min(q + 2, side); w++) {
        const next = h * side + w;
        if (labels[next] || contrast[next] <= least) continue;
        labels[next] = label;
        open.push(next);
      }
    }
  }
  return piece;
}

// The distance between the boxes of two pieces.
function gap(one, other) {
  const down = Math.max(one.top - other.bottom, other.top - one.bottom, 0);
  const across = Math.max(one.left - other.right, other.left - one.right, 0);
  return Math.hypot(down, across);
}

// A Gaussian filter so narrow (sigma below 0.37) that only the nearest neighbours have a weight. No
// ink is at the paper's edge.
function smoothed(drawing, side, sigma) {
  const share = Math.exp(-0.5 / sigma ** 2), middle = 1 / (1 + 2 * share);
  const rows = new Float32Array(drawing.length), both = new Float32Array(drawing.length);
  for (let i = side; i < drawing.length - side; i++) {
    rows[i] = middle * (drawing[i] + share * (drawing[i - side] + drawing[i + side]));
  }
  for (let i = side; i < drawing.length - side; i++) {
    both[i] = middle * (rows[i] + share * (rows[i - 1] + rows[i + 1]));
  }
  return both;
}
