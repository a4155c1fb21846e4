/**
 * Time: pick an output, see layer by layer which frames it can see, and how much of it each frame makes.
 * @module
 */
import { stageOf } from "../arithmetic.js";
import { h, menu, slider, svg, times } from "../draw.js";
import { GROUPS, KINDS, ROWS, fusionOf, kindsOf, titleOf } from "../networks.js";
import { recordingOf } from "./learnt.js";

const FRAMES = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32];

/** @typedef {{label: string, T: number, k: number, s: number, p: number, stage: number, block: string, x: number, jump: number}} Level */

/**
 * The layers that move time, from the clip to the average. What only looks at space is left out, but each group keeps
 * one level.
 * @returns {Level[]} `x` is the frame that the level's unit 0 stands over, `jump` the frames between units
 */
export function levels(bill, frames, fusion) {
  const found = [{ label: "clip", T: frames, k: 1, s: 1, p: 0, stage: -1, block: "", x: 0, jump: 1 }];
  let [x, jump] = [0, 1];
  const push = (row, k, s, p, moves) => {
    x += ((k - 1) / 2 - p) * jump;
    jump *= s;
    const stage = stageOf(row.group);
    const block = /^(layer|res|conv)\d\.\d+(?=\.)/.exec(row.name)?.[0] ?? row.name;
    found.push({ label: row.name, kernel: moves && row.kernel, T: row.shape[1], k, s, p, stage, block, x, jump });
  };
  const main = bill.rows.filter((row) => row.kernel && stageOf(row.group) < 5 && !row.name.includes("downsample"));
  main.forEach((row, i) => {
    const [k, s] = [row.kernel[0], row.stride[0]];
    const twin = row.name.includes(".spatial.") && main.find((r) => r.name === row.name.replace(".spatial.", ".temporal."));
    const branchStride = twin && s > 1 && twin.stride[0] > 1; // in P3D-B the temporal branch beside it counts
    const conv = row.kind === "Conv";
    const p = conv && row.shape[1] * s >= row.input[1] && k > 1 ? Math.floor(k / 2) : 0;
    const last = stageOf(main[i + 1]?.group ?? "fc") !== stageOf(row.group);
    const kept = found.at(-1).stage === stageOf(row.group);
    const moves = (k > 1 || s > 1) && !branchStride;
    if (moves || (last && !kept)) push(row, moves ? k : 1, moves ? s : 1, moves ? p : 0, moves);
  });
  const T = found.at(-1).T;
  const label = { pool: "average", gru: "GRU", conv: "conv + average" }[fusion];
  found.push({ label, T: 1, k: T, s: T, p: 0, stage: 5, block: "head", x: x + ((T - 1) / 2) * jump, jump: jump * T });
  return found;
}

/**
 * How much of unit `cell` of level `from` comes from each unit of every level below, if all weights were equal: the
 * gradient, with residual blocks passing half of it along the shortcut.
 * @param {Level[]} all @returns {number[][]} a row a level, shares; what padding makes of the value is missing
 */
export function shares(all, from, cell) {
  const rows = all.map((level) => new Array(level.T).fill(0));
  rows[from][cell] = 1;
  for (let l = from; l > 0; l--) {
    const level = all[l];
    const residual = /^(layer|res)\d\./.test(level.block);
    const inside = residual && all[l - 1].block === level.block;
    rows[l].forEach((share, i) => {
      for (let k = 0; k < level.k; k++) {
        const j = i * level.s + k - level.p;
        if (j >= 0 && j < all[l - 1].T) rows[l - 1][j] += share / level.k;
      }
    });
    if (residual && !inside) {
      // The block begins here: half of what left its end has come along the shortcut.
      let end = l;
      while (end + 1 <= from && all[end + 1].block === level.block) end++;
      const whole = end + 1 > all.length - 1 || all[end + 1]?.block !== level.block;
      if (!whole) continue;
      const stride = all.slice(l, end + 1).reduce((a, b) => a * b.s, 1);
      rows[l - 1] = rows[l - 1].map((share) => share / 2);
      rows[end].forEach((share, i) => {
        if (i * stride < rows[l - 1].length) rows[l - 1][i * stride] += share / 2;
      });
    }
  }
  return rows;
}

/** The time view. */
export function timeView(ui) {
  const { t, state } = ui;
  const bill = ui.bill(state.network);
  const trouble = bill.error;
  const title = t("time.title", { network: titleOf(state.network) });
  const names = Object.keys(ROWS).map((name) => [name, titleOf(name)]);
  if (!names.some(([name]) => name === state.network)) names.unshift([state.network, titleOf(state.network)]);
  const network = menu(t("first"), state.network, names, (name) => ui.set({ network: name, layer: -1, cell: -1 }), { key: "network" });
  const frames = slider(t("frames"), state.frames, FRAMES, (n) => ui.set({ frames: n, layer: -1, cell: -1 }));
  if (trouble) return { title, say: `${t("cannotBuild")} ${t(...trouble.reason)}`, body: h("div", { class: "controls" }, network, frames) };
  const all = levels(bill, state.frames, fusionOf(state.network));
  const from = state.layer < 1 || state.layer >= all.length ? all.length - 2 : state.layer;
  const cell = state.cell < 0 || state.cell >= all[from].T ? Math.floor((all[from].T - 1) / 2) : state.cell;
  const rows = shares(all, from, cell);
  const total = rows[0].reduce((a, b) => a + b) || 1; // the rest came from padding
  rows[0] = rows[0].map((share) => share / total);
  const seen = rows[0].map((share, i) => (share > 0 ? i + 1 : 0)).filter(Boolean);
  const strongest = rows[0].indexOf(Math.max(...rows[0])) + 1;
  const place = { layer: nameOf(t, all[from]), cell: cell + 1, of: all[from].T, first: seen[0], last: seen.at(-1), n: seen.length, frames: state.frames };
  const choose = (layer, unit) => ui.set({ layer, cell: unit });
  const steps = (n) => Array.from({ length: n }, (_, i) => i);
  return {
    title,
    say: t(all[0].T === seen.length ? "time.all" : "time.say", { ...place, strongest, share: Math.round(100 * Math.max(...rows[0])) }),
    body: [
      h("div", { class: "controls" }, network, frames,
        slider(t("layer"), from, steps(all.length).slice(1), (layer) => choose(layer, -1), "layer"),
        slider(t("unit"), cell + 1, steps(all[from].T).map((i) => i + 1), (unit) => choose(from, unit - 1), "unit")),
      picture(ui, all, rows, from, cell, choose),
      h("p", { class: "note" }, t("time.note")),
    ],
  };
}

