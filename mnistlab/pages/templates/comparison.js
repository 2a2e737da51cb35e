"use strict";
// Draws the figures of a comparison from the JSON in #data, as SVG of the width of the page.
const data = JSON.parse(document.getElementById("data").textContent);
const NAMESPACE = "http://www.w3.org/2000/svg";
const column = (name) => data.columns.find((one) => one.name === name);
const colour = (group) => group < data.colours.length ? `var(--c${data.colours[group]})` : "var(--ink)";
const byId = (id) => document.getElementById(id);

function draw(parent, tag, attributes = {}, text = "") {
  const node = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== "") node.textContent = text;
  return parent.appendChild(node);
}

// An empty SVG in a chart, which replaces what was there, and the box that says what is pointed at.
function blank(chart, width, height, label) {
  chart.replaceChildren();
  const svg = draw(chart, "svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  const tip = chart.appendChild(document.createElement("div"));
  tip.className = "tip";
  tip.hidden = true;
  svg.addEventListener("pointerleave", () => { tip.hidden = true; });
  const tell = (x, y, lines) => {
    tip.replaceChildren(...lines.map(([text, group]) => {
      const line = document.createElement("div");
      if (group !== undefined) {
        const swatch = line.appendChild(document.createElement("span"));
        swatch.className = "swatch";
        swatch.style.background = colour(group);
      }
      line.append(text);
      return line;
    }));
    tip.hidden = false;
    tip.style.left = `${Math.max(0, Math.min(x + 12, width - tip.offsetWidth))}px`;
    tip.style.top = `${y + 14}px`;
  };
  return { svg, tip, tell };
}

// A number as it is read: a share in per cent.
function written(value, one) {
  if (value === null || value === undefined) return "–";
  if (!one.number) return value;
  if (one.share) return `${(100 * value).toFixed(2)} %`;
  return Number(value.toPrecision(4)).toString();
}

// A mean and its deviation with the same decimals.
function withDeviation(mean, deviation, one) {
  if (!deviation) return written(mean, one);
  if (one.share) return `${(100 * mean).toFixed(2)} ± ${written(deviation, one)}`;
  const text = written(mean, one);
  const decimals = (text.split("e")[0].split(".")[1] ?? "").length;
  return `${text} ± ${text.includes("e") ? deviation.toExponential(decimals) : deviation.toFixed(decimals)}`;
}

function ticks(low, high, count) {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + 1e-9 * step; at += step) found.push(Number(at.toPrecision(12)));
  return found;
}

// The range of a metric without values that are far behind the best one, which would squeeze all
// others together: they are drawn at its end.
function withoutFar(values, one) {
  const best = one.share ? Math.max(...values) : Math.min(...values);
  const behind = values.map((value) => Math.abs(value - best)).sort((a, b) => a - b);
  const reach = 5 * behind[Math.floor(behind.length / 2)] || Infinity;
  const near = values.filter((value) => Math.abs(value - best) <= reach);
  return [Math.min(...near), Math.max(...near)];
}

// A scale from values of a column to pixels: numbers linear, or logarithmic if they are far apart;
// texts at equal distances.
function scaleOf(one, from, to) {
  const present = one.values.filter((value) => value !== null);
  if (!one.number) {
    const names = [...new Set(present)].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
    const at = (value) => from + (to - from) * (names.indexOf(value) + 0.5) / Math.max(names.length, 1);
    return { at: (value) => value === null ? null : at(value), marks: names.map((name) => [at(name), name]) };
  }
  let [low, high] = one.metric ? withoutFar(present, one) : [Math.min(...present), Math.max(...present)];
  const logarithmic = low > 0 && high / low >= 30;
  const seen = logarithmic ? Math.log10 : (value) => value;
  let [first, last] = [seen(low), seen(high)];
  const margin = 0.04 * (last - first) || 0.05 * Math.abs(first) || 1;
  [first, last] = [first - margin, last + margin];
  const at = (value) => from + (to - from) * (seen(Math.max(low, Math.min(high, value))) - first) / (last - first);
  const different = [...new Set(present)].filter((value) => value >= low && value <= high).sort((a, b) => a - b);
  let values = different.length <= 6 ? different : ticks(first, last, 5);
  if (logarithmic && different.length > 6) values = ticks(Math.ceil(first), Math.floor(last), 5).map((power) => 10 ** power);
  return { at: (value) => value === null ? null : at(value), marks: values.map((value) => [at(value), written(value, one)]) };
}

