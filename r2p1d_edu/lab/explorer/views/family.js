/**
 * The family: every network as five coloured groups, what it costs, what was published, accuracy against cost.
 * @module
 */
import { MARKERS, gmac, h, short, svg, switcher } from "../draw.js";
import { FAMILY, GROUPS, KINDS, LOOKS, kindsOf, published, titleOf } from "../networks.js";

const NETWORKS = [
  ...["r2d", "f_r2d", "f_r2d:gru", "f_r2d:conv"],
  ...Object.keys(FAMILY).slice(2),
  ...["p3d63", "p3d131", "p3d199", "c3d", "blog_r2plus1d"],
];

/** The networks with their costs at the paper's clip, in the wanted order. */
function table(ui) {
  const { sort, at, level } = ui.state;
  const rows = NETWORKS.map((network) => {
    const bill = ui.bill(network, { depth: 18, width: 64, frames: at, size: 112, classes: 400 });
    return { network, params: bill.params, macs: bill.macs, accuracy: published(network, at, level) };
  });
  if (sort === "paper") return rows;
  const value = (row) => (sort === "accuracy" ? -(row.accuracy ?? 0) : row[sort]);
  return rows.sort((a, b) => value(a) - value(b));
}

/** The family view. */
export function familyView(ui) {
  const { t, state } = ui;
  const rows = table(ui);
  const most = { params: Math.max(...rows.map((r) => r.params)), macs: Math.max(...rows.map((r) => r.macs)) };
  const best = rows.filter((r) => r.accuracy).reduce((a, b) => (b.accuracy > a.accuracy ? b : a));
  const picked = state.with;
  const sorts = ["paper", "params", "macs", "accuracy"].map((key) => [key, t(`sort.${key}`)]);
  const say = picked
    ? t("family.picked", { network: titleOf(picked) })
    : t("family.say", { n: rows.length, best: titleOf(best.network), accuracy: best.accuracy, level: t(state.level), frames: state.at });
  const controls = h("div", { class: "controls" },
    switcher(t("sortBy"), state.sort, sorts, (sort) => ui.set({ sort })),
    switcher(t("framesOfClip"), state.at, [[8, "8"], [16, "16"]], (at) => ui.set({ at })),
    switcher(t("accuracyOf"), state.level, [["clip", t("clip")], ["video", t("video")]], (level) => ui.set({ level })));
  const captions = h("div", { class: "captions", "aria-hidden": "true" }, h("div", { class: "open" }, h("span", {}),
    h("span", { class: "five" }, GROUPS.map((group) => h("span", {}, group))),
    h("span", { class: "figures" }, ["params", "macs", "accuracy"].map((key) => h("span", {}, t(`short.${key}`))))));
  const list = h("div", {}, captions, h("ul", { class: "rows", "aria-label": t("view.family") }, rows.map((row) => familyRow(ui, row, most))));
  return {
    title: t("family.title"),
    say,
    body: [controls, h("div", { class: "columns family" }, list, h("div", {}, scatter(ui, rows), h("p", { class: "note" }, t("family.note"))))],
  };
}

function familyRow(ui, row, most) {
  const { t, state } = ui;
  const { network } = row;
  const figure = (key, text, share) =>
    h("span", { class: "figure" }, h("small", {}, `${t(`short.${key}`)} `), text, h("span", { class: "meter" }, h("i", { style: `width:${(100 * share).toFixed(1)}%` })));
  const accuracy = row.accuracy ? `${row.accuracy.toFixed(1)} %` : "–";
  const kinds = kindsOf(network);
  const open = h("button", {
    type: "button", class: "open", "data-focus": `row-${network}`,
    onclick: (event) => ui.go("network", { network, with: "" }, event),
    onpointerenter: () => hover(ui, network), onpointerleave: () => hover(ui, null),
    onfocus: () => hover(ui, network), onblur: () => hover(ui, null),
  },
    h("span", { class: "name" }, titleOf(network)),
    h("span", { class: "five" }, kinds.map((kind) => h("span", { class: `chip ${KINDS[kind].css}` }, KINDS[kind].title, " "))),
    h("span", { class: "figures" },
      figure("params", short(row.params), row.params / most.params),
      figure("macs", `${gmac(row.macs)} G`, row.macs / most.macs),
      figure("accuracy", accuracy, row.accuracy ? (row.accuracy - 40) / 30 : 0)));
  const isPicked = state.with === network;
  const press = (event) => {
    if (!state.with || isPicked) ui.set({ with: isPicked ? "" : network });
    else ui.go("network", { network: state.with, with: network }, event);
  };
  const name = state.with && !isPicked ? t("compareWith", { a: titleOf(state.with), b: titleOf(network) }) : t("pick", { network: titleOf(network) });
  return h("li", { class: isPicked ? "row picked" : "row", key: network }, open,
    h("button", { type: "button", "aria-pressed": String(isPicked), "aria-label": name, title: name, onclick: press }, "⇄"));
}

function hover(ui, network) {
  if (ui.memory.hovered === network) return;
  ui.memory.hovered = network;
  ui.redraw();
}

