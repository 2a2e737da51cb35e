// The section: two drawings, the layers, the panel on a unit, the images to pick, the epochs.

class TryIt {
  constructor(root, network, buffer) {
    Object.assign(this, { root, network, selection: null, epoch: "final" });
    this.colours = new Colours(network.facts.colours);
    this.part = (what) => root.querySelector(`[data-part="${what}"]`);
    this.pictures = this._pictures(buffer);
    this.layers = new Layers(this.part("layers"), this);
    this.inspector = new Inspector(this.part("inspector"), this);
    this.waiting = new Set();
    this.drawings = [];
    this.followers = [];
    this._addDrawing("A");
    this.active = this.drawings[0];
    this._makePicks();
    this._listen();
    this._listenToCells();
    if (this.pictures.length) this.active.pick(this.pictures[0]);
    else this.changed(this.active);
  }

  // Answer the drawing of another network's section instead of an own one.
  follow(leader) {
    this.leader = leader;
    this.root.classList.add("follower");
    leader.followers.push(this);
    this._mirror();
  }

  _mirror() {
    const [own] = this.drawings, [theirs] = this.leader.drawings;
    Object.assign(own, { ink: theirs.ink, picture: theirs.picture, edits: theirs.edits });
    this._ask([own]);
  }

  // Let the network answer a drawing again, with the next frame of the screen.
  changed(drawing) {
    this.active = drawing;
    this._ask([drawing]);
  }

  _ask(drawings) {
    for (const one of drawings) this.waiting.add(one);
    if (this.isAsked) return;
    this.isAsked = true;
    requestAnimationFrame(() => this._answer());
  }

  async _answer() {
    const asked = [...this.waiting];
    this.waiting.clear();
    for (const drawing of asked) {
      drawing.prepare();
      this.network.enter(drawing.seen, drawing.memory);
      await this.network.run(drawing.memory);
      drawing.show();
    }
    this.layers.show();
    for (const follower of this.followers) follower._mirror();
    this.isAsked = false;
    await this.inspector.show();
    if (this.waiting.size) this._ask([]);
    this.answers = (this.answers ?? 0) + 1;
  }

  // Select a unit or map, and a position in it; null for none.
  select(stage, unit, pixel, drawing) {
    this.selection = stage && { stage, unit, pixel, drawing };
    this.layers.show();
    this.inspector.show();
  }

  terms(drawing, stage, unit, pixel) {
    return termsOf(this.network, drawing.memory, stage, unit, pixel);
  }

  switchUnit(stage, unit) {
    const { off } = this.network.layers[stage.last];
    if (!off.delete(unit)) off.add(unit);
    this.inspector.key = null;
    this._ask(this.drawings);
    this._countOff();
  }

  _countOff() {
    const count = this.network.layers.reduce((sum, layer) => sum + layer.off.size, 0);
    this.part("off-said").textContent = count ? `${count} switched off` : "";
    this.part("all-on").hidden = count === 0;
  }

  _pictures(buffer) {
    const { pictures, image, classes, part } = this.network.facts;
    if (!pictures) return [];
    const pixels = arrayOf(pictures.images, buffer), size = image[0] * image[1];
    return pictures.labels.map((label, i) => ({
      pixels: pixels.subarray(i * size, (i + 1) * size),
      label,
      number: pictures.numbers[i],
      isMistake: pictures.mistakes[i],
      words: `${part} ${pictures.numbers[i]}, labelled ${classes[label]}`,
    }));
  }

  // The images behind a cell of the confusion matrix appear below it; one that is taken is drawn.
  _listenToCells() {
    const { classes, pictures } = this.network.facts;
    for (const areas of pictures?.predicted ? document.querySelectorAll(".areas") : []) {
      areas.addEventListener("click", (event) => {
        const [label, predicted] = (event.target.dataset.cell ?? "").split(",").map(Number);
        if (predicted === undefined) return;
        const found = this.pictures.filter((picture, i) =>
          picture.label === label && pictures.predicted[i] === predicted);
        const words = `Labelled ${classes[label]}, predicted ${classes[predicted]}: `
          + `${found.length ? `${found.length} on this page` : "none is on this page"}`;
        const shown = element("div", { class: "try-cell" }, element("p", {}, words),
          element("div", { class: "try-picks" }, ...found.map((picture) => this.thumbnail(picture))));
        const figure = areas.closest(".figure");
        figure.parentElement.querySelector(".try-cell")?.remove();
        figure.after(shown);
      });
    }
  }