const WIDEST_CHARACTER = 7.5; // of a tick, in pixels

function drawAxes(svg, box, across, up, names) {
  let end = -Infinity; // of the label before: a label that would stand on it is left out
  for (const [x, text] of across.marks) {
    draw(svg, "line", { class: "grid", x1: x, x2: x, y1: box.top, y2: box.bottom });
    const label = cut(text, 14), half = WIDEST_CHARACTER * label.length / 2;
    if (x - half < end) continue;
    draw(svg, "text", { class: "tick", x, y: box.bottom + 16, "text-anchor": "middle" }, label);
    end = x + half;
  }
  for (const [y, text] of up.marks) {
    draw(svg, "line", { class: "grid", x1: box.left, x2: box.right, y1: y, y2: y });
    draw(svg, "text", { class: "tick", x: box.left - 6, y: y + 4, "text-anchor": "end" }, cut(text, 10));
  }
  draw(svg, "path", { class: "axis", fill: "none", d: `M${box.left} ${box.top}V${box.bottom}H${box.right}` });
  draw(svg, "text", { x: (box.left + box.right) / 2, y: box.bottom + 36, "text-anchor": "middle" }, names[0]);
  draw(svg, "text", { x: box.left - 6, y: box.top - 10 }, names[1]);
}

const cut = (text, length) => text.length <= length ? text : `${text.slice(0, length - 1)}…`;

function options(select, values, chosen) {
  for (const [value, text] of values) select.add(new Option(text, value, false, String(value) === String(chosen)));
}

const boxOf = (chart, height) => {
  const width = Math.max(280, chart.clientWidth);
  return { width, height, left: 62, right: width - 12, top: 26, bottom: height - 44 };
};

// Learning curves.
let alone = null;
function drawCurves() {
  const chart = byId("curves-chart"), name = byId("curves-metric").value;
  const curves = data.curves[name];
  if (!curves) return;
  const share = name.endsWith("accuracy"), one = { number: true, share };
  const shown = curves.map((curve, group) => ({ curve, group })).filter(({ curve, group }) => curve && (alone === null || alone === group));
  const all = (get) => shown.flatMap(({ curve }) => curve.steps.map((_, i) => get(curve, i)));
  const box = boxOf(chart, 380);
  const { svg, tell } = blank(chart, box.width, box.height, `${data.titles[name] ?? name} by step, ${shown.length} groups`);
  const across = scaleOf({ number: true, values: all((c, i) => c.steps[i]) }, box.left, box.right);
  const up = scaleOf({ ...one, values: all((c, i) => c.means[i]) }, box.bottom, box.top);
  drawAxes(svg, box, across, up, ["step", data.titles[name] ?? name]);
  const within = (y) => Math.max(box.top, Math.min(box.bottom, y));
  for (const { curve, group } of shown) {
    const points = curve.steps.map((step, i) => [across.at(step), curve.means[i], curve.deviations[i]]);
    const edge = (sign) => points.map(([x, mean, deviation]) => {
      const value = share ? Math.max(0, Math.min(1, mean + sign * deviation)) : mean + sign * deviation;
      const y = up.at(value);
      return `${x.toFixed(1)} ${within(Number.isFinite(y) ? y : box.bottom).toFixed(1)}`;
    });
    draw(svg, "path", { d: `M${edge(1).join("L")}L${edge(-1).reverse().join("L")}Z`, style: `fill:${colour(group)}`, opacity: 0.15 });
    draw(svg, "path", { d: `M${points.map(([x, mean]) => `${x.toFixed(1)} ${up.at(mean).toFixed(1)}`).join("L")}`, fill: "none", style: `stroke:${colour(group)}`, "stroke-width": 1.8 });
  }
  const line = draw(svg, "line", { class: "axis", y1: box.top, y2: box.bottom, visibility: "hidden" });
  svg.addEventListener("pointermove", (event) => {
    const x = event.clientX - svg.getBoundingClientRect().left;
    const near = shown.map(({ curve, group }) => {
      const distances = curve.steps.map((step) => Math.abs(across.at(step) - x));
      return { curve, group, i: distances.indexOf(Math.min(...distances)) };
    });
    if (!near.length) return;
    const first = near[0];
    line.setAttribute("x1", across.at(first.curve.steps[first.i]));
    line.setAttribute("x2", across.at(first.curve.steps[first.i]));
    line.setAttribute("visibility", "visible");
    const lines = near.sort((a, b) => b.curve.means[b.i] - a.curve.means[a.i]).map(({ curve, group, i }) => {
      const text = withDeviation(curve.means[i], curve.deviations[i], one);
      return [`${text} ${data.groups[group]}`, group];
    });
    tell(x, box.top, [[`step ${first.curve.steps[first.i]}, epoch ${first.curve.epochs[first.i]}`], ...lines]);
  });
}

