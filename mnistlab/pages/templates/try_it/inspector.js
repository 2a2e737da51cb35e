// The panel on a selected unit or map: its weights and products, what it adds to, the images that
// excite it most, and the answer without it.

const TERMS_SHOWN = 6, EXCITING_SHOWN = 10;
const IMAGES_AT_ONCE = 25; // between two of these the page answers the pen

class Inspector {
  constructor(root, page) {
    Object.assign(this, { root, page });
    this.spare = page.network.memory();
    this.body = element("div", { class: "try-inspected" });
    this.exciting = element("div");
    this.root.append(this.body, this.exciting);
  }

  // Show the selection; the images that excite a unit are only looked for if it is another unit.
  async show() {
    const { selection } = this.page;
    this.root.hidden = !selection;
    if (!selection) return;
    const { stage, unit, pixel, drawing } = selection;
    const { network } = this.page;
    const terms = this.page.terms(drawing, stage, unit, pixel);
    const parts = [this._head(stage, unit), await this._without(stage, unit, drawing)];
    if (terms.products) parts.push(this._sum(stage, unit, pixel, terms));
    else if (terms.inputs) parts.push(this._pooled(network.layers[stage.first], pixel, terms));
    const additions = additionsOf(network, drawing.memory, stage, unit);
    if (additions) parts.push(this._additions(additions, stage));
    this.body.replaceChildren(...parts.filter(Boolean));
    const key = `${stage.first} ${unit} ${this.page.epoch}`;
    if (key !== this.key) await this._showExciting((this.key = key), stage, unit);
  }

  _head(stage, unit) {
    const off = this.page.network.layers[stage.last].off;
    const toggle = element("button", { type: "button", "aria-pressed": off.has(unit), "data-part": "off" });
    toggle.textContent = off.has(unit) ? "Switched off: switch on" : "Switch it off";
    toggle.addEventListener("click", () => this.page.switchUnit(stage, unit));
    const close = element("button", { type: "button" }, "Close");
    close.addEventListener("click", () => this.page.select(null));
    const name = `${stage.title}: ${unitName(stage, unit, this.page)}`;
    return element("div", { class: "try-head" }, element("h4", {}, name), stage.isOutput ? "" : toggle, close);
  }

  // The answer if the unit were switched off.
  async _without(stage, unit, drawing) {
    const { network } = this.page, { classes, probabilities } = network.facts;
    const { off } = network.layers[stage.last];
    if (stage.isOutput || off.has(unit)) return null;
    off.add(unit);
    network.enter(drawing.seen, this.spare);
    await network.run(this.spare);
    off.delete(unit);
    const before = drawing.memory.at(-1), after = this.spare.at(-1);
    const [best] = ranked(before), [other] = ranked(after);
    const said = (outputs, number) => `${classes[number]} (${outputWords(outputs[number], probabilities)})`;
    return element("p", {}, `The answer is ${said(before, best)}; without this `
      + `${stage.isMaps ? "map" : "unit"} it would be ${said(after, other)}.`);
  }

  _sum(stage, unit, pixel, terms) {
    const { shape } = terms;
    const isImage = shape.length === 3 && shape[0] === 1 && stage.first === 0;
    const picture = (title, values) => this._tiles(title, values, shape);
    const where = stage.isMaps ? ` at row ${pixel[0]}, column ${pixel[1]}` : "";
    const order = ranked(terms.products.map(Math.abs)).slice(0, TERMS_SHOWN);
    const rest = terms.products.reduce((a, b) => a + b, 0)
      - order.reduce((sum, i) => sum + terms.products[i], 0);
    const line = (name, text, value) => element("tr", {},
      element("th", {}, name), element("td", {}, text), element("td", { class: "right" }, shortNumber(value)));
    const rows = order.filter((i) => terms.products[i] !== 0).map((i) => line(
      inputName(shape, i, isImage),
      `${shortNumber(terms.inputs[i])} × ${shortNumber(terms.weights[i])}`,
      terms.products[i]));
    const others = terms.products.length - rows.length;
    if (others > 0) rows.push(line(`${others.toLocaleString("en")} others`, "", rest));
    rows.push(line("bias", "", terms.bias), line("sum", "", terms.total));
    rows.at(-1).className = "total";
    for (const { name, value } of terms.steps.slice(1)) rows.push(line(`after ${name}`, "", value));
    const table = element("table", {}, element("tbody", {}, ...rows));
    return element("div", {},
      element("h5", {}, `Its sum${where}: inputs times weights`),
      element("div", { class: "try-sum" },
        picture("inputs", terms.inputs), picture("weights", terms.weights),
        picture("products", terms.products), element("div", { class: "wide" }, table)));
  }

