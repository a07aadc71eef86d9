// Heads of the table sort it, the field above filters it. Without this the table reads as well.
const table = document.getElementById("claims"), body = table.tBodies[0];
const filter = document.getElementById("filter"), shown = document.getElementById("shown");
const show = () => {
  const word = filter.value.trim().toLowerCase();
  let count = 0;
  for (const row of body.rows) {
    row.hidden = !row.textContent.toLowerCase().includes(word);
    count += !row.hidden;
  }
  shown.textContent = word ? `${count} of ${body.rows.length}` : "";
};
filter.addEventListener("input", show);
[...table.tHead.rows[0].cells].forEach((head, column) => {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = head.textContent;
  head.replaceChildren(button);
  button.addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const value = row => row.cells[Math.min(column, row.cells.length - 1)].textContent.trim();
    const rows = [...body.rows].sort((a, b) => value(a).localeCompare(value(b), "en", { numeric: true }));
    body.append(...(up ? rows : rows.reverse()));
  });
});
const open = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let place = target; place; place = place.parentElement) if (place.tagName === "DETAILS") place.open = true;
  if (target) target.scrollIntoView();
};
addEventListener("hashchange", open);
open();