function drawLegend() {
  byId("curves-legend").replaceChildren(...data.groups.map((label, group) => {
    const item = document.createElement("li"), button = item.appendChild(document.createElement("button"));
    button.type = "button";
    button.setAttribute("aria-pressed", String(alone === null || alone === group));
    const swatch = button.appendChild(document.createElement("span"));
    swatch.className = "swatch";
    swatch.style.background = colour(group);
    button.append(label);
    button.addEventListener("click", () => {
      alone = alone === group ? null : group;
      drawLegend();
      drawCurves();
    });
    return item;
  }));
}

// Scatter.
function drawScatter() {
  const chart = byId("scatter-chart");
  const [one, other] = [column(byId("scatter-x").value), column(byId("scatter-y").value)];
  const box = boxOf(chart, 400);
  const { svg, tip, tell } = blank(chart, box.width, box.height, `${other.name} by ${one.name}, ${data.runs.length} runs`);
  const [across, up] = [scaleOf(one, box.left, box.right), scaleOf(other, box.bottom, box.top)];
  drawAxes(svg, box, across, up, [title(one), title(other)]);
  data.runs.forEach((run, i) => {
    const x = across.at(one.values[i]), y = up.at(other.values[i]);
    if (x === null || y === null) return;
    const dot = draw(svg, "circle", { cx: x.toFixed(1), cy: y.toFixed(1), r: 4, style: `fill:${colour(0)}`, opacity: 0.45 });
    dot.addEventListener("pointerenter", () => tell(x, y, [[run], ...told(i)]));
    dot.addEventListener("pointerleave", () => { tip.hidden = true; });
  });
}

const title = (one) => data.titles[one.name] ?? one.name;
// What is said of a run: its metric and the keys that differ.
const told = (i) => [column(data.metric), ...data.columns.filter((one) => !one.metric)].slice(0, 9)
  .map((one) => [`${title(one)}: ${written(one.values[i], one)}`]);

// Parallel coordinates: the keys that differ, then the metric.
function drawParallel() {
  const chart = byId("parallel-chart");
  const varied = data.columns.filter((one) => !one.metric && one.name !== "seed" && new Set(one.values).size > 1);
  const axes = [...varied.slice(0, 7), column(data.metric)];
  const height = 360, top = 50, bottom = height - 14;
  chart.style.minWidth = `${110 * axes.length}px`;
  const width = Math.max(110 * axes.length, chart.clientWidth);
  const { svg, tip, tell } = blank(chart, width, height, `${axes.length} axes, ${data.runs.length} runs`);
  const places = axes.map((_, i) => 70 + i * (width - 140) / Math.max(axes.length - 1, 1));
  const scales = axes.map((one) => scaleOf(one, bottom, top));
  const goal = axes[axes.length - 1].values;
  const order = data.runs.map((_, i) => i).filter((i) => goal[i] !== null).sort((a, b) => data.larger ? goal[a] - goal[b] : goal[b] - goal[a]);
  order.forEach((i, rank) => {
    const points = axes.map((one, axis) => [places[axis], scales[axis].at(one.values[i])]).filter(([, y]) => y !== null);
    const best = rank / Math.max(order.length - 1, 1);
    const opacity = Math.max(0.06, Math.min(0.9, 0.08 + 0.8 * best ** 4));
    const line = draw(svg, "path", { d: `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}`, fill: "none", style: `stroke:${colour(0)}`, "stroke-width": 1.3, opacity: opacity.toFixed(2) });
    line.addEventListener("pointerenter", (event) => {
      line.setAttribute("stroke-width", 4);
      line.setAttribute("opacity", 1);
      const place = svg.getBoundingClientRect();
      tell(event.clientX - place.left, event.clientY - place.top, [[data.runs[i]], ...told(i)]);
    });
    line.addEventListener("pointerleave", () => {
      line.setAttribute("stroke-width", 1.3);
      line.setAttribute("opacity", opacity.toFixed(2));
      tip.hidden = true;
    });
  });
  axes.forEach((one, axis) => {
    const x = places[axis];
    draw(svg, "line", { class: "axis", x1: x, x2: x, y1: top, y2: bottom, "stroke-width": 1.5 });
    const parts = title(one).split(one.metric ? / (?=[^ ]+$)/ : /(?<=\.)(?=[^.]+$)/);
    parts.forEach((part, i) => draw(svg, "text", { x, y: 16 + 14 * i, "text-anchor": "middle" }, cut(part, 17)));
    for (const [y, text] of scales[axis].marks) draw(svg, "text", { class: "tick", x: x - 5, y: y + 4, "text-anchor": "end" }, cut(text, 9));
  });
}

