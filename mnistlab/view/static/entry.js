"use strict";
// One run or sweep: its metrics, its curves, its ranking, its links.

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
