(function () {
  "use strict";
  const INK = "#1b1f24", GRID = "#d9dee3";
  const COLOURS = ["#57606a", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"];
  function decode(text) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    return Array.from(new Float32Array(bytes.buffer));
  }
  const show = (digits) => (value) => value === null || value === undefined ? "" : String(Number(value.toPrecision(digits)));
  function draw(panel, holder) {
    const xs = panel.x.map(decode), tables = xs.map((x) => [x]), order = [];
    xs.forEach((_, n) => panel.curves.filter((c) => c.x === n).forEach((c) => { tables[n].push(decode(c.y)); order.push(c); }));
    const data = tables.length > 1 ? uPlot.join(tables) : tables[0];
    // A point is drawn where a series has one; between series of other axes nothing is joined.
    const series = order.map((c) => {
      const colour = COLOURS[panel.curves.indexOf(c) % COLOURS.length];
      const points = c.kind === "points";
      return { label: c.name, stroke: colour, value: (_, v) => show(6)(v), width: points ? 0 : 1.3, spanGaps: !points,
        points: { show: points, size: 4, fill: colour }, ...(points ? { paths: () => null } : {}) };
    });
    const axis = { stroke: INK, values: (_, ticks) => ticks.map(show(9)), grid: { stroke: GRID, width: 1 }, ticks: { stroke: INK, width: 1, size: 4 } };
    const [xLabel, yLabel] = panel.labels.map((label) => label.replace(/\$|\\mathrm|[{}]/g, "").replace(/\\theta/g, "θ").replace(/\\mu/g, "µ").replace(/\\chi/g, "χ"));
    const whole = [Math.min(...xs.map((x) => x[0])), Math.max(...xs.map((x) => x[x.length - 1]))];
    const chart = new uPlot({ width: Math.max(holder.clientWidth, 240), height: 300, scales: { x: { time: false, dir: panel.falls ? -1 : 1 } },
      cursor: { drag: { x: true, y: true, uni: 30 } }, series: [{ label: xLabel || "x", value: (_, v) => show(7)(v) }, ...series],
      axes: [{ ...axis, label: xLabel }, { ...axis, label: yLabel, size: 70 }] }, data, holder);
    const step = (share, shift) => {
      const { min, max } = chart.scales.x, half = (max - min) / 2 * share, middle = (min + max) / 2 + shift * (max - min);
      chart.setScale("x", { min: Math.max(middle - half, whole[0]), max: Math.min(middle + half, whole[1]) });
    };
    const turn = panel.falls ? -1 : 1;
    const buttons = [["Nearer", () => step(0.5, 0)], ["Farther", () => step(2, 0)], ["Left", () => step(1, -0.3 * turn)],
      ["Right", () => step(1, 0.3 * turn)], ["All", () => chart.setData(data)]];
    const bar = document.createElement("p");
    for (const [name, act] of buttons) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name;
      button.addEventListener("click", act);
      bar.append(button, " ");
    }
    holder.prepend(bar);
    // By keyboard: arrows go from point to point (with Shift by ten), Home and End to the ends of what is shown.
    const said = document.createElement("p");
    said.className = "read";
    said.setAttribute("role", "status");
    holder.append(said);
    chart.over.tabIndex = 0;
    chart.over.setAttribute("role", "application");
    chart.over.setAttribute("aria-label", "curves of " + (yLabel || "y") + " over " + (xLabel || "x") + ": arrow keys read them off");
    let place = null;
    const read = (wanted) => {
      const x = data[0], { min, max } = chart.scales.x;
      const first = x.findIndex((v) => v >= min), beyond = x.findIndex((v) => v > max);
      place = Math.min(Math.max(wanted, first), (beyond < 0 ? x.length : beyond) - 1);
      chart.setCursor({ left: chart.valToPos(x[place], "x"), top: chart.over.clientHeight / 2 });
      const values = series.map((one, n) => [one.label, data[n + 1][place]]).filter(([, v]) => v !== null && v !== undefined);
      said.textContent = [`${xLabel || "x"} ${show(7)(x[place])}`, ...values.map(([name, v]) => `${name} ${show(6)(v)}`)].join(", ");
    };
    chart.over.addEventListener("keydown", (event) => {
      const far = event.shiftKey ? 10 : 1, from = place === null ? Math.floor(data[0].length / 2) : place;
      const to = { ArrowLeft: from - far * turn, ArrowRight: from + far * turn, Home: turn > 0 ? 0 : Infinity, End: turn > 0 ? Infinity : 0 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      read(to);
    });
    addEventListener("resize", () => { if (holder.clientWidth) chart.setSize({ width: holder.clientWidth, height: 300 }); });
  }
  for (const details of document.querySelectorAll("details.closer")) {
    details.hidden = false;
    details.addEventListener("toggle", () => {
      if (!details.open || details.dataset.drawn) return;
      details.dataset.drawn = "yes";
      for (const panel of JSON.parse(document.getElementById(details.dataset.curves).textContent)) {
        const holder = document.createElement("div");
        holder.className = "plot";
        holder.setAttribute("role", "group");
        holder.setAttribute("aria-label", "panel " + panel.panel);
        details.append(holder);
        draw(panel, holder);
      }
    });
  }
})();