/** Accuracy against cost; where labels would overlap they move, with a line to their point. */
function scatter(ui, rows) {
  const { t, state, memory } = ui;
  const points = rows.filter((row) => row.accuracy !== null);
  const width = ui.width >= 1080 ? (ui.width - 24) * (5 / 12) : ui.width;
  const height = Math.min(430, Math.max(300, width * 0.85));
  const [left, right, top, bottom] = [42, 14, 14, 46];
  const values = points.map((p) => (state.cost === "macs" ? p.macs / 1e9 : p.params / 1e6));
  const highest = Math.max(...values) * 1.06;
  const low = Math.floor(Math.min(...points.map((p) => p.accuracy)) - 0.6);
  const high = Math.ceil(Math.max(...points.map((p) => p.accuracy)) + 0.4);
  const x = (v) => left + ((width - left - right) * v) / highest;
  const y = (v) => height - bottom - ((height - top - bottom) * (v - low)) / (high - low);
  const step = highest > 25 ? 10 : 2;
  const ticksX = Array.from({ length: Math.floor(highest / step) + 1 }, (_, i) => i * step);
  const ticksY = Array.from({ length: Math.floor((high - low) / 2) + 1 }, (_, i) => low + 2 * i);
  const places = labels(points.map((p, i) => ({ x: x(values[i]), y: y(p.accuracy), text: titleOf(p.network) })), width, height - bottom);
  const mark = (p, i) => {
    const [, color, , marker] = LOOKS[p.network];
    const place = places[i];
    const dim = memory.hovered && memory.hovered !== p.network && LOOKS[memory.hovered];
    const far = Math.hypot(place.x - x(values[i]), place.y - y(p.accuracy)) > 30;
    return h("g", { key: p.network, class: dim ? "point dim" : "point", onclick: (event) => ui.go("network", { network: p.network, with: "" }, event) },
      far && h("line", { class: "leader", x1: x(values[i]), y1: y(p.accuracy), x2: place.anchor, y2: place.y - 4 }),
      h("path", { d: MARKERS[marker], transform: `translate(${x(values[i]).toFixed(1)},${y(p.accuracy).toFixed(1)}) scale(7)`, fill: color ?? "var(--ink)" }),
      h("text", { x: place.x, y: place.y, "font-weight": memory.hovered === p.network ? 700 : 400 }, place.text));
  };
  const label = t("family.scatter", { n: points.length, cost: t(`axis.${state.cost}`), level: t(state.level) });
  const costs = [["macs", "GMAC"], ["params", t("params")]];
  return [
    h("div", { class: "controls" }, switcher(t("costAxis"), state.cost, costs, (cost) => ui.set({ cost }))),
    svg(width, height, label,
      ticksX.map((v) => [h("line", { class: "axis", x1: x(v), x2: x(v), y1: top, y2: height - bottom }), h("text", { class: "soft", x: x(v), y: height - bottom + 16, "text-anchor": "middle" }, v)]),
      ticksY.map((v) => [h("line", { class: "axis", x1: left, x2: width - right, y1: y(v), y2: y(v) }), h("text", { class: "soft", x: left - 6, y: y(v) + 4, "text-anchor": "end" }, v)]),
      h("text", { class: "soft", x: (left + width - right) / 2, y: height - 10, "text-anchor": "middle" }, t(`axis.${state.cost}`)),
      h("text", { class: "soft", x: left + 6, y: top + 10 }, `${t(state.level)}, %`),
      points.map(mark)),
  ];
}

/** Put each label where it covers no point, no other label and no edge; the nearest such place wins. */
function labels(points, width, height) {
  const boxes = points.map((p) => ({ x0: p.x - 7, x1: p.x + 7, y0: p.y - 7, y1: p.y + 7 }));
  return points.map((p) => {
    const long = p.text.length * 7.4;
    let chosen = null;
    for (let distance = 11; distance < 120 && !chosen; distance += 6) {
      for (const angle of [0, 180, -45, 45, -135, 135, -90, 90, -20, 20, -160, 160]) {
        const [dx, dy] = [Math.cos((angle * Math.PI) / 180) * distance, Math.sin((angle * Math.PI) / 180) * distance];
        const x0 = Math.abs(angle) === 90 ? p.x - long / 2 : dx > 0 ? p.x + dx : p.x + dx - long;
        const box = { x0, x1: x0 + long, y0: p.y + dy - 7, y1: p.y + dy + 7 };
        const inside = box.x0 >= 30 && box.x1 <= width && box.y0 >= 0 && box.y1 <= height;
        if (inside && boxes.every((b) => b.x1 < box.x0 || b.x0 > box.x1 || b.y1 < box.y0 || b.y0 > box.y1)) {
          chosen = { x: x0, y: p.y + dy + 4, anchor: dx >= 0 ? x0 : x0 + long, text: p.text };
          boxes.push(box);
          break;
        }
      }
    }
    return chosen ?? { x: p.x + 10, y: p.y + 4, anchor: p.x, text: p.text };
  });
}
