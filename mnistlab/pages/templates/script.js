"use strict";
// A click on a column's head sorts its table: numbers by value, the unmeasured always last.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const ascending = head.getAttribute("aria-sort") !== "ascending";
    const value = (row) => row.cells[column].dataset.value;
    const order = (one, other) => {
      const a = value(one), b = value(other);
      if (a === "" || b === "") return (a === "") - (b === "");
      const difference = Number(a) - Number(b);
      const compared = Number.isNaN(difference) ? a.localeCompare(b) : difference;
      return ascending ? compared : -compared;
    };
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    body.append(...[...body.rows].sort(order));
  }));
}
// A table that is wider than the page says so; figures have this in their captions.
const watched = new ResizeObserver((entries) => entries.forEach(({ target }) => {
  const box = target.closest(".wide"), isCut = box.scrollWidth > box.clientWidth;
  box.previousElementSibling.hidden = !isCut;
  if (isCut) box.tabIndex = 0; else box.removeAttribute("tabindex");
}));
for (const box of document.querySelectorAll(".wide")) {
  const hint = document.createElement("p");
  hint.className = "more";
  hint.textContent = "Scroll to the right to see all columns.";
  hint.hidden = true;
  box.before(hint);
  watched.observe(box);
  watched.observe(box.firstElementChild);
}
// Where a figure is pointed at, it tells the values there.
const said = document.body.appendChild(document.createElement("div"));
said.className = "said";
said.hidden = true;
for (const areas of document.querySelectorAll(".areas")) {
  areas.addEventListener("pointermove", (event) => {
    const { lines } = event.target.dataset;
    said.hidden = !lines;
    said.textContent = lines ?? "";
    const beyond = event.clientX + 16 + said.offsetWidth - document.documentElement.clientWidth;
    said.style.left = `${event.clientX + scrollX + 16 - Math.max(0, beyond)}px`;
    said.style.top = `${event.clientY + scrollY + 18}px`;
  });
  areas.addEventListener("pointerleave", () => { said.hidden = true; });
}
// On paper everything is open.
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
