// The ink of a drawing, and which of its pieces are the digit (ink.py, pieces.py).

const LEAST_CONTRAST = 20; // ink differs from the paper by this many of 255 levels
const INK_SHARE = 0.3, SURE_SHARE = 0.55; // of the strongest ink
const PIECE_GAP = 0.25, SPECK_SHARE = 0.02;

// The digit's ink, cropped to it plus a margin of one pixel.
function digitOf(drawing, side) {
  const contrast = smoothed(drawing, side, side / 800);
  const count = Math.max(4, Math.floor((side / 200) ** 2));
  const peak = Float32Array.from(contrast).sort()[contrast.length - count];
  if (peak < LEAST_CONTRAST) return null;
  const least = Math.max(INK_SHARE * peak, LEAST_CONTRAST / 2);
  const isDigit = digitMask(contrast, side, least, SURE_SHARE * peak);
  let top = side, bottom = 0, left = side, right = 0;
  const strengths = [];
  for (let i = 0; i < isDigit.length; i++) {
    if (!isDigit[i]) continue;
    const row = Math.floor(i / side), column = i % side;
    top = Math.min(top, row);
    bottom = Math.max(bottom, row + 1);
    left = Math.min(left, column);
    right = Math.max(right, column + 1);
    strengths.push(drawing[i]);
  }
  const full = Math.max(percentile75(strengths), 1);
  [top, left] = [Math.max(top - 1, 0), Math.max(left - 1, 0)];
  [bottom, right] = [Math.min(bottom + 1, side), Math.min(right + 1, side)];
  const found = image(bottom - top, right - left);
  for (let r = top; r < bottom; r++) {
    for (let q = left; q < right; q++) {
      const isNear = around(r, q, top, bottom, left, right, (h, w) => isDigit[h * side + w]);
      if (!isNear) continue;
      found.values[(r - top) * found.width + q - left] = Math.min(drawing[r * side + q] / full, 1);
    }
  }
  return found;
}

// Whether `is` holds at a position or at one of its eight neighbours within the bounds.
function around(r, q, top, bottom, left, right, is) {
  for (let h = Math.max(r - 1, top); h < Math.min(r + 2, bottom); h++) {
    for (let w = Math.max(q - 1, left); w < Math.min(q + 2, right); w++) if (is(h, w)) return true;
  }
  return false;
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
  return labels.map((label) => isChosen[label]);
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

// A Gaussian filter so narrow (sigma below 0.37) that only the nearest neighbours have a weight.
function smoothed(drawing, side, sigma) {
  const share = Math.exp(-0.5 / sigma ** 2), middle = 1 / (1 + 2 * share);
  const rows = new Float32Array(drawing.length), both = new Float32Array(drawing.length);
  const within = (i) => Math.min(Math.max(i, 0), side - 1);
  for (let r = 0; r < side; r++) {
    const above = within(r - 1) * side, line = r * side, below = within(r + 1) * side;
    for (let q = 0; q < side; q++) {
      rows[line + q] = middle * (drawing[line + q] + share * (drawing[above + q] + drawing[below + q]));
    }
  }
  for (let r = 0; r < side; r++) {
    for (let q = 0; q < side; q++) {
      const line = r * side;
      const beside = rows[line + within(q - 1)] + rows[line + within(q + 1)];
      both[line + q] = middle * (rows[line + q] + share * beside);
    }
  }
  return both;
}
