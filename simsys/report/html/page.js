"use strict";
(() => {
  const charts = JSON.parse(document.getElementById("drawn").textContent);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const hidden = new Set();
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const touched = matchMedia("(pointer: coarse)").matches;
  const buttons = [["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]];  // none that sends a chart elsewhere
  const config = { displaylogo: false, responsive: true, modeBarButtons: buttons };

  const pressed = (button) => button.getAttribute("aria-pressed") === "true";
  const press = (button, on) => button.setAttribute("aria-pressed", String(on));
  const plot = (number) => document.getElementById(`plot-${number}`);
  const shown = (strategy) => !hidden.has(String(strategy));

  // The ink and lines of the page; what a reader has zoomed to or switched stays.
  function look() {
    const css = getComputedStyle(document.documentElement);
    const [ink, quiet, line, paper] = ["--ink", "--quiet", "--line", "--paper"].map((n) => css.getPropertyValue(n).trim());
    const axis = { gridcolor: line, zerolinecolor: line, linecolor: line, tickcolor: line, tickfont: { color: quiet } };
    const rest = {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { family: css.fontFamily, size: 13, color: ink },
      margin: { l: 8, r: 34, t: 14, b: 8 }, hovermode: "closest", dragmode: touched ? false : "zoom",
      hoverlabel: { bgcolor: paper, bordercolor: quiet, font: { color: ink }, align: "left" },
      modebar: { color: quiet, activecolor: ink, bgcolor: "rgba(0,0,0,0)" },
    };
    return { ink, axis, rest };
  }

  // What plotly writes on a linear axis, for a logarithmic one: 10ms, 0.1%, 20k.
  function written(axis, value) {
    if ((axis.tickformat || "").includes("p")) return `${Number((100 * value).toPrecision(2))}%`;
    const power = Math.min(4, Math.max(-3, Math.floor(Math.log10(value) / 3 + 1e-9)));
    return Number((value / 1000 ** power).toPrecision(2)) + ["n", "µ", "m", "", "k", "M", "G", "T"][power + 3] + (axis.ticksuffix || "");
  }

  // Ticks of the decades in sight, and between them as many as there is room for; plotly's own run into each other.
  function ticks(axis, room) {
    const [from, to] = axis.range, decades = to - from;
    const digits = [[1, 2, 3, 5, 7], [1, 2, 5], [1]].find((some) => some.length * decades < room) || [1];
    const step = Math.max(1, Math.ceil(decades / room));
    const values = [];
    for (let decade = Math.floor(from / step) * step; decade <= to; decade += step) {
      for (const digit of digits) values.push(digit * 10 ** decade);
    }
    const seen = values.filter((value) => Math.log10(value) >= from && Math.log10(value) <= to);
    return seen.length < 2 ? { tickmode: "auto" } : { tickmode: "array", tickvals: seen, ticktext: seen.map((v) => written(axis, v)) };
  }

  // After every zoom, as plotly tells what is in sight only then.
  function label(div) {
    const changes = {};
    for (const [letter, pixels] of [["x", div.clientWidth / 75], ["y", div.clientHeight / 40]]) {
      const name = `${letter}axis`, axis = div.layout[name];
      const given = charts[div.dataset.chart].layout[name].tickvals;
      const told = axis.type === "log" && !given ? ticks(axis, pixels) : null;
      if (!told || JSON.stringify(told.tickvals) === JSON.stringify(axis.tickvals)) continue;
      for (const [key, value] of Object.entries(told)) changes[`${name}.${key}`] = value;
    }
    return Object.keys(changes).length ? Plotly.relayout(div, changes) : null;
  }

  async function draw(chart, number) {
    const { ink, axis, rest } = look();
    const data = JSON.parse(JSON.stringify(chart.data).replaceAll('"#000000', `"${ink}`));
    const types = Object.fromEntries(all(`.switch[data-chart="${number}"]`)
      .map((b) => [b.dataset.axis, pressed(b) ? "log" : "linear"]));
    const layout = { showlegend: false, ...rest, ...chart.layout };
    for (const letter of ["x", "y"]) {
      layout[`${letter}axis`] = { ...axis, ...chart.layout[`${letter}axis`] };
      if (types[letter]) layout[`${letter}axis`].type = types[letter];
      if (types[letter] === "linear") delete layout[`${letter}axis`].range;
    }
    for (const trace of data) {
      if (Array.isArray(trace.meta)) trace.x = trace.x.map((value, i) => shown(trace.meta[i]) ? value : null);
      else trace.visible = shown(trace.meta);
    }
    const zooms = Object.keys(types).length > 0;
    layout.margin = { ...layout.margin, t: zooms ? 38 : 8 };
    const div = await Plotly.react(plot(number), data, layout, { ...config, displayModeBar: zooms });
    await label(div);
    div.removeAllListeners("plotly_relayout");
    div.on("plotly_relayout", () => label(div));
  }

  // A chart is drawn when it comes into sight, and again then if anything has changed meanwhile.
  const due = new Set(), sight = new Set();
  const drawDue = (numbers) => numbers.forEach((number) => due.delete(number) && draw(charts[number], number));
  const watch = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) sight[isIntersecting ? "add" : "delete"](Number(target.dataset.chart));
    drawDue(sight);
  }, { rootMargin: "400px" });

  function redraw() {
    charts.forEach((_, number) => due.add(number));
    drawDue(sight);
  }

  function toggle(chip) {
    press(chip, !pressed(chip));
    if (pressed(chip)) hidden.delete(chip.dataset.strategy); else hidden.add(chip.dataset.strategy);
    for (const row of all("tr[data-strategy]")) row.hidden = hidden.has(row.dataset.strategy);
    redraw();
  }

  // Figures by their size, all else by the alphabet; what is not known comes last either way.
  function sort(head) {
    const column = head.cellIndex, body = head.closest("table").tBodies[0];
    const up = head.getAttribute("aria-sort") !== "ascending";
    const key = (row) => row.cells[column].dataset.key;
    const compare = (a, b) => isNaN(a) || isNaN(b) ? a.localeCompare(b, "en", { numeric: true }) : a - b;
    const known = [...body.rows].filter((row) => key(row) !== undefined);
    const unknown = [...body.rows].filter((row) => key(row) === undefined);
    known.sort((a, b) => (up ? 1 : -1) * compare(key(a), key(b)));
    body.append(...known, ...unknown);
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
  }

  for (const chip of all(".chip")) chip.addEventListener("click", () => toggle(chip));
  for (const button of all("th button")) button.addEventListener("click", () => sort(button.parentElement));
  for (const button of all(".switch")) {
    button.addEventListener("click", () => {
      press(button, !pressed(button));
      draw(charts[button.dataset.chart], Number(button.dataset.chart));
    });
  }
  for (const div of all(".plot")) {
    div.style.minHeight = `${charts[div.dataset.chart].layout.height}px`;
    watch.observe(div);
  }
  dark.addEventListener("change", redraw);
  addEventListener("beforeprint", () => drawDue(due));
  redraw();
})();
