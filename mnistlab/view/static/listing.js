"use strict";
// The table of runs and sweeps, or of a sweep's trials: its filters, its columns, the chosen curves.

const MOST_LINES = 30; // of a sweep's curves, if none are chosen

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
    let isGone = false; // whether a chosen run is
    for (const id of told.gone) {
      isGone = this.chosen.delete(this.rows.get(id)?.id) || isGone;
      this.rows.delete(id);
    }
    const shown = told.shown && new Set(told.shown);
    const isSame = JSON.stringify(told.shown) === this.shownText;
    const isNew = !since || Object.keys(told.rows).length || told.gone.length || !isSame;
    Object.assign(this, { rootName: told.root, version: told.version, keys: told.keys, shown, shownText: JSON.stringify(told.shown) });
    if (!isNew) return;
    this.render();
    const isDrawn = this.drawnIds().some((id) => told.rows[id.split(".").at(-1)]);
    if (!since || isDrawn || isGone || (!this.chosen.size && this.inside)) await this.showCurves();
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
    const curves = await ask("curves", ids.map((id) => ["id", id]));
    if (String(ids) !== String(this.drawnIds())) return; // others were chosen meanwhile
    this.curves = curves;
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
