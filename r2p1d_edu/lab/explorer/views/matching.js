/**
 * Parameter matching: M as a handle between two budgets, per convolution against per block, and the balance that closes.
 * @module
 */
import { balance, fullWeights, midplanes, pairWeights } from "../arithmetic.js";
import { count, h, menu, signed, svg, switcher } from "../draw.js";
import { DEPTHS } from "../networks.js";

const PAIRS = ["64-64", "64-128", "128-128", "128-256", "256-256", "256-512", "512-512", "3-64-3-7", "3-64-5-7", "3-64-7-7"];

/** "3-64-7-7" → N_in, N_out, t, d. */
function read(pair) {
  const [inputs, outputs, time = 3, d = 3] = pair.split("-").map(Number);
  return { inputs, outputs, time, d };
}

/** The matching view. */
export function matchingView(ui) {
  const { t, state } = ui;
  const { inputs, outputs, time, d } = read(state.pair);
  const rule = midplanes(inputs, outputs, time, d);
  const mid = state.mid || Math.max(1, rule);
  const full = fullWeights(inputs, outputs, time, d);
  const both = pairWeights(inputs, outputs, mid, time, d);
  const space = d * d * inputs * mid;
  const most = 2 * Math.max(1, rule);
  const name = (pair) => {
    const p = read(pair);
    return `${p.time}×${p.d}×${p.d}, ${p.inputs} → ${p.outputs}${p.d === 7 ? ` (${t("stem")})` : ""}`;
  };
  const pairs = (PAIRS.includes(state.pair) ? PAIRS : [state.pair, ...PAIRS]).map((pair) => [pair, name(pair)]);
  const marks = [[rule, t("byRule")]];
  if (d === 7 && time === 3) marks.unshift([45, t("released")]);
  if (state.pair === "128-128") marks.push([midplanes(64, 128), t("perBlock")]);
  const handle = h("label", { class: "field", key: "handle" }, h("span", {}, t("handle"), " ", h("b", {}, `M = ${mid}`)),
    h("input", { type: "range", min: 1, max: most, value: String(Math.min(mid, most)), "aria-label": t("handle"), "aria-valuetext": `M = ${mid}`, oninput: (e) => ui.set({ mid: Number(e.target.value) }) }));
  return {
    title: t("matching.title"),
    say: t("matching.say", { kernel: `${time}×${d}×${d}`, inputs, outputs, full: count(full), mid, both: count(both), gap: signed(both - full), rule }),
    body: [
      h("div", { class: "controls" },
        menu(t("convolutionFrom"), state.pair, pairs, (pair) => ui.set({ pair, mid: 0 }), { key: "pair" }),
        switcher(t("setTo"), mid, marks.map(([m, title]) => [m, `${m} · ${title}`]), (m) => ui.set({ mid: m }), "marks")),
      h("section", { class: "panel" }, budgets(ui, { inputs, outputs, time, d, mid, full, space, both, most }), handle,
        h("p", { class: "sumline" }, `${d}·${d}·${inputs}·${mid} + ${time}·${mid}·${outputs} = ${count(space)} + ${count(both - space)} = `, h("b", {}, count(both)), ` ${t("against", { full: count(full), gap: signed(both - full) })}`),
        h("p", { class: "note" }, t("ruleIs", { t: time, d, d2: d * d, inputs, outputs, exact: (full / (d * d * inputs + time * outputs)).toFixed(3), rule }))),
      h("div", { class: "columns two" }, perBlock(ui), wholeBalance(ui)),
    ],
  };
}

/** The two budgets on one scale: the 3D kernel's weights above, the pair's below. */
function budgets(ui, { inputs, outputs, time, d, mid, full, space, both, most }) {
  const { t } = ui;
  const width = ui.width - 28;
  const scale = width / Math.max(pairWeights(inputs, outputs, most, time, d), full);
  const [high, gap] = [40, 26];
  const bar = (x, y, length, css, text, white) => [
    h("rect", { class: `face ${css}`, x, y, width: Math.max(1, length), height: high }),
    length > text.length * 7.6 && h("text", { class: white ? "white" : "on", x: x + 8, y: y + 25 }, text),
  ];
  const label = t("budgets", { full: count(full), both: count(both) });
  return h("div", { class: "budget" }, svg(width, 2 * (high + gap) + 8, label,
    h("text", { y: 14 }, t("budget3d", { kernel: `${time}×${d}×${d}`, n: count(full) })),
    bar(0, 20, full * scale, "k3d", `${time}·${d}·${d}·${inputs}·${outputs}`, true),
    h("text", { y: 20 + high + 18 }, t("budget21d", { n: count(both) })),
    bar(0, high + gap + 22, space * scale, "k21d", `${d}·${d}·${inputs}·${mid}  ${t("inSpace")}`),
    bar(space * scale, high + gap + 22, (both - space) * scale, "p3d", `${time}·${mid}·${outputs}  ${t("inTime")}`),
    h("line", { class: "leader", x1: full * scale, x2: full * scale, y1: 14, y2: 2 * (high + gap) + 8, "stroke-dasharray": "4 3" })));
}

