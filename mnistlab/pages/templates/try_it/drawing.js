// One drawing: its paper and tools, the image that the network sees, and the answer.

const SEEN_ZOOM = 8;

class Drawing {
  // `page.changed(drawing)` is called when the network must answer again.
  constructor(root, page, name) {
    Object.assign(this, { root, page, name, ink: new Ink(), picture: null, erases: false });
    [this.height, this.width] = page.network.facts.image;
    this.memory = page.network.memory();
    this.noise = noiseOf(this.height * this.width);
    this.seen = new Uint8Array(this.height * this.width);
    this.part = (what) => root.querySelector(`[data-part="${what}"]`);
    this._resetEdits();
    this._listenToPaper();
    this._listenToTools();
    this._listenToSeen();
    this._makeBars();
    this._showPaper();
  }

  // Take an image of the dataset: { pixels, label, number, words }.
  pick(picture) {
    this.picture = picture;
    this.ink.keep();
    this.ink.bytes = new Uint8Array(PAPER_SIDE * PAPER_SIDE);
    this._resetEdits();
    this._showPaper();
    this.page.changed(this);
  }

  // Compute the image that the network sees; a drawing is prepared as `predict` prepares a picture.
  prepare() {
    const base = this.picture ? this.picture.pixels : this._prepared();
    this.isBlank = base === null;
    if (this.isBlank) this.seen.fill(0);
    else this.seen.set(moved(base, this.height, this.width, this.edits));
    const strength = this.edits.noise * 255;
    for (let i = 0; i < this.seen.length; i++) {
      if (strength) {
        const noisy = this.seen[i] + strength * this.noise[i];
        this.seen[i] = Math.round(Math.max(0, Math.min(255, noisy)));
      }
      if (this.edits.erased.has(i)) this.seen[i] = 0;
    }
  }

  _prepared() {
    const { asMnist, deskew, resize } = this.page.network.facts;
    if (this.ink.isEmpty) return null;
    if (!asMnist) {
      const sides = [PAPER_SIDE, PAPER_SIDE, this.height, this.width];
      const made = resizedByArea(this.ink.bytes, ...sides);
      return deskew ? deskewed(made, this.height, this.width) : made;
    }
    let made = preparedAsMnist(this.ink.bytes, PAPER_SIDE);
    if (made && deskew) made = deskewed(made, MNIST_SIDE, MNIST_SIDE);
    return made && resize ? resizedByArea(made, MNIST_SIDE, MNIST_SIDE, ...resize) : made;
  }