  // A button with an image; a click takes it for the active drawing.
  thumbnail(picture) {
    const [height, width] = this.network.facts.image;
    const words = `${picture.words}${picture.isMistake ? ", misclassified" : ""}`;
    const made = element("button", { type: "button", class: "try-pick", title: words, "aria-label": words });
    if (picture.isMistake) made.classList.add("mistake");
    made.append(canvasOf(picture.pixels, height, width, this.colours));
    made.addEventListener("click", () => {
      (this.leader ?? this).active.pick(picture);
      if (!this.root.contains(made)) this.root.scrollIntoView();
    });
    return made;
  }

  _makePicks() {
    const shown = this.pictures.slice(0, this.network.facts.pictures?.picked ?? 0);
    this.part("picks").append(...shown.map((picture) => this.thumbnail(picture)));
    this.part("picking").hidden = shown.length === 0;
  }

  _addDrawing(name) {
    const copy = this.part("drawing").content.firstElementChild.cloneNode(true);
    copy.querySelector('[data-part="name"]').textContent = `Drawing ${name}`;
    copy.addEventListener("pointerdown", () => (this.active = drawing), true);
    this.part("drawings").append(copy);
    const drawing = new Drawing(copy, this, name);
    this.drawings.push(drawing);
    this.layers.add(drawing);
    return drawing;
  }

  _listen() {
    const second = this.part("second");
    second.addEventListener("click", () => {
      const isOn = this.drawings.length === 1;
      second.setAttribute("aria-pressed", isOn);
      this.root.classList.toggle("two", isOn);
      if (isOn) {
        this.changed(this._addDrawing("B"));
        return;
      }
      const gone = this.drawings.pop();
      gone.root.remove();
      this.layers.remove(gone);
      this.waiting.delete(gone);
      if (this.selection?.drawing === gone) this.selection = null;
      this.changed(this.drawings[0]);
    });
    this.part("all-on").addEventListener("click", () => {
      for (const layer of this.network.layers) layer.off.clear();
      this._countOff();
      this._ask(this.drawings);
    });
    this.part("epoch")?.addEventListener("input", (event) => this.useEpoch(Number(event.target.value)));
  }

  // Take the weights of a snapshot, by its place; behind the last are the final ones.
  useEpoch(place) {
    const { epochs, tensors } = this.network.facts;
    const found = epochs[place];
    this.epoch = found ? found.epoch : "final";
    this.network.use(found ? found.tensors : tensors);
    this.part("epoch-said").textContent = found ? `epoch ${found.epoch}` : "the final weights";
    this._ask(this.drawings);
  }
}

// The figures stand below the section: their cells are there once the whole page has been read.
function wholePage() {
  if (document.readyState !== "loading") return Promise.resolve();
  return new Promise((done) => document.addEventListener("DOMContentLoaded", done, { once: true }));
}

// The section has its facts and arrays beside it. Where something fails, it says so.
async function start(root) {
  const text = (what) => root.querySelector(`[data-part="${what}"]`).textContent;
  try {
    const facts = JSON.parse(text("facts"));
    const buffer = await unpacked(text("values").trim());
    await wholePage();
    root.tryIt = new TryIt(root, new Network(facts, buffer), buffer);
    root.classList.add("ready");
    return root.tryIt;
  } catch (error) {
    root.querySelector('[data-part="fault"]').textContent =
      `This browser cannot show the network (${error.message}). A newer one can.`;
    throw error;
  }
}

// Start every section; the second answers what is drawn in the first.
async function startAll(roots) {
  const [leader, ...others] = await Promise.all(Array.from(roots, start));
  for (const other of others) other.follow(leader);
}