function nameOf(t, level) {
  if (level.stage < 0) return t("theClip");
  if (level.stage > 4) return { average: t("fusion.pool"), GRU: "GRU" }[level.label] ?? t("fusion.conv");
  return GROUPS[level.stage];
}

/** The layers as rows of units, the output on top and the clip at the bottom, and the share of each frame below. */
function picture(ui, all, rows, from, cell, choose) {
  const { t, state } = ui;
  const narrow = ui.width < 640;
  const left = narrow ? 74 : 190;
  const unit = Math.min(64, (ui.width - left - 8) / state.frames);
  const tall = all.length > 30 ? 13 : all.length > 20 ? 17 : 22;
  const box = Math.max(3, Math.min(unit - 3, tall * 2));
  const base = all.length * (tall + 8) + 8;
  const height = base + 76;
  const x = (level, i) => left + (level.x + i * level.jump + 0.5) * unit;
  const y = (l) => 4 + (all.length - 1 - l) * (tall + 8);
  const kinds = kindsOf(state.network);
  const lines = [];
  for (let l = from; l > 0; l--) {
    const { k, s, p, T } = { ...all[l], T: all[l - 1].T };
    rows[l].forEach((share, i) => {
      for (let j = Math.max(0, i * s - p); share && j < Math.min(T, i * s - p + k); j++) {
        lines.push(`M${x(all[l], i).toFixed(1)},${y(l) + tall}L${x(all[l - 1], j).toFixed(1)},${y(l - 1)}`);
      }
    });
  }
  const drawn = all.map((level, l) => {
    const css = level.stage >= 0 && level.stage < 5 ? (KINDS[kinds[level.stage]]?.css ?? "clip") : "clip";
    const kernel = level.kernel && !narrow ? ` ${times(level.kernel)}${level.s > 1 ? ` /${level.s}` : ""}` : "";
    const most = Math.max(...rows[l]);
    const unitBox = (share, i) => {
      const chosen = l === from && i === cell;
      return h("rect", {
        key: i, class: "unit", x: x(level, i) - box / 2, y: y(l), width: box, height: tall, rx: 2,
        fill: share ? "var(--fill)" : "var(--panel)", "fill-opacity": share ? (0.25 + (0.75 * share) / most).toFixed(2) : 1,
        stroke: chosen ? "var(--ink)" : "var(--line)", "stroke-width": chosen ? 3 : 1, onclick: () => choose(Math.max(1, l), l ? i : -1),
      });
    };
    return h("g", { key: l, class: css },
      h("text", { x: 0, y: y(l) + tall / 2 + 4, class: l === from ? "" : "soft", "font-weight": l === from ? 700 : 400 }, nameOf(t, level) + kernel),
      rows[l].map(unitBox));
  });
  const highest = Math.max(...rows[0]) || 1;
  const bars = rows[0].map((share, i) => {
    const long = Math.max(0.5, (46 * share) / highest);
    return h("g", { key: `bar${i}` },
      h("rect", { class: "face clip", x: x(all[0], i) - box / 2, y: height - 8 - long, width: box, height: long }),
      unit > 22 && share > 0.004 && h("text", { class: "soft", x: x(all[0], i), y: height - 12 - long, "text-anchor": "middle" }, Math.round(100 * share)));
  });
  const keys = (event) => {
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [1, 0], ArrowDown: [-1, 0] }[event.key];
    if (!moves) return;
    const layer = Math.min(all.length - 1, Math.max(1, from + moves[0]));
    choose(layer, moves[0] ? -1 : Math.min(all[from].T - 1, Math.max(0, cell + moves[1])));
    event.preventDefault();
    event.stopPropagation();
  };
  const uses = recordingOf(ui.options.learnt)?.networks[state.network]?.uses;
  const words = uses && uses.map((share, i) => `${i + 1}: ${Math.round(100 * share)} %`).join("  ·  ");
  return [
    h("div", { tabindex: 0, role: "group", "aria-label": t("time.keys"), onkeydown: keys, key: "picture" },
      svg(ui.width, height, t("time.picture"), h("path", { class: "leader", d: lines.join(""), fill: "none", opacity: 0.6 }), drawn, bars,
        h("text", { class: "soft", x: 0, y: height - 12 }, t(narrow ? "time.shareShort" : "time.share")))),
    uses && h("section", { class: "panel", key: "trained" }, h(ui.sub, { class: "sub" }, t("time.trained")), h("p", {}, words)),
  ];
}