/** M once a convolution, as the paper has it, or once a block, as torchvision has it. */
function perBlock(ui) {
  const { t, state } = ui;
  const [conv, block] = ["per_conv", "per_block"].map((rule) => ui.billWith("r2plus1d", { midplanes: rule, depth: 18, frames: 16, size: 112, num_classes: 400 }));
  const rows = [2, 3, 4].map((stage) => {
    const [inputs, outputs] = [state.width * 2 ** (stage - 2), state.width * 2 ** (stage - 1)];
    const [a, b] = [midplanes(outputs, outputs), midplanes(inputs, outputs)];
    return h("tr", { key: stage }, h("td", {}, `conv${stage + 1}_1, ${t("secondConv")}`), h("td", {}, a), h("td", {}, b),
      h("td", {}, signed(pairWeights(outputs, outputs, b) + 2 * b - pairWeights(outputs, outputs, a) - 2 * a)));
  });
  const gap = block.params - conv.params;
  return h("section", { class: "panel" }, h(ui.sub, { class: "sub" }, t("perBlockTitle")), h("p", {}, t("perBlockSay")),
    h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, t("layer")), h("th", {}, t("mPerConv")), h("th", {}, t("mPerBlock")), h("th", {}, t("params")))),
      h("tbody", {}, rows, h("tr", { class: "sum" }, h("td", {}, "R(2+1)D"), h("td", {}, count(conv.params)), h("td", {}, count(block.params)), h("td", {}, signed(gap)))))));
}

/** Every difference between R3D and R(2+1)D, as a fall from one total to the other. */
function wholeBalance(ui) {
  const { t, state } = ui;
  const depth = state.depth in DEPTHS ? state.depth : 18;
  const rows = balance(DEPTHS[depth], state.width).filter((row) => row.difference);
  const [from, to] = ["r3d", "r2plus1d"].map((name) => ui.billWith(name, { depth, frames: 16, size: 112, num_classes: 400 }).params);
  let sum = 0;
  const levels = rows.map((row) => [sum, (sum += row.difference)]);
  const [low, high] = [Math.min(0, ...levels.flat()), Math.max(0, ...levels.flat())];
  const long = ui.width < 640 ? 64 : 140;
  const x = (v) => (long * (v - low)) / Math.max(1, high - low);
  const line = (row, i) => {
    const [a, b] = levels[i];
    return h("tr", { key: row.title }, h("td", {}, spoken(t, row.title)), h("td", {}, row.count), h("td", {}, signed(row.difference)),
      h("td", {}, svg(long, 14, "", h("rect", { class: row.difference < 0 ? "minus" : "plus", x: x(Math.min(a, b)), y: 2, width: Math.max(1.5, Math.abs(x(b) - x(a))), height: 10 }))));
  };
  return h("section", { class: "panel" }, h(ui.sub, { class: "sub" }, t("balanceTitle", { depth })), h("p", {}, t("balanceSay", { from: count(from), to: count(to), gap: signed(to - from) })),
    h("div", { class: "controls" },
      switcher(t("depth"), depth, [[10, "10"], [18, "18"], [34, "34"]], (value) => ui.set({ depth: value }), "depth"),
      switcher(t("width"), state.width, [[8, "8"], [16, "16"], [32, "32"], [64, "64"]], (value) => ui.set({ width: value }), "width")),
    h("div", { class: "scroll fall" }, h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, t("layer")), h("th", {}, t("howMany")), h("th", {}, t("difference")), h("td", {}))),
      h("tbody", {}, rows.map(line), h("tr", { class: "sum" }, h("td", {}, t("sum")), h("td", {}), h("td", {}, signed(sum)), h("td", {}, sum === to - from ? t("closes") : ""))))));
}

function spoken(t, title) {
  if (title === "stem weights") return t("stemWeights");
  if (title.startsWith("BatchNorm")) return t("normBetween");
  return title.replace("weights", t("weights"));
}
