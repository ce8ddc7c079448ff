"use strict";
const SVG = "http://www.w3.org/2000/svg";
const INK = "#1b1f24", GRID = "#d9dee3", PAPER_SOFT = "#57606a";
const VIRIDIS = [[68, 1, 84], [72, 40, 120], [62, 74, 137], [49, 104, 142], [38, 130, 142], [31, 158, 137],
  [53, 183, 121], [109, 205, 89], [180, 222, 44], [253, 231, 37]];
const MARKS = ["o", "s", "^", "D", "v", "P", "X"];
const QUANTITIES = { volume: "volume", a: "length a", b: "length b", c: "length c" };
const chosen = {};
let state = null, known = -1, lost = 0;

function make(tag, attributes = {}, ...children) {
  const svg = ["svg", "g", "path", "line", "text", "image", "rect", "circle", "title"].includes(tag);
  const made = svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function finite(values) { return values.filter((v) => v !== null && Number.isFinite(v)); }

function span(values, room = 0.04) {
  let low = Infinity, high = -Infinity;
  for (const v of values) if (v !== null && Number.isFinite(v)) { low = Math.min(low, v); high = Math.max(high, v); }
  if (low > high) return [0, 1];
  if (low === high) { const d = Math.abs(low) * 1e-3 || 0.5; return [low - d, high + d]; }
  return [low - room * (high - low), high + room * (high - low)];
}

function ticks([low, high], most) {
  const raw = (high - low) / most, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw);
  const found = [];
  for (let n = Math.ceil(low / step); n * step <= high + 1e-9 * step; n++) found.push(n * step);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return found.map((v) => [v, Math.abs(v) >= 1e5 ? v.toExponential(1) : v.toFixed(Math.min(digits, 8))]);
}

/* An empty chart with its axes; `down` turns the vertical axis round. */
function frame(place, { height, x, y, xLabel, yLabel, label, down = false, left = 64, rows = null }) {
  const width = Math.max(place.clientWidth || 560, 240), right = 14, top = 10, bottom = 42;
  const toX = (v) => left + (v - x[0]) / (x[1] - x[0]) * (width - left - right);
  const part = (v) => (v - y[0]) / (y[1] - y[0]) * (height - top - bottom);
  const toY = (v) => down ? top + part(v) : height - bottom - part(v);
  const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": label,
    "font-size": 12, "font-family": "system-ui, sans-serif", fill: INK });
  const text = (at, tx, ty, anchor = "middle") => make("text", { x: tx, y: ty, "text-anchor": anchor }, at);
  for (const [v, shown] of ticks(x, Math.max(3, width / 90))) {
    svg.append(make("line", { x1: toX(v), x2: toX(v), y1: top, y2: height - bottom, stroke: GRID }),
      text(shown, toX(v), height - bottom + 16));
  }
  for (const [v, shown] of rows || ticks(y, Math.max(3, height / 55))) {
    svg.append(make("line", { x1: left, x2: width - right, y1: toY(v), y2: toY(v), stroke: GRID }),
      text(shown, left - 6, toY(v) + 4, "end"));
  }
  svg.append(text(xLabel, (left + width - right) / 2, height - 8));
  if (yLabel) svg.append(make("text", { transform: `translate(14 ${(top + height - bottom) / 2}) rotate(-90)`,
    "text-anchor": "middle" }, yLabel));
  const border = make("rect", { x: left, y: top, width: width - left - right, height: height - top - bottom,
    fill: "none", stroke: INK });
  return { svg, toX, toY, border, finish() { svg.append(border); place.replaceChildren(svg); } };
}

function pathOf(xs, ys, { toX, toY }) {
  let d = "", pen = false;
  xs.forEach((x, i) => {
    if (x === null || ys[i] === null || ys[i] === undefined) { pen = false; return; }
    d += `${pen ? "L" : "M"}${toX(x).toFixed(1)} ${toY(ys[i]).toFixed(1)}`;
    pen = true;
  });
  return d;
}

function drawLine(chart, xs, ys, colour, width = 1.2, dash = "") {
  chart.svg.append(make("path", { d: pathOf(xs, ys, chart), fill: "none", stroke: colour, "stroke-width": width,
    ...(dash ? { "stroke-dasharray": dash } : {}) }));
}

