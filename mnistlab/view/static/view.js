"use strict";
// The page of `mnistlab view`. It asks once a second what has changed, and shows that. Everything
// that comes from a run's folder is put on the page as text, never as markup.

const EVERY = 1000; // milliseconds between two questions
const COLOURS = 8; // of lines
const MOST_LINES = 30; // of a sweep's curves, if none are chosen
const byId = (id) => document.getElementById(id);

// An element with properties and children.
function make(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// The JSON of an address; an error has the server's words.
async function ask(address, parameters = {}) {
  const asked = new URLSearchParams(parameters);
  let answer;
  try {
    answer = await fetch(`${address}?${asked}`);
  } catch {
    const words = "mnistlab view has ended. Start it again, and open its new address.";
    throw Object.assign(new Error(words), { hasEnded: true });
  }
  const told = answer.headers.get("content-type")?.includes("json") ? await answer.json() : {};
  if (!answer.ok) throw new Error(told.errors?.join("; ") ?? `the answer is ${answer.status}`);
  return told;
}

const isShare = (metric) => metric.endsWith("accuracy");
const PARTS = { train: "training", val: "validation", test: "test" };

// `validation accuracy` of val_accuracy.
function titleOf(metric) {
  const [part, ...rest] = metric.split("_");
  return PARTS[part] ? `${PARTS[part]} ${rest.join(" ")}` : metric;
}

function written(metric, value) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  return isShare(metric) ? `${(100 * value).toFixed(2)} %` : String(Number(value.toPrecision(4)));
}

