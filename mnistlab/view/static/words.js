"use strict";
// Elements, questions to the view, and values in words. Everything that comes from a run's folder
// is put on the page as text, never as markup.

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