function markOf(kind, x, y, r = 3) {
  const p = (...points) => `M${points.map(([a, b]) => `${(x + a * r).toFixed(1)} ${(y + b * r).toFixed(1)}`).join("L")}Z`;
  return { s: () => p([-1, -1], [1, -1], [1, 1], [-1, 1]), "^": () => p([0, -1.3], [1.2, 1], [-1.2, 1]),
    v: () => p([0, 1.3], [1.2, -1], [-1.2, -1]), D: () => p([0, -1.4], [1.2, 0], [0, 1.4], [-1.2, 0]),
    P: () => p([-.4, -1.2], [.4, -1.2], [.4, -.4], [1.2, -.4], [1.2, .4], [.4, .4], [.4, 1.2], [-.4, 1.2], [-.4, .4], [-1.2, .4], [-1.2, -.4], [-.4, -.4]),
    X: () => p([-1.2, -.7], [-.7, -1.2], [0, -.5], [.7, -1.2], [1.2, -.7], [.5, 0], [1.2, .7], [.7, 1.2], [0, .5], [-.7, 1.2], [-1.2, .7], [-.5, 0]),
    o: () => `M${(x - r).toFixed(1)} ${y.toFixed(1)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z` }[kind]();
}

function drawMarks(chart, xs, ys, errors, colour, kind) {
  let marks = "", bars = "";
  xs.forEach((x, i) => {
    if (x === null || ys[i] === null) return;
    marks += markOf(kind, chart.toX(x), chart.toY(ys[i]));
    if (errors && errors[i]) {
      const low = chart.toY(ys[i] - errors[i]), high = chart.toY(ys[i] + errors[i]);
      if (Math.abs(low - high) > 4) bars += `M${chart.toX(x).toFixed(1)} ${low.toFixed(1)}V${high.toFixed(1)}`;
    }
  });
  chart.svg.append(make("path", { d: bars, stroke: colour, fill: "none", "stroke-opacity": .6 }),
    make("path", { d: marks, fill: colour }));
}

function paren(value, error, unit = "") {
  if (value === null || value === undefined) return "";
  if (!error) return `${Number(value.toPrecision(6))}${unit}`;
  const digits = Math.max(0, -Math.floor(Math.log10(error)) + (error / 10 ** Math.floor(Math.log10(error)) < 2 ? 1 : 0));
  const shown = error >= 1 && digits === 0 ? error.toFixed(0) : Math.round(error * 10 ** digits);
  return `${value.toFixed(digits)}(${shown})${unit}`;
}

function celsius(t) { return t === null || t === undefined ? "" : `${t.toFixed(t < 100 ? 1 : 0)} °C`; }

function markName(n) { return MARKS[(n + Math.floor(n / MARKS.length)) % MARKS.length]; }

function alongAxis(history) {
  const known = finite(history.temperature).length;
  return known > history.temperature.length / 2 ? [history.temperature, "temperature / °C"]
    : [history.number, "frame"];
}

function drawCells(place, history, quantity) {
  const [along, xLabel] = alongAxis(history);
  const series = history.cells.map((cell, p) => {
    const first = cell[quantity].find((v) => v !== null);
    return { p, y: cell[quantity].map((v) => v === null || !first ? null : 100 * (v / first - 1)),
      e: cell[`${quantity}_stderr`].map((v) => v === null || !first ? null : 100 * v / first) };
  }).filter((one) => finite(one.y).length);
  const label = series.length
    ? `Change of the ${QUANTITIES[quantity]} in percent of each phase against ${xLabel}: ` + series.map((one) =>
      `${history.phases[one.p]} ${finite(one.y).at(-1).toFixed(3)} in its last frame`).join(", ")
    : "No cell yet";
  const chart = frame(place, { height: 300, x: span(along), y: span(series.flatMap((one) => one.y), .08),
    xLabel, yLabel: `change of ${QUANTITIES[quantity]} / %`, label });
  for (const one of series) drawMarks(chart, along, one.y, one.e, history.colours[one.p], markName(one.p));
  chart.finish();
}

function drawPattern(place, last, phases) {
  const shown = last.calculated ? last.observed.map((v, i) => v === null ? null : v - last.calculated[i]) : [];
  const all = [...last.observed, ...(last.calculated || [])];
  const [low, high] = span(all, 0), top = span(shown, 0), offset = shown.length ? low - 0.06 * (high - low) - top[1] : 0;
  const chart = frame(place, { height: 320, x: span(last.two_theta, 0), y: [shown.length ? offset + top[0] - .02 * (high - low) : low, high + .05 * (high - low)],
    xLabel: "2θ / degree", yLabel: "intensity / counts", left: 76,
    label: `Last pattern, ${last.name}` + (last.rwp ? `, with its fit, Rwp ${last.rwp.toFixed(2)} percent` : "") });
  drawLine(chart, last.two_theta, last.observed, PAPER_SOFT, 1);
  if (last.calculated) {
    drawLine(chart, last.two_theta, last.background, "#E69F00", 1, "4 3");
    drawLine(chart, last.two_theta, last.calculated, "#D55E00", 1.2);
    drawLine(chart, last.two_theta, shown.map((v) => v === null ? null : v + offset), "#0072B2", 1);
  }
  chart.finish();
}