function timeOf(started) {
  if (!started) return "–";
  const time = new Date(started), two = (number) => String(number).padStart(2, "0");
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${two(time.getHours())}:${two(time.getMinutes())}`;
}

// How far a run or sweep is, in words.
function progressOf(row) {
  if (row.kind === "damaged") return row.faults.join("; ");
  const unit = { run: row.unit, sweep: "trial", report: "experiment" }[row.kind];
  const of = row.planned && row.planned !== row.done ? ` of ${row.planned}` : "";
  const not = Object.entries(row.trials ?? {}).filter(([status]) => !["finished", "pending"].includes(status));
  return [`${row.done}${of} ${unit}${(row.planned || row.done) === 1 ? "" : "s"}`, ...not.map(([status, count]) => `${count} ${status}`)].join(", ");
}

// ---------------------------------------------------------------- charts

const SVG = "http://www.w3.org/2000/svg";
function draw(parent, tag, attributes = {}, text = "") {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  return parent.appendChild(node);
}

function ticks(low, high, count) {
  const rough = (high - low) / count || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + 1e-9 * step; at += step) found.push(Number(at.toPrecision(12)));
  return found;
}

const colourOf = (number) => `var(--s${number % COLOURS})`;

// Draw lines { label, colour, steps, epochs, values } of one metric into a box.
function drawLines(box, lines, metric) {
  const shown = lines.filter((line) => line.values?.some((value) => value !== null));
  box.replaceChildren();
  if (!shown.length) {
    box.append(make("p", { className: "faint" }, "No evaluation yet."));
    return;
  }
  const letter = parseFloat(getComputedStyle(box).fontSize) * (document.body.classList.contains("lecture") ? 0.85 : 0.75);
  const width = Math.max(260, box.clientWidth), height = Math.round(Math.max(260, 0.42 * width, 14 * letter));
  const edge = { left: 5.2 * letter, right: width - letter, top: letter, bottom: height - 3.4 * letter };
  const steps = shown.flatMap((line) => line.steps), values = shown.flatMap((line) => line.values).filter((value) => value !== null);
  let [low, high] = [Math.min(...values), Math.max(...values)];
  if (isShare(metric)) { // room for what is to come, but not below what matters
    high = Math.min(1, high + 0.1 * (high - low));
    low = Math.max(0, low - 0.05 * (high - low));
  }
  const isLog = !isShare(metric) && low > 0 && high / low >= 30;
  const seen = isLog ? Math.log10 : (value) => value;
  let [bottom, top] = [seen(low), seen(high)];
  if (top === bottom) [bottom, top] = [bottom - 0.05 * Math.abs(bottom) - 1e-9, top + 0.05 * Math.abs(top) + 1e-9];
  const first = Math.min(0, ...steps), last = Math.max(1, ...steps);
  const x = (step) => edge.left + (edge.right - edge.left) * (step - first) / (last - first);
  const y = (value) => edge.bottom - (edge.bottom - edge.top) * (seen(value) - bottom) / (top - bottom);
  const svg = draw(box, "svg", { width, height, role: "img", "aria-label": `${titleOf(metric)} by step, ${shown.length} lines` });
  const marks = ticks(bottom, top, 4);
  for (const mark of marks) {
    const value = isLog ? 10 ** mark : mark;
    draw(svg, "line", { class: "grid", x1: edge.left, x2: edge.right, y1: y(value), y2: y(value) });
    const digits = isShare(metric) && marks[1] - marks[0] < 0.01 ? 1 : 0;
    const text = isShare(metric) ? `${(100 * value).toFixed(digits)} %` : String(Number(value.toPrecision(2)));
    draw(svg, "text", { class: "tick", x: edge.left - 0.5 * letter, y: y(value) + 0.35 * letter, "text-anchor": "end" }, text);
  }
  for (const mark of ticks(first, last, Math.max(2, Math.floor(width / (9 * letter))))) {
    draw(svg, "text", { class: "tick", x: x(mark), y: edge.bottom + 1.3 * letter, "text-anchor": "middle" }, mark.toLocaleString("en"));
  }
  draw(svg, "text", { x: (edge.left + edge.right) / 2, y: edge.bottom + 2.8 * letter, "text-anchor": "middle" }, "step");
  draw(svg, "path", { class: "axis", d: `M${edge.left} ${edge.top}V${edge.bottom}H${edge.right}` });
  for (const line of shown) {
    const points = line.values.map((value, i) => value === null ? null : `${x(line.steps[i]).toFixed(1)} ${y(value).toFixed(1)}`).filter(Boolean);
    const path = draw(svg, "path", { class: "line", d: `M${points.join("L")}` });
    path.style.stroke = line.colour;
    if (points.length === 1) {
      const [cx, cy] = points[0].split(" ");
      draw(svg, "circle", { cx, cy, r: 4 }).style.fill = line.colour;
    }
  }
  tellValues(box, svg, shown, metric, x);
}

// Where a chart is pointed at, it tells the values of the nearest evaluation.
function tellValues(box, svg, lines, metric, x) {
  const tip = box.appendChild(make("div", { className: "tip", hidden: true }));
  svg.addEventListener("pointerleave", () => { tip.hidden = true; });
  svg.addEventListener("pointermove", (event) => {
    const at = event.clientX - svg.getBoundingClientRect().left;
    const near = lines.map((line) => {
      const distances = line.steps.map((step, i) => line.values[i] === null ? Infinity : Math.abs(x(step) - at));
      const i = distances.indexOf(Math.min(...distances));
      return { line, i, value: line.values[i] };
    }).sort((a, b) => b.value - a.value).slice(0, 12);
    const [{ line: { steps, epochs }, i }] = near;
    tip.replaceChildren(make("div", {}, `step ${steps[i].toLocaleString("en")}, epoch ${epochs[i]}`), ...near.map(({ line, value }) => {
      const swatch = make("span", { className: "swatch" });
      swatch.style.background = line.colour;
      return make("div", {}, swatch, `${written(metric, value)} ${line.label}`);
    }));
    tip.hidden = false;
    tip.style.left = `${Math.max(0, Math.min(at + 14, box.clientWidth - tip.offsetWidth))}px`;
    tip.style.top = "1.5em";
  });
}

// ---------------------------------------------------------------- the table

// Columns: how a row is read for sorting and how it is written.
const COLUMNS = [
  { name: "run", value: (row) => row.folder, cell: nameCell },
  { name: "status", value: (row) => row.status, cell: statusCell },
  { name: "best", value: (row) => row.best?.value, cell: (row) => bestCell(row), falls: true },
  { name: "test accuracy", value: (row) => row.metrics?.test_accuracy, cell: (row) => meanCell(row, "test_accuracy"), falls: true },
  { name: "seconds", value: (row) => row.metrics?.seconds, cell: (row) => written("seconds", row.metrics?.seconds) },
  { name: "started", value: (row) => row.started, cell: (row) => timeOf(row.started), falls: true },
];
const NUMERIC = new Set(["best", "test accuracy", "seconds"]);

function nameCell(row) {
  const link = row.kind === "damaged" ? make("span", {}, row.folder) : make("a", { href: `#run=${row.id}` }, row.folder);
  const cell = make("span", {}, link);
  if (row.seeds) cell.append(make("small", {}, ` and ${row.seeds.length - 1} more, seeds ${row.seeds.slice(0, 8).join(", ")}${row.seeds.length > 8 ? " …" : ""}`));
  for (const tag of row.tags ?? []) cell.append(make("span", { className: "tag" }, tag));
  if (row.note) cell.append(make("br"), make("small", {}, row.note.length > 200 ? `${row.note.slice(0, 199)}…` : row.note));
  return cell;
}

