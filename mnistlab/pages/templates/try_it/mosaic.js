// A canvas with a tile for each unit or map, in the colours of signed values.

class Mosaic {
  // `shape` is (tiles, height, width); `columns` are tiles beside each other.
  constructor(canvas, [tiles, height = 1, width = 1], colours, { columns, extent = 480 } = {}) {
    Object.assign(this, { canvas, tiles, height, width, colours });
    this.columns = columns ?? columnsFor(tiles, height, width);
    this.rows = Math.ceil(tiles / this.columns);
    const largestTile = tiles > 20 ? 16 : 28; // pixels, of a unit; a small image is larger
    const ofImage = tiles === 1 ? Math.max(8, Math.floor(96 / width)) : 8;
    const most = height * width > 1 ? ofImage : largestTile;
    this.zoom = Math.max(1, Math.min(most, Math.floor(extent / (this.columns * width))));
    this.stepX = width * this.zoom + 1; // one pixel between tiles
    this.stepY = height * this.zoom + 1;
    canvas.width = this.columns * this.stepX + 1;
    canvas.height = this.rows * this.stepY + 1;
    canvas.style.setProperty("--native", `${canvas.width}px`);
    this.context = canvas.getContext("2d");
    this.pixels = this.context.createImageData(canvas.width, canvas.height);
    this.bytes = new Uint32Array(this.pixels.data.buffer); // transparent between tiles
  }

  // Paint values (tiles · height · width); returns the largest magnitude, the end of the scale.
  // `marks` has the selected tile, the pixel selected in it, and the tiles that are switched off.
  paint(values, { largest = largestOf(values), selected, pixel, off } = {}) {
    const { zoom, width, height } = this;
    for (let tile = 0, i = 0; tile < this.tiles; tile++) {
      const [left, top] = this._corner(tile);
      for (let h = 0; h < height; h++) {
        for (let w = 0; w < width; w++, i++) {
          const colour = this.colours.of(values[i], largest);
          let line = (top + h * zoom) * this.canvas.width + left + w * zoom;
          for (let y = 0; y < zoom; y++, line += this.canvas.width) {
            this.bytes.fill(colour, line, line + zoom);
          }
        }
      }
    }
    this.context.putImageData(this.pixels, 0, 0);
    for (const tile of off ?? []) this._cross(tile);
    if (selected !== undefined) this._frame(selected, pixel);
    return largest;
  }

  _corner(tile) {
    const row = Math.floor(tile / this.columns);
    return [(tile % this.columns) * this.stepX + 1, row * this.stepY + 1];
  }

  _frame(tile, pixel) {
    const [left, top] = this._corner(tile);
    this.context.lineWidth = 2;
    this.context.strokeStyle = "#000";
    this.context.strokeRect(left, top, this.stepX - 1, this.stepY - 1);
    if (!pixel || this.width * this.height === 1) return;
    const [row, column] = pixel, size = Math.max(this.zoom, 2);
    this.context.strokeRect(left + column * this.zoom, top + row * this.zoom, size, size);
  }

  _cross(tile) {
    const [left, top] = this._corner(tile);
    const [right, bottom] = [left + this.stepX - 1, top + this.stepY - 1];
    this.context.lineWidth = 1.5;
    this.context.strokeStyle = "#555";
    this.context.beginPath();
    this.context.moveTo(left, top);
    this.context.lineTo(right, bottom);
    this.context.moveTo(right, top);
    this.context.lineTo(left, bottom);
    this.context.stroke();
  }

  // The tile under a pointer, and the row and column in it; null beside all tiles.
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * this.canvas.width - 1;
    const y = ((event.clientY - box.top) / box.height) * this.canvas.height - 1;
    const across = Math.floor(x / this.stepX), down = Math.floor(y / this.stepY);
    const tile = down * this.columns + across;
    if (x < 0 || y < 0 || across >= this.columns || tile >= this.tiles) return null;
    const within = (place, step, size) =>
      Math.min(size - 1, Math.floor((place % step) / this.zoom));
    return {
      tile,
      row: within(y, this.stepY, this.height),
      column: within(x, this.stepX, this.width),
    };
  }
}

// About two and a half times as many columns as rows, without an incomplete row where possible.
function columnsFor(tiles, height, width) {
  const ideal = Math.sqrt((2.5 * tiles * height) / width);
  let best = Math.max(1, Math.min(tiles, Math.round(ideal)));
  let difference = Infinity;
  for (let columns = Math.ceil(ideal / 1.7); columns <= Math.min(tiles, ideal * 1.7); columns++) {
    const away = Math.abs(Math.log(columns / ideal));
    if (tiles % columns === 0 && away < difference) [best, difference] = [columns, away];
  }
  return best;
}
