"use strict";
// Learning curves as SVG, with the values of the evaluation that is pointed at.

const COLOURS = 8; // of lines
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