function statusCell(row) {
  const isBad = ["damaged"].includes(row.kind) || ["failed", "diverged", "process died"].includes(row.status);
  const status = make("span", { className: row.running ? "running" : isBad ? "bad" : "" }, row.status);
  const cell = make("span", {}, status, " ", make("small", {}, progressOf(row)));
  if (row.running && row.planned) cell.append(" ", make("progress", { max: row.planned, value: row.done }));
  return cell;
}

function bestCell(row) {
  if (!row.best) return "–";
  const spread = row.best.std ? ` ± ${written(row.best.metric, row.best.std).replace(" %", "")}` : "";
  const cell = make("span", { title: titleOf(row.best.metric) }, written(row.best.metric, row.best.value).replace(" %", ""), spread, isShare(row.best.metric) ? " %" : "");
  if (row.best.metric !== "val_accuracy") cell.append(make("small", {}, ` ${titleOf(row.best.metric)}`));
  return cell;
}

function meanCell(row, metric) {
  const std = row.stds?.[metric];
  const text = written(metric, row.metrics?.[metric]);
  return std ? text.replace(" %", ` ± ${(100 * std).toFixed(2)} %`) : text;
}

class Listing {
  // `inside` is the id of a sweep or report; its trials are listed.
  constructor(root, inside = "") {
    root.replaceChildren(byId("listing").content.cloneNode(true));
    this.part = (what) => root.querySelector(`[data-part="${what}"]`);
    Object.assign(this, { root, inside, rows: new Map(), version: 0, keys: [], shown: null, chosen: new Set() });
    this.sort = inside ? { name: "run", falls: false } : { name: "started", falls: true };
    for (const name of ["text", "tag", "grouped"]) this.part(name).addEventListener("input", () => this.render());
    for (const name of ["where", "keys"]) this.part(name).addEventListener("change", () => tell(() => this.restart()));
    this.part("metric").addEventListener("change", () => this.drawCurves());
    this.part("none").addEventListener("click", () => { this.chosen.clear(); this.render(); tell(() => this.showCurves()); });
  }

  async restart() {
    this.version = 0;
    await this.refresh();
  }

  // Ask what has changed, and show it.
  async refresh() {
    const since = this.version, asked = { in: this.inside, since, where: this.part("where").value };
    const keys = since ? this.keys.join(",") : this.part("keys").value;
    const fault = this.part("fault");
    let told;
    try {
      told = await ask("runs", keys || since ? { ...asked, keys } : asked);
    } catch (error) {
      if (error.hasEnded) throw error;
      fault.textContent = error.message;
      fault.hidden = false;
      return;
    }
    if (since !== this.version) return; // asked again meanwhile
    // New runs may differ in other keys.
    const isGrown = Object.keys(told.rows).some((id) => !this.rows.has(id));
    if (since && isGrown && !this.part("keys").value) return this.restart();
    fault.hidden = !told.fault;
    fault.textContent = told.fault ?? "";
    if (!since) this.rows.clear();
    for (const [id, row] of Object.entries(told.rows)) {
      this.rows.set(id, { ...row, own: id, id: this.inside ? `${this.inside}.${id}` : id });
    }
    for (const id of told.gone) {
      this.chosen.delete(this.rows.get(id)?.id);
      this.rows.delete(id);
    }
    const shown = told.shown && new Set(told.shown);
    const isSame = JSON.stringify(told.shown) === this.shownText;
    const isNew = !since || Object.keys(told.rows).length || told.gone.length || !isSame;
    Object.assign(this, { rootName: told.root, version: told.version, keys: told.keys, shown, shownText: JSON.stringify(told.shown) });
    if (!isNew) return;
    this.render();
    const isDrawn = this.drawnIds().some((id) => told.rows[id.split(".").at(-1)]);
    if (!since || isDrawn || (!this.chosen.size && this.inside)) await this.showCurves();
  }

