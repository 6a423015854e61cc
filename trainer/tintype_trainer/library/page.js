"use strict";
const filter = document.getElementById("filter");
const shown = document.getElementById("shown");
const models = Array.from(document.querySelectorAll(".model"));

function apply() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const model of models) {
    const heading = model.querySelector("header").textContent.toLowerCase();
    let visible = 0;
    for (const row of model.querySelectorAll("tbody tr")) {
      const text = heading + " " + row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      visible += row.hidden ? 0 : 1;
    }
    model.hidden = visible === 0;
    count += visible;
  }
  shown.textContent = words.length ? count + (count === 1 ? " version is shown" : " versions are shown") : "";
}

function sort(header) {
  const table = header.closest("table");
  const place = Array.from(header.parentNode.children).indexOf(header);
  const falling = header.getAttribute("aria-sort") === "ascending";
  for (const other of header.parentNode.children) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", falling ? "descending" : "ascending");
  const key = (row) => row.children[place].getAttribute("data-sort") || "";
  const compare = (one, other) => {
    const a = key(one), b = key(other);
    if (a === "" || b === "") return (a === "") - (b === "");
    const order = header.hasAttribute("data-number") ? Number(a) - Number(b) : a.localeCompare(b, undefined, {numeric: true});
    return falling ? -order : order;
  };
  const body = table.tBodies[0];
  for (const row of Array.from(body.rows).sort(compare)) body.append(row);
}

for (const header of document.querySelectorAll("thead th")) {
  if (!header.hasAttribute("data-sorts")) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.append(...header.childNodes);
  header.append(button);
  button.addEventListener("click", () => sort(header));
}
filter.closest(".filter").hidden = false;
filter.addEventListener("input", apply);
apply();
