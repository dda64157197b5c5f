"use strict";
// The interactive figure: accuracy against leakage against bytes. Data: the JSON element #points; see tradeoff.py.
(() => {
  const data = JSON.parse(document.getElementById("points").textContent);
  const [plot, told, legend, undrawn] = ["plot", "told", "legend", "undrawn"].map((id) => document.getElementById(id));
  const chosen = { x: "leakage", y: "test_accuracy", size: "bytes_up" };
  const hidden = new Set();
  // A colour for each method of a run, a shape for each run: the same method of two runs is told apart, and found again.
  const colour = (point) => `c${data.points.filter((other) => other.run === point.run).indexOf(point) % 8}`;
  const corners = [0, 4, 3, 6];
  const shape = (point, x, y, r) => {
    const count = corners[point.run % corners.length];
    if (!count) return `M${x - r},${y}a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0Z`;
    const places = Array.from({ length: count }, (_, corner) => (2 * Math.PI * corner) / count - Math.PI / 2);
    return `M${places.map((angle) => `${x + 1.2 * r * Math.cos(angle)},${y + 1.2 * r * Math.sin(angle)}`).join("L")}Z`;
  };
  let selected = null;

  const make = (name, attributes, parent, text) => {
    const svg = ["svg", "path", "line", "text", "title"].includes(name);
    const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    if (parent) parent.append(node);
    return node;
  };

  const format = (axis, value) => {
    if (value === null) return "not measured";
    if (data.axes[axis].share) return `${(100 * value).toFixed(1)} %`;
    if (value >= 1e6) return `${(value / 1e6).toFixed(2)}M`;
    return value >= 1e4 ? `${(value / 1e3).toFixed(1)}k` : value.toLocaleString("en");
  };

  const tell = (point) => {
    selected = point;
    const values = ["y", "x", "size"].map((where) => `${data.axes[chosen[where]].label}: ${format(chosen[where], point.values[chosen[where]])}`);
    told.textContent = [point.label, values.join("; "), point.note, point.settings.join(", ")].join("\n");
    for (const node of plot.querySelectorAll(".point")) node.classList.toggle("chosen", node.dataset.label === point.label);
  };

  // From the values of an axis to places between `low` and `high`, and a few ticks.
  const scale = (axis, points, low, high) => {
    const values = points.map((point) => point.values[axis]);
    let [least, most] = [Math.min(...values), Math.max(...values)];
    if (!(most > least)) [least, most] = data.axes[axis].share ? [least - 0.01, most + 0.01] : [0, Math.max(most * 1.1, 1)];
    const raw = (most - least) / 4, power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= raw);
    const [from, to] = [Math.floor(least / step) * step, Math.ceil(most / step) * step];
    const ticks = [];
    for (let tick = from; tick <= to + step / 2; tick += step) ticks.push(Number(tick.toPrecision(12)));
    return { ticks, place: (value) => low + ((high - low) * (value - from)) / (to - from) };
  };

  const draw = () => {
    const width = Math.max(plot.clientWidth, 280), height = Math.round(Math.min(420, Math.max(300, width * 0.5)));
    const shown = data.points.filter((point, index) => !hidden.has(index) && ["x", "y"].every((axis) => point.values[chosen[axis]] !== null));
    plot.replaceChildren();
    const missing = data.points.filter((point, index) => !hidden.has(index) && !shown.includes(point));
    undrawn.textContent = missing.length ? `Not drawn, since one of the figures was not measured: ${missing.map((point) => point.label).join("; ")}.` : "";
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": `${data.axes[chosen.y].label} against ${data.axes[chosen.x].label}` }, plot);
    if (!shown.length) {
      make("text", { x: width / 2, y: height / 2, "text-anchor": "middle" }, svg, "No method has both figures.");
      return;
    }
    const across = scale(chosen.x, shown, 72, width - 28), up = scale(chosen.y, shown, height - 52, 34);
    for (const tick of up.ticks) {
      make("line", { class: "grid", x1: 56, x2: width - 8, y1: up.place(tick), y2: up.place(tick) }, svg);
      make("text", { x: 50, y: up.place(tick) + 4, "text-anchor": "end" }, svg, format(chosen.y, tick));
    }
    for (const tick of across.ticks) {
      make("line", { class: "grid", x1: across.place(tick), x2: across.place(tick), y1: 26, y2: height - 40 }, svg);
      make("text", { x: across.place(tick), y: height - 24, "text-anchor": "middle" }, svg, format(chosen.x, tick));
    }
    make("text", { x: 8, y: 16 }, svg, data.axes[chosen.y].label);
    make("text", { x: width - 8, y: height - 6, "text-anchor": "end" }, svg, data.axes[chosen.x].label);
    const largest = Math.max(...data.points.map((point) => point.values[chosen.size] || 0), 1e-9);
    const radius = (point) => 6 + 14 * Math.sqrt((point.values[chosen.size] || 0) / largest);
    for (const point of [...shown].sort((a, b) => radius(b) - radius(a))) {
      const node = make("path", {
        class: `point ${colour(point)}`, d: shape(point, across.place(point.values[chosen.x]), up.place(point.values[chosen.y]), radius(point)),
        tabindex: 0, role: "button", "aria-label": `${point.label}: ${format(chosen.y, point.values[chosen.y])}, ${format(chosen.x, point.values[chosen.x])}`,
      }, svg);
      node.dataset.label = point.label;
      make("title", {}, node, `${point.label}\n${point.note}\n${point.settings.join(", ")}`);
      for (const event of ["pointerenter", "focus", "click"]) node.addEventListener(event, () => tell(point));
    }
    if (selected) tell(selected);
  };

  for (const where of ["x", "y", "size"]) {
    const select = document.getElementById(`axis-${where}`);
    for (const [name, axis] of Object.entries(data.axes)) make("option", { value: name }, select, axis.label);
    select.value = chosen[where];
    select.addEventListener("change", () => { chosen[where] = select.value; draw(); });
  }
  data.points.forEach((point, index) => {
    const button = make("button", { type: "button", "aria-pressed": "true" }, make("li", {}, legend));
    make("path", { class: colour(point), d: shape(point, 5, 5, 4) }, make("svg", { class: "swatch", viewBox: "0 0 10 10", "aria-hidden": "true" }, button));
    button.append(` ${point.label}`);
    button.addEventListener("click", () => {
      if (!hidden.delete(index)) hidden.add(index);
      button.setAttribute("aria-pressed", String(!hidden.has(index)));
      draw();
    });
  });
  let drawn = 0;
  new ResizeObserver(() => { if (plot.clientWidth !== drawn) { drawn = plot.clientWidth; draw(); } }).observe(plot);
  draw();
})();
