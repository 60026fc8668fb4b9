"use strict";
(() => {
  const table = document.getElementById("class"), form = document.querySelector("form.controls");
  const body = table.tBodies[0], rows = Array.from(body.rows), output = form.querySelector("output");
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const has = (row, key, value) => !value || row.dataset[key].split(" ").includes(value);

  function filter() {
    const words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const fits = has(row, "status", form.elements.status.value) && has(row, "open", form.elements.task.value)
        && (!form.elements.section.value || row.dataset.section === form.elements.section.value)
        && words.every((word) => texts.get(row).includes(word));
      row.hidden = !fits;
      shown += fits;
    }
    output.textContent = shown + " / " + rows.length;
  }

  const heads = Array.from(table.tHead.rows[0].cells);

  function key(row, column) {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
  }

  function sort(head, column) {
    const up = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    const keys = new Map(rows.map((row) => [row, key(row, column)]));
    const words = new Intl.Collator(document.documentElement.lang, { numeric: true });
    rows.sort((a, b) => {
      const x = keys.get(a), y = keys.get(b);
      return up * (typeof x === "number" ? x - y : words.compare(x, y));
    });
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up === 1 ? "ascending" : "descending");
    body.append(...rows);
  }

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(head, column));
    head.append(button);
  });
  form.addEventListener("input", (event) => {
    const { name, value } = event.target;
    if (name === "order" && value) sort(heads[Number(value)], Number(value));
    filter();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  filter();
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((each) => { each.open = true; }));
})();