  // The rows that pass all filters, in order.
  visible() {
    const words = this.part("text").value.toLowerCase().split(/\s+/).filter(Boolean), tag = this.part("tag").value;
    let rows = [...this.rows.values()].filter((row) => {
      if (this.shown && !this.shown.has(row.own)) return false;
      if (tag && !row.tags?.includes(tag)) return false;
      const text = [row.folder, row.status, row.note, ...(row.tags ?? []), ...Object.entries(row.values).map(([key, value]) => `${key}=${value}`)].join(" ").toLowerCase();
      return words.every((word) => text.includes(word));
    });
    if (this.part("grouped").checked) rows = groupedOverSeeds(rows);
    const column = this.columns().find(({ name }) => name === this.sort.name) ?? COLUMNS[0];
    const compared = (a, b) => {
      const [one, other] = [column.value(a) ?? null, column.value(b) ?? null];
      if (one === null || other === null) return (one === null) - (other === null);
      const order = typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other), "en", { numeric: true });
      return this.sort.falls ? -order : order;
    };
    return rows.sort((a, b) => compared(a, b) || a.folder.localeCompare(b.folder));
  }

  columns() {
    const [run, ...others] = COLUMNS;
    const ofKey = (key) => ({ name: key, value: (row) => row.values[key], cell: (row) => { const value = row.values[key]; return value === null || value === undefined ? "" : String(value); }, isKey: true });
    return [run, ...others.slice(0, 3), ...this.keys.map(ofKey), ...others.slice(3)];
  }

  render() {
    const columns = this.columns(), rows = this.visible();
    const tags = [...new Set([...this.rows.values()].flatMap((row) => row.tags ?? []))].sort();
    const select = this.part("tag"), chosen = select.value;
    select.replaceChildren(make("option", { value: "" }, "all"), ...tags.map((tag) => make("option", { value: tag, selected: tag === chosen }, tag)));
    select.parentElement.hidden = !tags.length;
    this.part("count").textContent = this.rows.size
      ? `${rows.length} of ${this.rows.size} shown. Choose some to see their learning curves together.`
      : "There is nothing here yet. What `mnistlab train` and `mnistlab sweep` make appears by itself.";
    this.part("heads").replaceChildren(make("th"), ...columns.map((column) => this.head(column)));
    this.part("rows").replaceChildren(...rows.map((row) => this.line(row, columns)));
  }

  head({ name, falls }) {
    const button = make("button", { type: "button" }, name), head = make("th", { className: NUMERIC.has(name) ? "right" : "" }, button);
    if (this.sort.name === name) head.setAttribute("aria-sort", this.sort.falls ? "descending" : "ascending");
    button.addEventListener("click", () => {
      this.sort = { name, falls: this.sort.name === name ? !this.sort.falls : Boolean(falls) };
      this.render();
    });
    return head;
  }

  line(row, columns) {
    const ids = row.ids ?? [row.id], isChosen = ids.every((id) => this.chosen.has(id));
    const box = make("input", { type: "checkbox", checked: isChosen, "aria-label": `choose ${row.folder}` });
    box.addEventListener("change", () => {
      for (const id of ids) this.chosen[box.checked ? "add" : "delete"](id);
      line.classList.toggle("chosen", box.checked);
      tell(() => this.showCurves());
    });
    const cells = columns.map((column) => make("td", { className: column.isKey ? "value" : column.name === "run" ? "name" : NUMERIC.has(column.name) ? "right" : "" }, column.cell(row)));
    const line = make("tr", { className: isChosen ? "chosen" : "" }, make("td", {}, row.kind === "run" ? box : ""), ...cells);
    return line;
  }

  // The ids of the runs whose curves are shown: the chosen ones; of a sweep, else the first.
  drawnIds() {
    if (this.chosen.size || !this.inside) return [...this.chosen].slice(0, 50);
    return this.visible().filter((row) => row.kind === "run").slice(0, MOST_LINES).flatMap((row) => row.ids ?? [row.id]).slice(0, 50);
  }

  async showCurves() {
    const ids = this.drawnIds();
    this.part("overlay").hidden = !ids.length;
    this.part("none").hidden = !this.chosen.size;
    if (!ids.length) return;
    this.curves = await ask("curves", ids.map((id) => ["id", id]));
    const metrics = [...new Set(Object.values(this.curves).flatMap((one) => Object.keys(one)))].filter((name) => !["step", "epoch", "fault"].includes(name));
    const select = this.part("metric"), before = select.value || "val_accuracy";
    select.replaceChildren(...metrics.map((name) => make("option", { value: name, selected: name === before }, titleOf(name))));
    this.drawCurves();
  }

  drawCurves() {
    const metric = this.part("metric").value, byRow = new Map([...this.rows.values()].map((row) => [row.id, row]));
    const lines = Object.entries(this.curves ?? {}).map(([id, curve], number) => {
      const row = byRow.get(id), values = this.keys.map((key) => [key.split(".").at(-1), row?.values[key]]);
      const differing = values.filter(([, value]) => value !== null && value !== undefined).map(([key, value]) => `${key} ${value}`).join(", ");
      const label = this.inside ? `${row?.folder.split("-")[0] ?? ""} ${differing}` : row?.folder ?? id;
      return { label, colour: colourOf(number), steps: curve.step ?? [], epochs: curve.epoch ?? [], values: curve[metric] };
    });
    drawLines(this.part("chart"), lines, metric || "val_accuracy");
    this.part("legend").replaceChildren(...lines.slice(0, MOST_LINES).map((line) => {
      const swatch = make("span", { className: "swatch" });
      swatch.style.background = line.colour;
      return make("li", {}, swatch, line.label);
    }));
  }
}