// The difference of two groups' confusion matrices.
function drawConfusion() {
  const chart = byId("confusion-chart");
  if (!chart) return;
  const [one, other] = [byId("confusion-one").value, byId("confusion-other").value].map((group) => data.confusions[group]);
  const count = data.classes.length, width = Math.min(Math.max(280, chart.clientWidth), 560), left = 74, top = 40;
  const cell = (width - left - 4) / count, height = top + cell * count + 8;
  const { svg, tip, tell } = blank(chart, width, height, "Difference of two confusion matrices");
  if (!one || !other) return;
  const differences = one.map((row, i) => row.map((value, j) => value - other[i][j]));
  const largest = Math.max(1e-9, ...differences.flat().map(Math.abs));
  draw(svg, "text", { x: left + cell * count / 2, y: 14, "text-anchor": "middle" }, "predicted class");
  draw(svg, "text", { x: 0, y: top - 8 }, "true class");
  data.classes.forEach((name, i) => {
    draw(svg, "text", { class: "tick", x: left + cell * (i + 0.5), y: top - 8, "text-anchor": "middle" }, cut(name, Math.max(2, Math.floor(cell / 8))));
    draw(svg, "text", { class: "tick", x: left - 6, y: top + cell * (i + 0.5) + 4, "text-anchor": "end" }, cut(name, 10));
    data.classes.forEach((predicted, j) => {
      const value = differences[i][j];
      // On the diagonal more is better, elsewhere worse.
      const good = (i === j) === (value > 0), x = left + cell * j, y = top + cell * i;
      const square = draw(svg, "rect", { x, y, width: cell - 1, height: cell - 1, style: `fill:var(--c${good ? "0072b2" : "d55e00"})`, "fill-opacity": (0.9 * Math.abs(value) / largest).toFixed(3), stroke: "var(--line)", "stroke-width": 0.5 });
      if (cell > 30 && Math.abs(value) >= 0.05) {
        draw(svg, "text", { x: x + cell / 2, y: y + cell / 2 + 4, "text-anchor": "middle", "pointer-events": "none", "font-size": 11 }, `${value > 0 ? "+" : "−"}${Math.abs(value).toFixed(1)}`);
      }
      square.addEventListener("pointerenter", () => tell(x, y + cell / 2, [[`true ${name}, predicted ${predicted}`], [`${one[i][j]} images, minus ${other[i][j]}`]]));
      square.addEventListener("pointerleave", () => { tip.hidden = true; });
    });
  });
}

function begin() {
  const metrics = Object.keys(data.curves);
  options(byId("curves-metric"), metrics.map((name) => [name, data.titles[name] ?? name]), metrics.includes(data.metric) ? data.metric : metrics[0]);
  const names = data.columns.filter((one) => one.values.some((value) => value !== null)).map((one) => [one.name, title(one)]);
  const number = data.columns.find((one) => one.number && !one.metric && one.name !== "seed" && new Set(one.values).size > 1);
  options(byId("scatter-x"), names, (number ?? data.columns[0]).name);
  options(byId("scatter-y"), names, data.metric);
  const known = data.groups.map((label, group) => [group, label]).filter(([group]) => data.confusions[group]);
  if (byId("confusion-one")) { // the page has it if at least two groups are known
    options(byId("confusion-one"), known, known[0][0]);
    options(byId("confusion-other"), known, known[1][0]);
  }
  const figures = { "curves-metric": drawCurves, "scatter-x": drawScatter, "scatter-y": drawScatter, "confusion-one": drawConfusion, "confusion-other": drawConfusion };
  for (const [id, again] of Object.entries(figures)) byId(id)?.addEventListener("change", again);
  const all = () => { drawCurves(); drawScatter(); drawParallel(); drawConfusion(); };
  drawLegend();
  all();
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; all(); } });
}
begin();