  _listenToPaper() {
    const paper = this.part("paper");
    let last = null;
    const place = (event) => {
      const box = paper.getBoundingClientRect();
      const scaled = (value, start, size) => ((value - start) / size) * PAPER_SIDE;
      return [scaled(event.clientX, box.left, box.width), scaled(event.clientY, box.top, box.height)];
    };
    const draw = (event) => {
      const next = place(event);
      this.ink.stroke(last ?? next, next, Number(this.part("width").value), this.erases);
      last = next;
    };
    paper.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      paper.setPointerCapture(event.pointerId);
      if (this.picture) this._resetEdits();
      this.picture = null;
      this.ink.keep();
      last = null;
      draw(event);
      this._drawn();
    });
    paper.addEventListener("pointermove", (event) => {
      if (!paper.hasPointerCapture(event.pointerId)) return;
      const events = event.getCoalescedEvents?.() ?? [];
      for (const one of events.length ? events : [event]) draw(one);
      this._drawn();
    });
  }

  _drawn() {
    this._showPaper();
    this.page.changed(this);
  }

  _listenToTools() {
    const tools = {
      pen: () => this._chooseEraser(false),
      eraser: () => this._chooseEraser(true),
      undo: () => {
        this.picture = null;
        this.ink.undo();
        this._drawn();
      },
      clear: () => {
        this.picture = null;
        this.ink.clear();
        this._resetEdits();
        this._drawn();
      },
      reset: () => {
        this._resetEdits();
        this._drawn();
      },
    };
    for (const [name, act] of Object.entries(tools)) this.part(name).addEventListener("click", act);
    for (const name of ["degrees", "right", "down", "noise"]) {
      this.part(name).addEventListener("input", (event) => {
        this.edits[name] = Number(event.target.value);
        this.page.changed(this);
      });
    }
  }

  _chooseEraser(erases) {
    this.erases = erases;
    this.part("pen").setAttribute("aria-pressed", !erases);
    this.part("eraser").setAttribute("aria-pressed", erases);
  }

  _resetEdits() {
    this.edits = { degrees: 0, right: 0, down: 0, noise: 0, erased: new Set() };
    for (const name of ["degrees", "right", "down", "noise"]) this.part(name).value = 0;
  }

  // A pixel that is touched is erased; one that was erased comes back.
  _listenToSeen() {
    const canvas = this.part("seen");
    canvas.width = this.width * SEEN_ZOOM;
    canvas.height = this.height * SEEN_ZOOM;
    let erases = null;
    const touch = (event) => {
      const box = canvas.getBoundingClientRect();
      const column = Math.floor(((event.clientX - box.left) / box.width) * this.width);
      const row = Math.floor(((event.clientY - box.top) / box.height) * this.height);
      if (row < 0 || row >= this.height || column < 0 || column >= this.width) return;
      const { erased } = this.edits, pixel = row * this.width + column;
      erases ??= !erased.has(pixel);
      if (erases) erased.add(pixel);
      else erased.delete(pixel);
      this.page.changed(this);
    };
    canvas.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      erases = null;
      touch(event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) touch(event);
    });
  }

  _showPaper() {
    const paper = this.part("paper");
    paper.width = paper.height = PAPER_SIDE;
    const context = paper.getContext("2d"), made = context.createImageData(PAPER_SIDE, PAPER_SIDE);
    const pixels = new Uint32Array(made.data.buffer);
    const { ink } = this.page.colours;
    for (let i = 0; i < pixels.length; i++) pixels[i] = ink[this.ink.bytes[i]];
    context.putImageData(made, 0, 0);
    if (this.picture) context.drawImage(this._pictureCanvas(), 0, 0, PAPER_SIDE, PAPER_SIDE);
    this.part("hint").hidden = Boolean(this.picture) || !this.ink.isEmpty;
    this.part("of-drawing").hidden = Boolean(this.picture);
    this.part("of-picture").hidden = !this.picture;
    this.part("source").textContent = this.picture ? this.picture.words : "";
  }

  _pictureCanvas() {
    return canvasOf(this.picture.pixels, this.height, this.width, this.page.colours);
  }

  // Show the image that the network sees, and its answer.
  show() {
    const canvas = this.part("seen"), context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    const small = canvasOf(this.seen, this.height, this.width, this.page.colours);
    context.drawImage(small, 0, 0, canvas.width, canvas.height);
    context.fillStyle = "rgba(162, 25, 91, 0.35)"; // erased pixels
    for (const pixel of this.edits.erased) {
      const row = Math.floor(pixel / this.width), column = pixel % this.width;
      context.fillRect(column * SEEN_ZOOM, row * SEEN_ZOOM, SEEN_ZOOM, SEEN_ZOOM);
    }
    for (const name of ["degrees", "right", "down", "noise"]) {
      this.part(`${name}-said`).textContent = EDIT_WORDS[name](this.edits[name]);
    }
    this._showAnswer();
  }

  _makeBars() {
    this.bars = this.page.network.facts.classes.map((name) => {
      const bar = element("span", { class: "try-bar" }), value = element("span", { class: "try-value" });
      const row = element("li", {}, element("b", {}, name), element("span", {}, bar), value);
      this.part("answer").append(row);
      return { row, bar, value };
    });
  }

  _showAnswer() {
    const { classes, probabilities } = this.page.network.facts;
    const outputs = this.memory.at(-1), [best] = ranked(outputs);
    const largest = probabilities ? 1 : largestOf(outputs);
    const label = this.picture?.label;
    this.bars.forEach(({ row, bar, value }, number) => {
      const said = this.isBlank ? 0 : outputs[number];
      bar.style.width = `${(100 * Math.abs(said)) / (largest || 1)}%`;
      value.textContent = this.isBlank ? "" : outputWords(said, probabilities);
      row.dataset.output = said;
      row.classList.toggle("best", !this.isBlank && number === best);
      row.classList.toggle("wrong", !this.isBlank && number === best && label !== undefined && label !== best);
      row.classList.toggle("label", number === label);
    });
    const verdict = this.part("verdict");
    if (this.isBlank) verdict.textContent = "Draw something.";
    else if (label === undefined) verdict.textContent = `It says ${classes[best]}.`;
    else if (label === best) verdict.textContent = `It says ${classes[best]}, as the label does.`;
    else verdict.textContent = `It says ${classes[best]}; the label is ${classes[label]}.`;
  }
}

const EDIT_WORDS = {
  degrees: (value) => `${value}°`,
  right: (value) => `${value} px`,
  down: (value) => `${value} px`,
  noise: (value) => value.toFixed(2),
};

// An output in words: 99.95 % and more is not rounded up to 100 %.
function outputWords(value, isProbability) {
  if (!isProbability) return Number(value.toPrecision(3)).toString();
  if (value >= 0.9995) return "> 99.9 %";
  if (value < 0.0005) return "< 0.1 %";
  return `${(100 * value).toFixed(1)} %`;
}

// An image, bytes (height, width), black on white, as a canvas of its size.
function canvasOf(pixels, height, width, colours) {
  const canvas = element("canvas", { width, height });
  const context = canvas.getContext("2d"), made = context.createImageData(width, height);
  const painted = new Uint32Array(made.data.buffer);
  for (let i = 0; i < painted.length; i++) painted[i] = colours.ink[pixels[i]];
  context.putImageData(made, 0, 0);
  return canvas;
}

// An element with attributes and children.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