// Runs that differ in their seed alone become one row, with mean and standard deviation over seeds.
function groupedOverSeeds(rows) {
  const groups = new Map();
  const others = rows.filter((row) => row.kind !== "run");
  for (const row of rows) if (row.kind === "run") groups.set(row.group, [...(groups.get(row.group) ?? []), row]);
  const merged = [...groups.values()].map((runs) => {
    const seeds = [...new Map(runs.map((row) => [row.seed, row])).values()]; // the same twice counts once
    if (seeds.length < 2) return runs[0];
    const mean = (get) => {
      const values = seeds.map(get);
      if (values.some((value) => typeof value !== "number")) return {};
      const middle = values.reduce((a, b) => a + b, 0) / values.length;
      return { value: middle, std: Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1)) };
    };
    const best = mean((row) => row.best?.metric === runs[0].best?.metric ? row.best?.value : undefined), test = mean((row) => row.metrics.test_accuracy);
    const done = seeds.filter((row) => !row.running).length;
    return {
      ...runs[0], seeds: seeds.map((row) => row.seed), ids: runs.map((row) => row.id), running: done < seeds.length,
      best: best.value === undefined ? null : { metric: runs[0].best.metric, ...best },
      metrics: { ...runs[0].metrics, test_accuracy: test.value, seconds: mean((row) => row.metrics.seconds).value }, stds: { test_accuracy: test.std },
    };
  });
  return [...merged, ...others];
}

// ---------------------------------------------------------------- one run or sweep

class EntryView {
  constructor(id) {
    this.id = id;
    this.listing = null;
    for (const name of ["ranking", "inside", "layers", "config", "tiles", "links"]) byId(`entry-${name}`).replaceChildren();
  }

  async refresh() {
    const told = await ask("run", { id: this.id });
    if (entry !== this) return;
    const { row } = told, text = JSON.stringify(told);
    if (text !== this.text) this.show(row, told);
    this.text = text;
    if (row.kind === "run") {
      const { [this.id]: curve } = await ask("curves", { id: this.id });
      const now = JSON.stringify(curve);
      if (entry === this && now !== this.curve) {
        this.curve = now;
        this.curveFound = curve;
        this.drawCurves();
      }
    } else if (row.kind !== "damaged") {
      this.listing ??= new Listing(byId("entry-inside"), this.id);
      await this.listing.refresh();
    }
  }

