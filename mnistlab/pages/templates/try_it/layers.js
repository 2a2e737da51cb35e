// The rows of the section: every layer's values, of one drawing or of two beside each other.

class Layers {
  constructor(root, page) {
    this.page = page;
    this.rows = page.network.stages.map((stage, number) => {
      const views = element("div", { class: "try-views" });
      const scale = element("span", { class: "try-faint" });
      const head = element("h4", {}, stage.title, element("small", {}, stage.what), scale);
      root.append(element("div", { class: "try-layer" }, head, views));
      return { stage, number, views, scale, mosaics: [] };
    });
  }

  // A canvas for a drawing in each row.
  add(drawing) {
    for (const row of this.rows) {
      const { stage } = row;
      const label = `${stage.title}, ${stage.what}: the values for drawing ${drawing.name}`;
      const canvas = element("canvas", { class: "try-tiles", tabindex: 0, role: "img", "aria-label": label });
      const names = stage.isOutput && stage.units <= 20 ? this.page.network.facts.classes : null;
      const shape = [stage.units, stage.height, stage.width];
      const columns = names ? stage.units : undefined;
      const mosaic = new Mosaic(canvas, shape, this.page.colours, { columns });
      const view = element("div", {}, canvas);
      if (names) view.append(classNames(names));
      row.views.append(view);
      row.mosaics.push({ drawing, mosaic, view });
      this._listen(canvas, row, drawing, mosaic);
    }
  }

  remove(drawing) {
    for (const row of this.rows) {
      for (const one of row.mosaics) if (one.drawing === drawing) one.view.remove();
      row.mosaics = row.mosaics.filter((one) => one.drawing !== drawing);
    }
  }

  _listen(canvas, row, drawing, mosaic) {
    const select = (tile, pixel) => this.page.select(row.stage, tile, pixel, drawing);
    canvas.addEventListener("click", (event) => {
      const found = mosaic.at(event);
      if (found) select(found.tile, [found.row, found.column]);
    });
    canvas.addEventListener("pointermove", (event) => {
      const found = mosaic.at(event);
      if (!found) return;
      const each = row.stage.height * row.stage.width;
      const place = found.tile * each + found.row * row.stage.width + found.column;
      const value = drawing.memory[row.stage.last + 1][place];
      const where = each > 1 ? ` at (${found.row}, ${found.column})` : "";
      canvas.title = `${unitName(row.stage, found.tile, this.page)}${where}: ${shortNumber(value)}`;
    });
    const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: mosaic.columns, ArrowUp: -mosaic.columns };
    canvas.addEventListener("keydown", (event) => {
      const chosen = this.page.selection;
      const isHere = chosen?.stage === row.stage;
      if (event.key === "Enter" && !isHere) select(0, [0, 0]);
      if (!(event.key in moves) || !isHere) return;
      event.preventDefault();
      const next = chosen.unit + moves[event.key];
      if (next >= 0 && next < row.stage.units) select(next, chosen.pixel);
    });
  }

  show() {
    const { network, selection } = this.page;
    for (const { stage, scale, mosaics } of this.rows) {
      const all = mosaics.map(({ drawing }) => drawing.memory[stage.last + 1]);
      const largest = Math.max(...all.map(largestOf));
      const isHere = selection?.stage === stage;
      const marks = {
        largest,
        off: network.layers[stage.last].off,
        selected: isHere ? selection.unit : undefined,
        pixel: isHere ? selection.pixel : undefined,
      };
      mosaics.forEach(({ mosaic }, number) => mosaic.paint(all[number], marks));
      scale.textContent = ` from −${shortNumber(largest)} (blue) to ${shortNumber(largest)} (red)`;
    }
  }
}

// The names of the classes under their units.
function classNames(names) {
  const row = element("div", { class: "try-classes" }, ...names.map((name) => element("span", {}, name)));
  row.style.gridTemplateColumns = `repeat(${names.length}, 1fr)`;
  return row;
}

function unitName(stage, unit, page) {
  if (stage.isOutput) return `class ${page.network.facts.classes[unit]}`;
  return `${stage.isMaps ? "map" : "unit"} ${unit}`;
}

// A number in three digits.
function shortNumber(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size >= 1e5 || size < 1e-4 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
  return text.replace("-", "−");
}
