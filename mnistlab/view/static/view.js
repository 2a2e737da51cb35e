"use strict";
// The page of `mnistlab view`: what is shown, and the question once a second what has changed.

const EVERY = 1000; // milliseconds between two questions
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