  show(row, told) {
    this.row = row;
    byId("title").textContent = row.folder;
    document.title = row.folder;
    const status = byId("entry-status");
    status.replaceChildren(statusWords(row));
    if (row.reason) status.append(make("span", { className: "bad" }, ` ${row.reason}`));
    const progress = byId("entry-progress");
    progress.hidden = !(row.running && row.planned);
    progress.max = row.planned || 1;
    progress.value = row.done ?? 0;
    this.showLinks(row, told);
    byId("entry-tiles").replaceChildren(...tilesOf(row, told).map(([value, what]) => make("li", {}, make("b", {}, value), make("span", {}, what))));
    byId("entry-charts").hidden = row.kind !== "run";
    byId("entry-layers").replaceChildren(...told.layers.flatMap(([name, what]) => [make("dt", {}, name), make("dd", {}, what)]));
    byId("entry-layers").parentElement.hidden = !told.layers.length;
    byId("entry-config").textContent = told.config;
    byId("entry-path").textContent = told.path;
    byId("entry-ranking").replaceChildren(...rankingOf(told));
  }

  showLinks(row, told) {
    const up = this.id.includes(".") ? this.id.slice(0, this.id.lastIndexOf(".")) : "";
    const links = [make("a", { href: up ? `#run=${up}` : "#", className: "small" }, up ? "← the sweep" : "← all runs")];
    const weights = told.weights, usual = weights.includes("final") ? "final" : weights[0];
    if (usual) links.push(make("a", { id: "try", href: `try?${new URLSearchParams({ id: this.id, weights: usual })}` }, "Try it"));
    if (told.page) links.push(make("a", { id: "page", href: told.page }, "Report page"));
    else if (row.kind !== "damaged") links.push(make("span", { className: "faint small" }, "No report page yet: mnistlab visualize makes it."));
    if (weights.length > 1) {
      const each = weights.map((name) => make("a", { href: `try?${new URLSearchParams({ id: this.id, weights: name })}` }, name));
      links.push(make("span", { className: "faint small" }, "Try the weights: ", ...each.flatMap((link) => [link, " "])));
    }
    if (row.tags) links.push(...row.tags.map((tag) => make("span", { className: "tag" }, tag)));
    if (row.note) links.push(make("span", { className: "faint" }, row.note));
    byId("entry-links").replaceChildren(...links);
  }

  drawCurves() {
    const curve = this.curveFound;
    if (!curve) return;
    for (const what of ["accuracy", "loss"]) {
      const lines = Object.keys(PARTS).map((part, number) => ({ label: PARTS[part], colour: colourOf(number), steps: curve.step ?? [], epochs: curve.epoch ?? [], values: curve[`${part}_${what}`] }));
      const shown = lines.filter((line) => line.values);
      drawLines(byId(what), shown, `val_${what}`);
      byId(what).append(make("ul", { className: "legend" }, ...shown.map((line) => {
        const swatch = make("span", { className: "swatch" });
        swatch.style.background = line.colour;
        return make("li", {}, swatch, line.label);
      })));
    }
    if (curve.fault) byId("accuracy").replaceChildren(make("p", { className: "warning" }, curve.fault));
  }
}

function statusWords(row) {
  const words = statusCell({ ...row, planned: row.running ? row.planned : null });
  words.querySelector("progress")?.remove();
  if (row.planned && row.running) words.querySelector("small").textContent = progressOf(row);
  return words;
}

function tilesOf(row, told) {
  const metrics = row.metrics ?? {}, tiles = [];
  if (row.best && !(row.best.metric in metrics && metrics[row.best.metric] === row.best.value)) tiles.push([written(row.best.metric, row.best.value), `best ${titleOf(row.best.metric)}`]);
  for (const name of ["test_accuracy", "val_accuracy", "train_accuracy"]) if (typeof metrics[name] === "number") tiles.push([written(name, metrics[name]), titleOf(name)]);
  if (told.parameters) tiles.push([told.parameters.toLocaleString("en"), "parameters"]);
  if (told.data) tiles.push([told.data.images.train.toLocaleString("en"), `training images of ${told.data.name}`]);
  if (metrics.seconds) tiles.push([`${Number(metrics.seconds.toPrecision(2)).toLocaleString("en")} s`, "of training"]);
  for (const [status, count] of Object.entries(row.trials ?? {})) tiles.push([String(count), `${status} trials`]);
  return tiles;
}