function bytesOf(text) { return Uint8Array.from(atob(text), (c) => c.charCodeAt(0)); }

function drawMap(place, map) {
  const bytes = bytesOf(map.data), canvas = document.createElement("canvas");
  canvas.width = map.columns; canvas.height = map.rows;
  const context = canvas.getContext("2d"), image = context.createImageData(map.columns, map.rows);
  for (let i = 0; i < bytes.length; i++) {
    const at = bytes[i] / 255 * (VIRIDIS.length - 1), k = Math.min(Math.floor(at), VIRIDIS.length - 2), f = at - k;
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = VIRIDIS[k][c] * (1 - f) + VIRIDIS[k + 1][c] * f;
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  const y = [map.number[0] - .5, map.number.at(-1) + .5];
  const known = finite(map.temperature);
  const chart = frame(place, { height: 360, x: map.range, y, xLabel: "2θ / degree", yLabel: "frame", down: true,
    label: `Map of ${map.rows} patterns from ${map.range.map((v) => v.toFixed(1)).join(" to ")} degree, first frame on top`
      + (known.length ? `, temperatures from ${Math.min(...known).toFixed(0)} to ${Math.max(...known).toFixed(0)} °C` : "") });
  chart.svg.append(make("image", { href: canvas.toDataURL(), x: chart.toX(map.range[0]), y: chart.toY(y[0]),
    width: chart.toX(map.range[1]) - chart.toX(map.range[0]), height: chart.toY(y[1]) - chart.toY(y[0]),
    preserveAspectRatio: "none", style: "image-rendering: pixelated" }));
  chart.finish();
}

function drawPhases(place, map, phases, colours) {
  const x = [map.number[0] - .5, map.number.at(-1) + .5], count = phases.length;
  const chart = frame(place, { height: 62 + 26 * count, x, y: [-.5, count - .5], xLabel: "frame", down: true, yLabel: "", left: 110,
    rows: phases.map((name, p) => [p, name.length > 15 ? `${name.slice(0, 14)}…` : name]),
    label: "Phases along the series: " + phases.map((name, p) => {
      const there = map.number.filter((_, i) => map.amounts[p][i] > 0);
      return there.length ? `${name} from frame ${there[0]} to ${there.at(-1)}` : `${name} in none`;
    }).join(", ") });
  phases.forEach((_, p) => map.number.forEach((n, i) => {
    const amount = map.amounts[p][i], next = map.number[i + 1] ?? n + 1;
    if (amount > 0) chart.svg.append(make("rect", { x: chart.toX(n - .5), width: Math.max(chart.toX(next - .5) - chart.toX(n - .5), .5),
      y: chart.toY(p - .4), height: chart.toY(p + .4) - chart.toY(p - .4), fill: colours[p], "fill-opacity": .15 + .85 * amount }));
  }));
  chart.finish();
}

function drawSpectrum(place, spectrum) {
  const falling = spectrum.x.length > 1 && spectrum.x[0] > spectrum.x.at(-1);
  const [low, high] = span(spectrum.x, 0);
  const chart = frame(place, { height: 320, x: falling ? [-high, -low] : [low, high], y: span(spectrum.curves.flatMap((c) => c.y)),
    xLabel: spectrum.x_label, yLabel: spectrum.y_label,
    label: `${spectrum.y_label} against ${spectrum.x_label}: ${spectrum.curves.map((c) => c.name).join(", ")}` });
  if (falling) for (const text of chart.svg.querySelectorAll("text")) if (/^-?[\d.]+$/.test(text.textContent) && text.getAttribute("text-anchor") === "middle") {
    const value = -Number(text.textContent);
    text.textContent = String(value === 0 ? 0 : value);
  }
  spectrum.curves.forEach((curve, n) => drawLine(chart, falling ? spectrum.x.map((v) => -v) : spectrum.x, curve.y,
    [PAPER_SOFT, "#D55E00"][n % 2], 1.3));
  chart.finish();
}

function table(head, rows, caption) {
  const body = rows.map((cells) => make("tr", {}, ...cells.map((cell, n) => {
    const inside = cell instanceof Node ? cell : document.createTextNode(cell ?? "");
    return n ? make("td", { "data-label": head[n] }, inside) : make("th", { scope: "row" }, inside);
  })));
  return make("table", { class: "stack" }, make("caption", {}, caption),
    make("thead", {}, make("tr", {}, ...head.map((h) => make("th", { scope: "col" }, h)))), make("tbody", {}, ...body));
}

function badge(word) { return word ? make("span", { class: "badge" }, word) : ""; }

function keyOf(n, colour) {
  return make("svg", { class: "key", width: 14, height: 14, "aria-hidden": "true" },
    make("path", { d: markOf(markName(n), 7, 7, 4.5), fill: colour }));
}

function phaseTable(history) {
  const rows = history.so_far.map((one, p) => {
    const name = make("span", {}, keyOf(p, history.colours[p]), one.phase);
    if (!one.seen_in) return [name, badge(one.verdict), `none of ${history.frames}`, "", "", ""];
    const at = (end) => [`frame ${one[end].frame}`, celsius(one[end].temperature)].filter(Boolean).join(", ");
    const cell = ["a", "b", "c"].map((axis, k) => `${axis} ${paren(one.cell[k], one.cell_stderr[k])}`);
    const same = (k) => one.cell[k] === one.cell[0];
    const shown = cell.filter((_, k) => !k || !same(k)).join(", ");
    return [name, badge(one.verdict), `${one.seen_in} of ${history.frames}; ${at("first")} to ${at("last")}`, `${shown} Å`,
      one.seen_in > 1 ? paren(one.volume_change, one.volume_change_stderr, " %") : ""];
  });
  return table(["phase", "in the last frame", "seen in", "last cell", "volume since first seen"], rows,
    "So far. Errors in brackets are one standard error of the last digits. A phase is “detected” where the refinement holds it and its 95 % limits leave zero out.");
}

function ruleTable(all) {
  const rows = all.filter((r) => r.verdict);
  return table(["quantity", "of", "value", "verdict", "reason"], rows.map((r) => [r.quantity, [r.subject, r.condition].filter(Boolean).join(", "),
    `${paren(r.value, r.stderr)} ${r.value === null || r.unit === "1" ? "" : r.unit}`.trim(), badge(r.verdict), r.reason]),
    "Verdicts so far, by the steps of the run on what is there. Rows that judge nothing are left to the run.");
}

function facts(one) {
  const frames = one.kind === "frames", taken = frames ? one.history.frames : one.taken;
  const found = [[taken, frames ? "frames" : one.unit], [one.waiting, "being written or waiting"], [one.set_aside.count, "set aside"]];
  const list = found.map(([n, what]) => make("li", {}, make("b", {}, String(n)), ` ${what}`));
  const t = one.latency;
  if (t.frames) list.push(make("li", {}, "shown ", make("b", {}, `${t.last.toFixed(2)} s`),
    ` after it was there (median ${t.median.toFixed(2)}, 95 % below ${t.most.toFixed(2)}, largest ${t.largest.toFixed(2)} s, of ${t.frames})`));
  return make("ul", { class: "facts" }, ...list);
}

function figure(id, caption, ...more) {
  return make("figure", { id }, make("div", { class: "chart" }), make("figcaption", {}, ...caption), ...more);
}

function build(one) {
  const id = one.measurement, head = make("h2", {}, one.measurement, " ", make("small", {}, `${one.sample}, ${one.technique}, ${one.role}`));
  const figures = make("div", { class: "figures" });
  if (one.kind === "frames") {
    const select = make("select", { id: `${id}-quantity` }, ...Object.entries(QUANTITIES).map(([key, text]) => make("option", { value: key }, text)));
    select.addEventListener("input", () => { chosen[id] = select.value; update(one.measurement); });
    const cells = figure(`${id}-cells`, [make("b", {}, "Cells. "), "Change of each phase since it was first seen. ",
      make("label", { for: `${id}-quantity` }, "Shown: "), select, make("span", { class: "keys" })]);
    figures.append(cells,
      figure(`${id}-last`, [make("b", {}, "Last pattern. "), make("span", { class: "about" })]),
      figure(`${id}-map`, [make("b", {}, "All patterns, "), "first frame on top; shades follow the root of the intensity."]),
      figure(`${id}-phases`, [make("b", {}, "Phases "), "along the series; the darker, the nearer to the phase's highest intensity."]));
  } else {
    figures.append(figure(`${id}-spectrum`, [make("b", {}, "Spectrum. "), make("span", { class: "about" })]));
  }
  return make("section", { id, "aria-label": one.measurement }, head, make("div", { class: "said" }), figures, make("div", { class: "table" }), make("div", { class: "aside" }));
}

function setHidden(place, hidden) { if (place) place.hidden = hidden; }

function update(name) {
  const one = state.measurements.find((m) => m.measurement === name), section = document.getElementById(name);
  if (!one || !section) return;
  const said = [facts(one)];
  if (one.waits_for) said.push(make("p", { class: "banner" }, `waiting: ${one.waits_for}`));
  if (one.notes.length) said.push(make("ul", { class: "notes" }, ...one.notes.map((n) => make("li", {}, n))));
  section.querySelector(".said").replaceChildren(...said);
  const at = (part) => document.getElementById(`${name}-${part}`), chartOf = (part) => at(part).querySelector(".chart");
  if (one.kind === "frames") {
    const history = one.history, has = history.frames > 0, phases = has && history.phases.length > 0;
    setHidden(at("cells"), !phases); setHidden(at("phases"), !phases); setHidden(at("map"), !has);
    setHidden(at("last"), !one.last.two_theta);
    if (phases) {
      drawCells(chartOf("cells"), history, chosen[name] || "volume");
      at("cells").querySelector(".keys").replaceChildren(...history.phases.map((p, n) => make("span", {}, " ",
        keyOf(n, history.colours[n]), p)));
      drawPhases(chartOf("phases"), history.map, history.phases, history.colours);
      section.querySelector(".table").replaceChildren(phaseTable(history));
    }
    if (has) drawMap(chartOf("map"), history.map);
    if (one.last.two_theta) {
      drawPattern(chartOf("last"), one.last);
      const about = [one.last.name, celsius(one.last.temperature)].filter(Boolean).join(", ");
      at("last").querySelector(".about").textContent = about + (one.last.rwp
        ? `. Grey measured, red calculated, orange background, blue difference. Rwp ${one.last.rwp.toFixed(2)} %, goodness ${one.last.gof.toFixed(2)}${one.last.converged ? "" : ", not converged"}.` : ".");
    }
  } else {
    setHidden(at("spectrum"), !one.spectrum.x);
    if (one.spectrum.x) {
      drawSpectrum(chartOf("spectrum"), one.spectrum);
      at("spectrum").querySelector(".about").textContent = `Grey ${one.spectrum.curves.map((c) => c.name).join(", red ")}.`;
    }
    section.querySelector(".table").replaceChildren(...(one.rows.length ? [ruleTable(one.rows)] : []));
  }
  const aside = one.set_aside, box = section.querySelector(".aside"), open = box.querySelector("details")?.open;
  box.replaceChildren(...(aside.count ? [make("details", open ? { open: "" } : {}, make("summary", {}, `Set aside: ${aside.count}`),
    table(["file", "why", "what to do"], aside.last.map((f) => [f.where, f.problem, f.remedy]), aside.count > aside.last.length ? `The last ${aside.last.length}.` : "Newest first."))] : []));
}

function show() {
  const main = document.getElementById("measurements"), names = state.measurements.map((one) => one.measurement);
  for (const section of [...main.children]) if (!names.includes(section.id)) section.remove();
  for (const one of state.measurements) if (!document.getElementById(one.measurement)) main.append(build(one));
  document.getElementById("places").replaceChildren(...(names.length > 1 ? names.map((n) => make("a", { href: `#${n}` }, n)) : []));
  const faults = document.getElementById("faults");
  faults.hidden = !state.faults.length;
  faults.replaceChildren(...state.faults.map((f) => make("li", {}, `Not followed: ${f}`)));
  names.forEach(update);
}

function sayLink(text, live) {
  const link = document.getElementById("link"), mark = document.querySelector(".live");
  if (link.textContent !== text) link.textContent = text;
  mark.classList.toggle("off", !live);
  mark.textContent = live ? "live" : "ended";
}

async function ask() {
  try {
    const answer = await fetch(`state.json?known=${known}`, { cache: "no-store" });
    if (answer.status === 200) {
      const found = await answer.json();
      if (found.measurements) { state = found; known = state.version; show(); }
    }
    lost = 0;
    if (state) sayLink(state.ended ? "The watch has ended; this is its last state." : "Refreshes by itself.", !state.ended);
  } catch {
    lost += 1;
    if (lost > 1 && !(state && state.ended)) sayLink("The watch does not answer: it has ended or was stopped. This is what it showed last.", false);
  }
  setTimeout(ask, document.hidden ? 4000 : 1000);
}

addEventListener("resize", () => { if (state) show(); });
ask();
