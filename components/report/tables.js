"use strict";
// Tables: each can be had as CSV, and one that is wider than its place is shown row by row, each cell with its heading.
(() => {
  const text = (cell) => cell.textContent.replace(/\s+/g, " ").trim();
  const quoted = (value) => (/[",]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  const csv = (table) => [...table.rows].map((row) => [...row.cells].map((cell) => quoted(text(cell))).join(",")).join("\r\n");

  // Shown as blocks, a table keeps its meaning for screen readers by its roles.
  const describe = (table) => {
    const heads = [...table.tHead.rows[0].cells].map(text);
    table.setAttribute("role", "table");
    for (const part of [table.tHead, ...table.tBodies]) part.setAttribute("role", "rowgroup");
    for (const row of table.rows) {
      row.setAttribute("role", "row");
      [...row.cells].forEach((cell, column) => {
        const head = cell.tagName === "TH";
        cell.setAttribute("role", head ? (cell.scope === "row" ? "rowheader" : "columnheader") : "cell");
        if (!head) cell.dataset.label = heads[column];
      });
    }
  };

  const offer = (table, number) => {
    const name = table.parentElement.getAttribute("aria-label"), link = document.createElement("a");
    link.className = "csv";
    link.textContent = "CSV";
    link.setAttribute("aria-label", `CSV: ${name}`);
    link.download = `${name.toLowerCase().replaceAll(" ", "-")}-${number + 1}.csv`;
    link.href = `data:text/csv;charset=utf-8,${encodeURIComponent(csv(table))}`;
    table.parentElement.after(link);
  };

  const fit = (table) => {
    const place = table.parentElement;
    let width = 0;
    new ResizeObserver(() => {
      if (place.clientWidth === width) return;
      width = place.clientWidth;
      table.classList.remove("stacked");
      table.classList.toggle("stacked", place.scrollWidth > width);
    }).observe(place);
  };

  document.querySelectorAll(".scroll > table").forEach((table, number) => {
    describe(table);
    if (!table.classList.contains("strip")) offer(table, number);
    fit(table);
  });
})();