  _pooled(layer, pixel, terms) {
    const how = layer.settings.type === "max" ? "the largest" : "the mean";
    const value = terms.steps[0].value;
    return element("div", {},
      element("h5", {}, `Its value at row ${pixel[0]}, column ${pixel[1]}: ${how} of these`),
      element("div", { class: "try-sum" }, this._tiles(`${how}: ${shortNumber(value)}`, terms.inputs, terms.shape)));
  }

  _additions(additions, stage) {
    const { classes } = this.page.network.facts;
    const name = additions.name;
    if (additions.kernels) {
      return element("div", {}, element("h5", {}, `What it adds to: its weights in each filter of ${name}`),
        this._tiles("", additions.kernels, additions.shape));
    }
    const heading = element("h5", {}, `What it adds to the sums of ${name}${stage.isMaps ? ", all positions together" : ""}`);
    if (!additions.isOutput || classes.length > 20) {
      return element("div", {}, heading, this._tiles("", additions.parts, [additions.parts.length]));
    }
    const largest = largestOf(additions.parts) || 1;
    const bars = Array.from(additions.parts, (part, number) => {
      const bar = element("span", { class: part < 0 ? "negative" : "positive" });
      bar.style.width = `${(50 * Math.abs(part)) / largest}%`;
      return element("li", {}, element("b", {}, classes[number]), element("span", {}, bar),
        element("span", { class: "try-value" }, shortNumber(part)));
    });
    return element("div", {}, heading, element("ul", { class: "try-signed" }, ...bars));
  }

  // Values as a picture, with the end of their scale.
  _tiles(title, values, shape) {
    const canvas = element("canvas", { class: "try-tiles", role: "img", "aria-label": title || "weights" });
    const mosaic = new Mosaic(canvas, shape, this.page.colours, { extent: 240 });
    const largest = mosaic.paint(values);
    const words = `${title}${title && ", "}±${shortNumber(largest)}`;
    return element("figure", {}, canvas, element("figcaption", {}, words));
  }

  // Look for the images of the dataset for which the unit, or the mean of the map, is largest.
  async _showExciting(key, stage, unit) {
    const { network, pictures } = this.page;
    this.exciting.replaceChildren();
    if (!pictures.length) return;
    const found = [];
    for (let start = 0; start < pictures.length; start += IMAGES_AT_ONCE) {
      for (const picture of pictures.slice(start, start + IMAGES_AT_ONCE)) {
        network.enter(picture.pixels, this.spare);
        await network.run(this.spare, stage.last + 1);
        const values = this.spare[stage.last + 1], each = values.length / stage.units;
        const own = values.subarray(unit * each, (unit + 1) * each);
        found.push({ picture, value: own.reduce((a, b) => a + b, 0) / each });
      }
      await new Promise((resume) => setTimeout(resume));
      if (key !== this.key) return; // another unit was selected meanwhile
    }
    found.sort((a, b) => b.value - a.value);
    const what = stage.isMaps ? "the mean of the map" : "its value";
    const shown = found.slice(0, EXCITING_SHOWN).map(({ picture, value }) =>
      element("figure", {}, this.page.thumbnail(picture), element("figcaption", {}, shortNumber(value))));
    this.exciting.append(
      element("h5", {}, `Of ${pictures.length} images, those that excite it most (${what})`),
      element("div", { class: "try-picks" }, ...shown));
  }
}

// An input in words: a pixel by its row and column, a value by its map, a unit by its number.
function inputName(shape, i, isImage) {
  if (shape.length === 1) return `unit ${i}`;
  const [, height, width] = shape, within = i % (height * width);
  const place = `(${Math.floor(within / width)}, ${within % width})`;
  return isImage ? `pixel ${place}` : `map ${Math.floor(i / (height * width))} ${place}`;
}