// The ranking of a sweep, as far as its trials have ended.
function rankingOf({ ranking, ranking_fault: fault }) {
  if (fault) return [make("p", { className: "warning" }, fault)];
  if (!ranking?.rows.length) return [];
  const cut = (text) => text !== "" && !Number.isNaN(Number(text)) ? String(Number(Number(text).toPrecision(5))) : text;
  const filled = ranking.heads.map((_, i) => ranking.rows.some((row) => row[i] !== ""));
  const heads = ranking.heads.filter((_, i) => filled[i]).map((head) => make("th", {}, head.replaceAll("_", " ")));
  const rows = ranking.rows.map((row) => make("tr", { className: row[ranking.heads.indexOf("rank")] === "1" ? "best" : "" },
    ...row.filter((_, i) => filled[i]).map((cell) => make("td", {}, cut(cell)))));
  return [make("h2", {}, "Ranking so far"), make("div", { className: "wide" }, make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows)))];
}

// ---------------------------------------------------------------- the page

const runs = new Listing(byId("list"));
let entry = null;

// The address says what is shown: #run=ID, and &lecture.
function place() {
  const asked = new URLSearchParams(location.hash.slice(1));
  return { id: asked.get("run"), isLecture: asked.has("lecture") };
}

function go(id, isLecture) {
  const asked = new URLSearchParams();
  if (id) asked.set("run", id);
  if (isLecture) asked.set("lecture", "");
  location.hash = asked.toString();
}

// The runs in the order of the table, for the lecture's steps.
const steps = () => runs.visible().filter((row) => row.kind !== "damaged");

function step(by) {
  const all = steps(), at = all.findIndex((row) => row.id === entry?.id?.split(".")[0]);
  const next = all[(at + by + all.length) % all.length];
  byId("follow").checked = false;
  if (next) go(next.id, true);
}

function arrived() {
  const { id, isLecture } = place();
  if (entry?.id !== id) entry = id ? new EntryView(id) : null;
  document.body.classList.toggle("lecture", isLecture);
  byId("lecture").setAttribute("aria-pressed", isLecture);
  byId("steps").hidden = !isLecture;
  byId("list").hidden = Boolean(id) || isLecture;
  byId("entry").hidden = !id;
  if (!id) {
    byId("title").textContent = runs.rootName ?? "Runs";
    document.title = "mnistlab: runs";
    runs.drawCurves();
  } else entry.drawCurves();
  tell(tick);
}

// Do what is asked; what goes wrong is said above.
async function tell(work) {
  const fault = byId("fault");
  try {
    await work();
    fault.hidden = true;
  } catch (error) {
    fault.textContent = error.message;
    fault.hidden = false;
  }
}

async function tick() {
  const { id, isLecture } = place();
  if (!id || isLecture) await runs.refresh();
  if (!id && !isLecture) byId("title").textContent = runs.rootName;
  if (isLecture) {
    const newest = [...runs.rows.values()].filter((row) => row.kind !== "damaged").sort((a, b) => b.started.localeCompare(a.started))[0];
    if (newest && (!id || (byId("follow").checked && id !== newest.id))) return go(newest.id, true);
  }
  await entry?.refresh();
}

byId("lecture").addEventListener("click", () => go(place().id, !place().isLecture));
byId("home").addEventListener("click", (event) => { event.preventDefault(); go(null, false); });
byId("previous").addEventListener("click", () => step(-1));
byId("next").addEventListener("click", () => step(1));
addEventListener("keydown", (event) => {
  if (!place().isLecture || event.target.matches("input, select")) return;
  if (event.key === "ArrowRight") step(1);
  if (event.key === "ArrowLeft") step(-1);
  if (event.key === "Escape") go(place().id, false);
});
addEventListener("hashchange", arrived);
let width = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === width) return;
  width = innerWidth;
  entry?.drawCurves();
  (entry?.listing ?? runs).drawCurves();
});
arrived();
(async () => {
  for (;;) {
    await new Promise((resume) => setTimeout(resume, EVERY));
    if (!document.hidden) await tell(tick);
  }
})();
