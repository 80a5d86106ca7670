"use strict";
(() => {
const D = JSON.parse(document.getElementById("data").textContent), W = D.words;
const $ = id => document.getElementById(id);
const make = (name, text, more) => { const e = document.createElement(name); if (text !== undefined) e.textContent = text; for (const k in more || {}) e.setAttribute(k, more[k]); return e; };
const svg = (name, more, text) => { const e = document.createElementNS("http://www.w3.org/2000/svg", name); for (const k in more) e.setAttribute(k, more[k]); if (text !== undefined) e.textContent = text; return e; };
// Counts of 1 to 9 are not in this page: -1 stands for them, -3 for a larger one that would tell such a count by subtraction.
const count = n => n === -3 ? "…" : n < 0 ? "<10" : n.toLocaleString("en-US");
const drawn = n => n < 0 ? 10 : n;
const percent = x => (100 * x).toFixed(x > 0 && x < 0.1 || x > 0.9 && x < 1 ? 2 : 1) + " %";
const loss = i => Number(D.loss[i]).toPrecision(4);
const smallest = (n, k) => n === -1 ? "<" + k : n === -2 ? "≥" + k : count(n);
const total = D.loss.length;
const size = D.grid.reduce((n, g) => n * g.length, 1);
const extra = new Map(D.extra.map((levels, i) => [levels.join(), size + i]));
const find = levels => {
  let at = 0;
  for (let c = 0; c < levels.length; c++) {
    const p = D.grid[c].indexOf(levels[c]);
    if (p < 0) { const more = extra.get(levels.join()); return more === undefined ? -1 : more; }
    at = at * D.grid[c].length + p;
  }
  return at;
};
const levelsOf = i => {
  if (i >= size) return D.extra[i - size].slice();
  const levels = [];
  for (let c = D.grid.length - 1; c >= 0; c--) { const g = D.grid[c]; levels[c] = g[i % g.length]; i = Math.floor(i / g.length); }
  return levels;
};
const ok = i => D.ok[i] === "1";
const named = levels => levels.map((l, c) => D.columns[c].name + ": " + D.columns[c].levels[l].label).join(W.comma);
const start = levelsOf(D.start);
let now = start.slice(), view = -1;
const inputs = [], outputs = [];

D.columns.forEach((column, c) => {
  const box = make("div", undefined, { class: "knob" });
  box.append(make("label", column.name, { for: "s" + c }));
  const out = make("output", "", { for: "s" + c, id: "o" + c });
  const input = make("input", undefined, { type: "range", id: "s" + c, min: 0, max: column.levels.length - 1, step: 1 });
  input.addEventListener("input", () => { now[c] = Number(input.value); show(); });
  const ends = make("div", undefined, { class: "ends", "aria-hidden": "true" });
  ends.append(make("span", W.finer), make("span", W.coarser));
  box.append(out, input, ends);
  $("knobs").append(box);
  inputs.push(input); outputs.push(out);
});
$("of").append(make("option", W.all, { value: -1 }));
D.views.forEach((v, i) => $("of").append(make("option", v.name, { value: i })));
$("of").hidden = D.views.length < 2;
if (D.views.length < 2) { view = 0; $("of").closest("p").hidden = true; }
$("of").addEventListener("change", () => { view = Number($("of").value); draw(); });
$("back").addEventListener("click", () => { now = start.slice(); show(); });
const go = levels => { now = levels; show(); };

// Rows kept of the view that is looked at, or of all together.
const shareOf = (i, v) => {
  let rows = 0, gone = 0;
  D.views.forEach((of, w) => { if (v < 0 || v === w) { rows += of.rows; gone += drawn(of.gone[i]); } });
  return rows > 0 ? 1 - gone / rows : 1;
};
const cell = (row, head, text, kind) => { const td = make("td", text, { "data-l": head }); if (kind) td.className = kind; row.append(td); return td; };
const headed = (table, heads) => {
  const row = make("tr");
  heads.forEach(([text, n]) => row.append(make("th", text, n ? { scope: "col", class: "n" } : { scope: "col" })));
  const head = make("thead"); head.append(row);
  const body = make("tbody");
  table.replaceChildren(head, body);
  return body;
};

function figures(at) {
  const heads = [[W.view], [W.kAsked, 1], [W.kBefore, 1], [W.kept, 1], [W.rowsGone, 1], [W.touched, 1], [W.persons, 1], [W.verdict]];
  const body = headed($("figures"), heads);
  if (at < 0) return;
  D.views.forEach((v, w) => {
    const gone = v.gone[at], fine = v.ok[at] === "1";
    const row = make("tr", undefined, { "data-view": v.name });
    if (!fine) row.className = "over";
    row.append(make("th", v.name, { scope: "row" }));
    cell(row, W.kAsked, count(v.k), "n");
    cell(row, W.kBefore, smallest(v.before[at], v.k), "n");
    cell(row, W.kept, (gone < 0 ? "≥ " : "") + percent(shareOf(at, w)), "n");
    cell(row, W.rowsGone, count(gone) + " / " + count(v.rows) + (v.other[at] ? " (" + W.other + " " + count(v.other[at]) + ")" : ""), "n");
    cell(row, W.touched, count(v.touched[at]) + " / " + count(v.persons), "n");
    cell(row, W.persons, count(v.lost[at]) + " (" + (v.lost[at] < 0 ? "≤ " : "") + percent(drawn(v.lost[at]) / Math.max(1, v.persons)) + ")", "n");
    const verdict = cell(row, W.verdict, undefined);
    verdict.append(make("span", fine ? "✓ " + W.ok : "✗ " + W.tooMuch + " (" + W.limit + " " + count(v.limit) + ")", { class: fine ? "yes" : "bad" }));
    body.append(row);
  });
}

function steps(at) {
  const heads = [[W.column], [W.change], [W.loss, 1]].concat(D.views.map(v => [W.gone + v.name, 1])).concat(D.views.map(v => [W.personsOf + v.name, 1]), [[W.verdict], [""]]);
  const body = headed($("steps"), heads);
  D.columns.forEach((column, c) => {
    for (const by of [-1, 1]) {
      const levels = now.slice();
      levels[c] += by;
      if (levels[c] < 0 || levels[c] >= column.levels.length) continue;
      const i = find(levels), row = make("tr");
      row.append(make("th", column.name, { scope: "row" }));
      cell(row, W.change, (by < 0 ? "← " : "→ ") + column.levels[levels[c]].label);
      if (i < 0) { cell(row, W.verdict, W.unknown); body.append(row); continue; }
      const more = at < 0 ? "" : " (" + (D.loss[i] >= D.loss[at] ? "+" : "−") + Number(Math.abs(D.loss[i] - D.loss[at]).toPrecision(3)) + ")";
      cell(row, W.loss, loss(i) + more, "n");
      D.views.forEach(v => cell(row, W.gone + v.name, count(v.gone[i]), "n"));
      D.views.forEach(v => cell(row, W.personsOf + v.name, count(v.lost[i]), "n"));
      const verdict = cell(row, W.verdict, undefined);
      verdict.append(make("span", ok(i) ? "✓ " + W.ok : "✗ " + W.tooMuch, { class: ok(i) ? "yes" : "bad" }));
      if (!ok(i)) row.className = "over";
      const button = make("button", W.take, { type: "button" });
      button.addEventListener("click", () => go(levels));
      cell(row, "", undefined).append(button);
      body.append(row);
    }
  });
}

function lost() {
  const box = $("lost");
  box.replaceChildren();
  const at = D.lost.findIndex(l => l.levels.join() === now.join());
  if (at < 0) { box.append(make("p", W.lostUnknown)); return; }
  D.views.forEach((v, w) => {
    box.append(make("h3", W.view + " " + v.name));
    const grid = make("div", undefined, { class: "lost" });
    D.lost[at].views[w].forEach(d => {
      const part = make("div");
      part.append(make("h4", d.name + (d.level ? " — " + d.level : "")));
      const table = make("table");
      const body = headed(table, [[W.value], [W.personsAll, 1], [W.affected, 1], [W.share]]);
      d.rows.forEach(([label, persons, touched, kinds]) => {
        const row = make("tr"), share = persons < 0 ? 0 : drawn(touched) / Math.max(1, persons);
        row.append(make("th", kinds ? W.rest + " (" + kinds + ")" : label === null ? W.missing : label, { scope: "row" }));
        cell(row, W.personsAll, count(persons), "n");
        cell(row, W.affected, count(touched), "n");
        const bar = cell(row, W.share, undefined, "bar");
        if (persons >= 0 && touched !== -3) {
          if (touched) bar.append(make("i", "", { style: "width:" + Math.max(1, Math.round(44 * share)) + "px" }));
          bar.append((touched < 0 ? "≤ " : "") + percent(share));
        }
        body.append(row);
      });
      part.append(table);
      grid.append(part);
    });
    box.append(grid);
  });
}

// The picture: drawn for the width that is there.
let spots = [];
const CLICK = 44;
function draw() {
  const wide = Math.max(280, $("chart").clientWidth), tall = wide < 500 ? 280 : 360;
  const left = 56, right = 14, top = 14, bottom = 44, v = view;
  const xs = [], ys = [];
  for (let i = 0; i < total; i++) { xs.push(100 * shareOf(i, v)); ys.push(Number(D.loss[i])); }
  const ends = a => { let lo = Infinity, hi = -Infinity; for (const x of a) { if (x < lo) lo = x; if (x > hi) hi = x; } return lo < hi ? [lo, hi] : [lo - 0.5, lo + 0.5]; };
  const [x0, x1] = ends(xs), [y0, y1] = ends(ys);
  const X = x => left + (x - x0) / (x1 - x0) * (wide - left - right - 12) + 6;
  const Y = y => tall - bottom - 8 - (y - y0) / (y1 - y0) * (tall - top - bottom - 16);
  const s = svg("svg", { viewBox: `0 0 ${wide} ${tall}`, height: tall, role: "img", "aria-label": W.picture });
  const text = (x, y, words, anchor, more) => s.append(svg("text", Object.assign({ x, y, "text-anchor": anchor, "font-size": 12, fill: "#4a5561" }, more || {}), words));
  const ticks = (lo, hi, n) => { const raw = (hi - lo) / n, p = 10 ** Math.floor(Math.log10(raw)); const step = [1, 2, 5, 10].map(m => m * p).find(t => t >= raw); const all = []; for (let t = Math.ceil(lo / step) * step; t <= hi + step * 1e-9; t += step) all.push(Number(t.toPrecision(6))); return all; };
  for (const t of ticks(y0, y1, 5)) { s.append(svg("path", { d: `M${left} ${Y(t)}H${wide - right}`, stroke: "#e3e8ed" })); text(left - 6, Y(t) + 4, String(t), "end"); }
  for (const t of ticks(x0, x1, wide < 500 ? 3 : 6)) { s.append(svg("path", { d: `M${X(t)} ${top}V${tall - bottom}`, stroke: "#e3e8ed" })); text(X(t), tall - bottom + 16, t + " %", "middle"); }
  s.append(svg("path", { d: `M${left} ${top}V${tall - bottom}H${wide - right}`, stroke: "#4a5561", fill: "none" }));
  text(wide - right, tall - 8, W.axisX, "end");
  text(4, 11, W.axisY, "start");
  const dots = (keep, colour, width) => {
    let d = "";
    const seen = new Set();
    for (let i = 0; i < total; i++) if (keep(i)) { const p = X(xs[i]).toFixed(1) + " " + Y(ys[i]).toFixed(1); if (!seen.has(p)) { seen.add(p); d += "M" + p + "h0"; } }
    if (d) s.append(svg("path", { d, stroke: colour, "stroke-width": width, "stroke-linecap": "round", fill: "none" }));
  };
  // Not beaten in both: no other keeps more rows and loses less.
  const order = Array.from(xs.keys()).sort((a, b) => xs[b] - xs[a] || ys[a] - ys[b]);
  const front = new Set();
  let least = Infinity, line = "";
  for (const i of order) if (ys[i] < least) { least = ys[i]; front.add(i); line += (line ? "L" : "M") + X(xs[i]).toFixed(1) + " " + Y(ys[i]).toFixed(1); }
  dots(i => !ok(i), "#b9c2cb", 5);
  dots(i => ok(i), "#1f5f99", 5);
  s.append(svg("path", { d: line, stroke: "#126b52", "stroke-width": 1.5, fill: "none" }));
  dots(i => front.has(i) && !ok(i), "#8a96a1", 8);
  dots(i => front.has(i) && ok(i), "#126b52", 8);
  const mark = (i, shape) => { const x = X(xs[i]), y = Y(ys[i]); s.append(shape(x, y)); };
  mark(D.start, (x, y) => svg("rect", { x: x - 6, y: y - 6, width: 12, height: 12, fill: "#126b52", stroke: "#fff", "stroke-width": 1.5 }));
  const at = find(now);
  if (at >= 0) mark(at, (x, y) => svg("circle", { cx: x, cy: y, r: 9, fill: "none", stroke: "#a8321e", "stroke-width": 2.5 }));
  spots = order.map(i => [X(xs[i]), Y(ys[i]), i]);
  const nearest = event => {
    const box = s.getBoundingClientRect(), x = (event.clientX - box.left) * wide / box.width, y = (event.clientY - box.top) * tall / box.height;
    let best = -1, least = CLICK * CLICK;
    for (const [a, b, i] of spots) { const d = (a - x) ** 2 + (b - y) ** 2; if (d < least) { least = d; best = i; } }
    return best;
  };
  s.addEventListener("pointermove", event => tell(nearest(event)));
  s.addEventListener("pointerleave", () => tell(find(now)));
  s.addEventListener("click", event => { const i = nearest(event); if (i >= 0) { go(levelsOf(i)); } });
  $("chart").replaceChildren(s);
  tell(at);
}
function tell(i) {
  if (i < 0) { $("tip").textContent = find(now) < 0 ? W.unknown : ""; return; }
  const rows = D.views.map(v => v.name + " " + count(v.gone[i])).join(W.comma);
  $("tip").textContent = named(levelsOf(i)) + " — " + W.loss + " " + loss(i) + W.comma + W.rowsGone + ": " + rows + W.comma + (ok(i) ? W.ok : W.tooMuch);
}

function toml() {
  const lines = D.columns.map((c, i) => c.key + " = " + c.levels[now[i]].key);
  $("toml").textContent = D.toml + D.fixed.concat(lines).join("\n") + "\n";
  $("copied").textContent = "";
}
$("copy").addEventListener("click", () => {
  const range = document.createRange();
  range.selectNodeContents($("toml"));
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
  let done = false;
  try { done = document.execCommand("copy"); } catch { done = false; }
  $("copied").textContent = done ? W.copied : W.marked;
});
for (const row of document.querySelectorAll("#front tr[data-at]")) {
  row.classList.add("go");
  row.addEventListener("click", () => { go(levelsOf(Number(row.dataset.at))); $("choose").scrollIntoView(); });
}

function show() {
  const at = find(now);
  D.columns.forEach((column, c) => {
    const level = column.levels[now[c]];
    inputs[c].value = now[c];
    inputs[c].setAttribute("aria-valuetext", level.label);
    outputs[c].textContent = level.label + " — " + W.labels.replace("{}", count(level.labels));
  });
  const verdict = $("verdict");
  verdict.replaceChildren();
  if (at < 0) verdict.append(make("span", W.unknown, { class: "bad" }));
  else {
    verdict.append(make("span", ok(at) ? "✓ " + W.okAll : "✗ " + W.failsAll, { class: ok(at) ? "yes" : "bad" }), " ", W.loss + " ", make("b", loss(at), { id: "loss" }));
    if (at === D.start) verdict.append(" (" + W.start + ")");
  }
  figures(at); steps(at); lost(); toml(); draw();
}
$("app").hidden = false;
$("copy").hidden = false;
show();
addEventListener("resize", draw);
})();
