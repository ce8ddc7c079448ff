(function () {
  "use strict";
  const INK = "#1b1f24", GRID = "#d9dee3";
  const COLOURS = ["#57606a", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"];
  function decode(text) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    return Array.from(new Float32Array(bytes.buffer));
  }
  const show = (digits) => (value) => value === null || value === undefined ? "" : String(Number(value.toPrecision(digits)));
  const plain = (label) => label.replace(/\$|\\mathrm|[{}]/g, "").replace(/\\theta/g, "θ").replace(/\\mu/g, "µ").replace(/\\chi/g, "χ");
  function makeBar(buttons) {
    const bar = document.createElement("p");
    for (const [name, act] of buttons) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name;
      button.addEventListener("click", act);
      bar.append(button, " ");
    }
    return bar;
  }
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
    const [xLabel, yLabel] = panel.labels.map(plain);
    const whole = [Math.min(...xs.map((x) => x[0])), Math.max(...xs.map((x) => x[x.length - 1]))];
    const chart = new uPlot({ width: Math.max(holder.clientWidth, 240), height: 300, scales: { x: { time: false, dir: panel.falls ? -1 : 1 } },
      cursor: { drag: { x: true, y: true, uni: 30 } }, series: [{ label: xLabel || "x", value: (_, v) => show(7)(v) }, ...series],
      axes: [{ ...axis, label: xLabel }, { ...axis, label: yLabel, size: 70 }] }, data, holder);
    const step = (share, shift) => {
      const { min, max } = chart.scales.x, half = (max - min) / 2 * share, middle = (min + max) / 2 + shift * (max - min);
      chart.setScale("x", { min: Math.max(middle - half, whole[0]), max: Math.min(middle + half, whole[1]) });
    };
    const turn = panel.falls ? -1 : 1;
    holder.prepend(makeBar([["Nearer", () => step(0.5, 0)], ["Farther", () => step(2, 0)], ["Left", () => step(1, -0.3 * turn)],
      ["Right", () => step(1, 0.3 * turn)], ["All", () => chart.setData(data)]]));
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
  // Viridis at even steps, from low to high.
  const PALETTE = [[68, 1, 84], [72, 40, 120], [62, 74, 137], [49, 104, 142], [38, 130, 142], [31, 158, 137], [53, 183, 121], [109, 205, 89], [180, 222, 44], [253, 231, 37]];
  function colour(share) {
    const at = Math.min(Math.max(share, 0), 1) * (PALETTE.length - 1), n = Math.min(Math.floor(at), PALETTE.length - 2);
    return PALETTE[n].map((low, k) => Math.round(low + (PALETTE[n + 1][k] - low) * (at - n)));
  }
  function drawMap(panel, holder) {
    const { range, shown } = panel.map, x = decode(panel.map.x), y = decode(panel.map.y);
    const bytes = Uint8Array.from(atob(panel.map.values), (c) => c.charCodeAt(0)), codes = new Uint16Array(bytes.buffer);
    const value = (row, column) => { const code = codes[row * x.length + column]; return code ? range[0] + (code - 1) / 65534 * (range[1] - range[0]) : null; };
    const [xLabel, yLabel] = panel.labels.map(plain);
    // Of counts the square root, as in the figures; what has both signs is linear.
    const signed = shown[0] < 0 && -shown[0] > 0.2 * shown[1];
    const share = (found) => { const part = Math.max((found - shown[0]) / (shown[1] - shown[0] || 1), 0); return signed ? part : Math.sqrt(part); };
    // Painted once, cell by cell; a look closer is a part of it, enlarged.
    const whole = document.createElement("canvas");
    whole.width = x.length;
    whole.height = y.length;
    const image = new ImageData(x.length, y.length);
    for (let row = 0; row < y.length; row += 1) for (let column = 0; column < x.length; column += 1) {
      const found = value(row, column), rgb = found === null ? [221, 221, 221] : colour(share(found));
      image.data.set([...rgb, 255], 4 * ((y.length - 1 - row) * x.length + column));
    }
    whole.getContext("2d").putImageData(image, 0, 0);
    const canvas = document.createElement("canvas"), said = document.createElement("p"), LEFT = 70, BELOW = 44, HEIGHT = 320;
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-label", `map of ${yLabel || "y"} over ${xLabel || "x"}: arrow keys read it off`);
    said.className = "read";
    said.setAttribute("role", "status");
    let view = { left: 0, right: x.length, low: 0, high: y.length }, at = null, from = null;
    const context = canvas.getContext("2d");
    const wide = () => canvas.width - LEFT - 8, tall = () => HEIGHT - BELOW - 8;
    function paint(to) {
      canvas.width = Math.max(holder.clientWidth - 14, 240);
      canvas.height = HEIGHT;
      context.imageSmoothingEnabled = false;
      context.drawImage(whole, view.left, y.length - view.high, view.right - view.left, view.high - view.low, LEFT, 8, wide(), tall());
      context.strokeStyle = context.fillStyle = INK;
      context.strokeRect(LEFT, 8, wide(), tall());
      context.font = "12px sans-serif";
      context.textAlign = "center";
      for (let n = 0; n < 5; n += 1) {
        const column = Math.min(Math.floor(view.left + (n + 0.5) / 5 * (view.right - view.left)), x.length - 1);
        context.fillText(show(4)(x[column]), LEFT + (column + 0.5 - view.left) / (view.right - view.left) * wide(), HEIGHT - BELOW + 14);
      }
      context.fillText(xLabel || "", LEFT + wide() / 2, HEIGHT - 8);
      context.textAlign = "right";
      for (let n = 0; n < 5; n += 1) {
        const row = Math.min(Math.floor(view.low + (n + 0.5) / 5 * (view.high - view.low)), y.length - 1);
        context.fillText(show(3)(y[row]), LEFT - 6, 8 + (view.high - row - 0.5) / (view.high - view.low) * tall() + 4);
      }
      context.save();
      context.translate(14, 8 + tall() / 2);
      context.rotate(-Math.PI / 2);
      context.textAlign = "center";
      context.fillText(yLabel || "", 0, 0);
      context.restore();
      if (from && to) { context.strokeStyle = "#ffffff"; context.strokeRect(Math.min(from.px, to.px), Math.min(from.py, to.py), Math.abs(to.px - from.px), Math.abs(to.py - from.py)); }
      else if (at) {
        const px = LEFT + (at.column + 0.5 - view.left) / (view.right - view.left) * wide(), py = 8 + (view.high - at.row - 0.5) / (view.high - view.low) * tall();
        context.strokeStyle = "#ffffff";
        context.strokeRect(px - 5, py - 5, 10, 10);
      }
    }
    function find(event) {
      const box = canvas.getBoundingClientRect(), scale = canvas.width / box.width;
      const px = Math.min(Math.max((event.clientX - box.left) * scale, LEFT), LEFT + wide() - 0.01), py = Math.min(Math.max((event.clientY - box.top) * scale, 8), 8 + tall() - 0.01);
      return { px, py, column: Math.floor(view.left + (px - LEFT) / wide() * (view.right - view.left)), row: Math.ceil(view.high - (py - 8) / tall() * (view.high - view.low)) - 1 };
    }
    function read(place) {
      at = { column: Math.min(Math.max(place.column, view.left), view.right - 1), row: Math.min(Math.max(place.row, view.low), view.high - 1) };
      const found = value(at.row, at.column);
      said.textContent = `${xLabel || "x"} ${show(6)(x[at.column])}, ${yLabel || "y"} ${show(5)(y[at.row])}: ${found === null ? "no value" : show(4)(found)}`;
    }
    canvas.addEventListener("mousemove", (event) => { const to = find(event); read(to); paint(to); });
    canvas.addEventListener("mousedown", (event) => { from = find(event); });
    addEventListener("mouseup", (event) => {
      if (!from) return;
      const to = find(event), [left, right] = [from.column, to.column].sort((a, b) => a - b), [low, high] = [from.row, to.row].sort((a, b) => a - b);
      from = null;
      if (right - left > 2 && high - low > 1) view = { left, right: right + 1, low, high: high + 1 };
      paint();
    });
    const all = () => { view = { left: 0, right: x.length, low: 0, high: y.length }; paint(); };
    const nearer = () => {
      const middle = at || { column: (view.left + view.right) / 2, row: (view.low + view.high) / 2 };
      const cut = (low, high, centre) => { const size = Math.max(Math.round((high - low) / 2), 4), begin = Math.round(Math.min(Math.max(centre - size / 2, low), Math.max(high - size, low))); return [begin, Math.min(begin + size, high)]; };
      const [left, right] = cut(view.left, view.right, middle.column), [low, high] = cut(view.low, view.high, middle.row);
      view = { left, right, low, high };
      paint();
    };
    canvas.addEventListener("dblclick", all);
    canvas.addEventListener("keydown", (event) => {
      const far = event.shiftKey ? 10 : 1, now = at || { column: Math.floor((view.left + view.right) / 2), row: Math.floor((view.low + view.high) / 2) };
      const [across, up] = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, far], ArrowDown: [0, -far] }[event.key] || [];
      if (across === undefined) return;
      event.preventDefault();
      read({ column: now.column + across, row: now.row + up });
      paint();
    });
    holder.append(makeBar([["Nearer", nearer], ["All", all]]), canvas, said);
    addEventListener("resize", () => { if (holder.clientWidth) paint(); });
    paint();
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
        (panel.map ? drawMap : draw)(panel, holder);
      }
    });
  }
})();
