/**
 * One network, or two in step: a cuboid a group, what each group costs, and what differs.
 * @module
 */
import { cuboid, count, digits, fit, gmac, h, menu, short, slider, svg, times } from "../draw.js";
import { stageOf, stages } from "../arithmetic.js";
import {
  CONTROLLED, DEPTHS, FAMILY, GROUPS, GROUP_KINDS, KINDS, OTHERS, STEM_KINDS, fusionOf, isFamily, kindsOf, nameOf, published, titleOf,
} from "../networks.js";

const FRAMES = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32];
const SIZES = [8, 16, 28, 32, 56, 64, 80, 112, 128, 160, 192, 224];
const WIDTHS = [8, 16, 24, 32, 48, 64];
const METRICS = ["params", "macs", "activations", "sees", "relus"];

/** A metric of a stage as number and as text. */
function measure(stage, metric) {
  if (!stage) return { value: 0, text: "–" };
  const { params, macs, activations, field, relus } = stage;
  switch (metric) {
    case "params": return { value: params, text: short(params) };
    case "macs": return { value: macs, text: `${gmac(macs)} G` };
    case "activations": return { value: activations, text: `${digits(activations / 2 ** 20)} MiB` };
    case "sees": return { value: field[0], text: String(field[0]) };
    default: return { value: relus, text: String(relus) };
  }
}

/** What is drawn of a network: its bill, its stages as far as it can be built, and why not further. */
export function plan(ui, network) {
  const bill = ui.bill(network);
  const trouble = bill.error ?? bill.room;
  const last = trouble ? (trouble.group ? stageOf(trouble.group) : 0) : 6;
  const built = stages(bill).filter((stage) => Number(stage.name) < last);
  return { network, bill, trouble, last, built, kinds: kindsOf(network) };
}

/** The network view. */
export function networkView(ui) {
  const { t, state } = ui;
  const plans = [state.network, state.with].filter(Boolean).map((network) => plan(ui, network));
  const wide = ui.width >= 780;
  const column = wide ? (ui.width - 60) / 6.6 : plans.length > 1 ? ui.width / 2 - 20 : ui.width / 2 - 14;
  const clip = [3, state.frames, state.size, state.size];
  const groups = plans.flatMap((p) => p.built.filter((s) => s.name !== "5").map((s) => s.shape));
  const tall = wide ? (plans.length > 1 ? 40 : 110) : 72;
  const scale = fit([clip, ...groups], column - 8, tall);
  scale.length = Math.min(scale.length, ((column * 0.72 - 8 - scale.side * state.size * 0.36) / clip[0] / clip[1]));
  const most = {};
  for (const metric of METRICS) most[metric] = Math.max(1, ...plans.flatMap((p) => p.built.map((s) => measure(s, metric).value)));
  const bands = plans.map((p, place) => band(ui, p, plans[1 - place], place, { scale, tall, most, column }));
  return {
    title: plans.length > 1 ? t("network.two", { a: titleOf(state.network), b: titleOf(state.with) }) : titleOf(state.network),
    say: plans.length > 1 ? compared(ui, ...plans) : described(ui, plans[0]),
    body: [
      controls(ui),
      h("div", { class: plans.length > 1 ? "bands two" : "bands" }, bands),
      h("p", { class: "note" }, t("network.note")),
    ],
  };
}

function controls(ui) {
  const { t, state } = ui;
  const names = [...Object.keys(FAMILY), ...Object.keys(CONTROLLED), ...Object.keys(OTHERS)];
  const own = [state.with].filter((name) => name && !names.includes(name));
  const others = [["", t("nobody")], ...[...names, ...own].map((name) => [name, titleOf(name)])];
  const depths = Object.keys(DEPTHS).map((depth) => [depth, depth]);
  return h("div", { class: "controls" },
    menu(t("beside"), state.with, others, (other) => ui.set({ with: other }), { key: "with" }),
    menu(t("depth"), String(state.depth), depths, (depth) => ui.set({ depth: Number(depth) }), { key: "depth" }),
    slider(t("frames"), state.frames, FRAMES, (frames) => ui.set({ frames })),
    slider(t("size"), state.size, SIZES, (size) => ui.set({ size })),
    slider(t("width"), state.width, WIDTHS, (width) => ui.set({ width })),
    h("button", { type: "button", key: "time", "data-focus": "time", onclick: (event) => ui.go("time", { layer: -1, cell: -1 }, event) }, t("toTime")));
}

/** One network: its menus and totals, then the clip, the five groups and the head. */
function band(ui, shown, other, place, look) {
  const { t, state } = ui;
  const part = place ? "with" : "network";
  const { network, bill, built, trouble, last, kinds } = shown;
  const names = [...Object.keys(FAMILY), ...Object.keys(CONTROLLED), ...Object.keys(OTHERS)];
  const [row] = network.split(":");
  const choices = names.map((name) => [name, titleOf(name)]);
  if (!names.includes(row)) choices.unshift([row, t("ownRow")]);
  const fusion = fusionOf(network);
  const fusions = ["pool", "gru", "conv"].map((key) => [key, t(`fusion.${key}`)]);
  const join = (name, how) => (how === "pool" ? name : `${name}:${how}`);
  const frames = published(network, state.frames, "clip") && state.depth === 18 && state.width === 64 && state.size === 112 && state.classes === 400;
  const total = (key, text) => h("li", { key }, h("span", {}, t(`short.${key}`)), " ", h("b", {}, text));
  const sees = built.filter((s) => s.name !== "5").at(-1)?.field[0];
  const head = h("div", { class: "head" },
    menu(place ? t("second") : t("first"), row, choices, (name) => ui.set({ [part]: name }), { key: "name" }),
    isFamily(network) && menu(t("fusion"), fusion, fusions, (how) => ui.set({ [part]: join(row, how) }), { key: "fusion" }),
    h("ul", { class: "totals" },
      total("params", trouble ? "–" : count(bill.params)),
      total("macs", trouble ? "–" : `${gmac(bill.macs)} GMAC`),
      total("activations", trouble ? "–" : `${digits(bill.activations / 2 ** 20)} MiB`),
      total("sees", sees ? t("nFrames", { n: sees }) : "–"),
      total("relus", trouble ? "–" : String(bill.relus)),
      frames && total("accuracy", t("bothAccuracies", { clip: published(network, state.frames, "clip").toFixed(1), video: published(network, state.frames, "video").toFixed(1) }))));
  const cards = [];
  cards.push(clipCard(ui, look));
  for (let stage = 0; stage < 6; stage++) {
    if (stage < last) cards.push(stageCard(ui, shown, other, stage, part, look));
    else if (stage === last) cards.push(failedCard(ui, shown, stage, part));
  }
  return h("section", { class: "band", key: part, "aria-label": titleOf(network) }, head, h("ul", { class: "stages" }, cards));
}

function clipCard(ui, { scale, tall, column }) {
  const { t, state } = ui;
  const shape = [3, state.frames, state.size, state.size];
  const high = tall + 4;
  return h("li", { class: "stage", key: "clip" }, h("div", {},
    svg(column * 0.72, high, "", cuboid(shape, scale, "clip", high - 1)),
    h("span", { class: "label" }, h("b", {}, t("theClip")), times(shape))));
}

/** Kinds that a learner can choose where the network has the family's skeleton. */
function kindMenu(ui, network, stage, part) {
  const { t } = ui;
  const kinds = kindsOf(network);
  const kind = kinds[stage];
  if (!isFamily(network)) return h("span", { class: `chip ${KINDS[kind].css}` }, KINDS[kind].title);
  const choices = (stage ? GROUP_KINDS : STEM_KINDS).map((choice) => [choice, KINDS[choice].title]);
  if (!(kind in KINDS)) choices.unshift([kind, kind]);
  const change = (choice) => {
    const row = nameOf(kinds.map((before, i) => (i === stage ? choice : before)));
    const fusion = fusionOf(network);
    ui.set({ [part]: fusion === "pool" ? row : `${row}:${fusion}` });
  };
  return h("select", {
    class: `kind ${KINDS[kind]?.css ?? ""}`, value: kind, "aria-label": t("kindOf", { group: GROUPS[stage], network: titleOf(network) }),
    onchange: (event) => change(event.target.value),
  }, choices.map(([value, title]) => h("option", { key: value, value, selected: value === kind }, title)));
}

function stageCard(ui, shown, other, stage, part, { scale, tall, most, column }) {
  const { t } = ui;
  const { network, kinds } = shown;
  const sum = shown.built.find((s) => Number(s.name) === stage);
  if (!sum) return null;
  const twin = other?.built.find((s) => Number(s.name) === stage);
  const high = tall + 4;
  const head = stage === 5;
  const css = KINDS[kinds[stage]]?.css ?? "clip";
  const name = head ? t("head") : GROUPS[stage];
  const picture = head
    ? svg(column * 0.72, high, "", headPicture(shown, high, sum))
    : svg(column, high, "", cuboid(sum.shape, scale, css, high - 1));
  const label = h("span", { class: "label" }, h("b", {}, name), head ? t("classes", { n: sum.shape[0] }) : times(sum.shape));
  const bars = METRICS.map((metric) => {
    const { value, text } = measure(sum, metric);
    const differs = other && (!twin || measure(twin, metric).value !== value);
    const against = differs && twin && part === "with" && measure(twin, metric).value;
    const factor = against ? ` ×${ratioOf(value, against)}` : differs ? " ≠" : "";
    return h("li", { key: metric, class: differs ? "differs" : "" }, h("span", {}, t(`short.${metric}`)), " ", h("b", {}, text + factor),
      h("span", { class: "meter" }, h("i", { style: `width:${((100 * value) / most[metric]).toFixed(1)}%` })));
  });
  const zoom = head
    ? h("div", {}, picture, label)
    : h("button", {
        type: "button", class: "zoom", "data-focus": `${part}-${stage}`,
        title: t("zoomInto", { group: name, network: titleOf(network), shape: times(sum.shape) }),
        onclick: (event) => ui.go("block", { group: stage, block: 1, ...(part === "with" ? { network, with: ui.state.network } : {}) }, event),
      }, picture, label);
  return h("li", { class: "stage", key: stage }, zoom,
    h("div", {}, head ? null : kindMenu(ui, network, stage, part), h("ul", { class: "bars" }, bars)));
}

/** How many times as much: two digits, three decimals where the two are almost equal. */
function ratioOf(value, against) {
  const ratio = value / against;
  return Math.abs(ratio - 1) < 0.1 ? ratio.toFixed(3) : String(Number(ratio.toPrecision(2)));
}

/** The vector after the average, and the classifier's scores, as two bars true to one scale of their own. */
function headPicture(shown, high, sum) {
  const vector = shown.bill.rows.find((row) => row.group === "fc" || row.group === "linear")?.input[0] ?? 1;
  const unit = (high - 20) / Math.max(vector, sum.shape[0]);
  return [
    h("rect", { class: "face clip", x: 10, y: high - 2 - vector * unit, width: 9, height: vector * unit }),
    h("path", { class: "leader", d: `M24,${high / 2}h20m-5,-4l5,4l-5,4`, fill: "none" }),
    h("rect", { class: "face clip", x: 50, y: high - 2 - sum.shape[0] * unit, width: 9, height: sum.shape[0] * unit }),
  ];
}

function failedCard(ui, shown, stage, part) {
  const { t } = ui;
  return h("li", { class: "stage failed", key: "failed" },
    h("b", {}, stage < 5 ? GROUPS[stage] : t("head")),
    h("p", {}, t("cannotBuild"), " ", t(...shown.trouble.reason)),
    stage < 5 && shown.kinds.length === 5 ? kindMenu(ui, shown.network, stage, part) : null);
}

function described(ui, { bill, trouble, built, kinds }) {
  const { t } = ui;
  if (trouble) return `${t("cannotBuild")} ${t(...trouble.reason)}`;
  const groups = built.filter((s) => s.name !== "5");
  const top = (key) => GROUPS[Number(groups.reduce((a, b) => (b[key] > a[key] ? b : a)).name)];
  const values = { params: count(bill.params), gmac: gmac(bill.macs), sees: groups.at(-1).field[0], most: top("params"), busy: top("macs") };
  return t("network.say", values);
}

/** The sentence that says what the difference comes from: the group where most multiply-adds differ. */
function compared(ui, a, b) {
  const { t } = ui;
  const trouble = [a, b].find((p) => p.trouble);
  if (trouble) return `${titleOf(trouble.network)}: ${t("cannotBuild")} ${t(...trouble.trouble.reason)}`;
  const ratio = (key) => ratioOf(b.bill[key], a.bill[key]);
  const gap = a.built.map((s, i) => ({ a: s, b: b.built[i], gap: Math.abs(s.macs - b.built[i].macs) }));
  const largest = gap.filter((g) => g.a.name !== "5").reduce((x, y) => (y.gap > x.gap ? y : x));
  const values = { a: titleOf(a.network), b: titleOf(b.network), params: ratio("params"), macs: ratio("macs") };
  const first = t("compare.say", values);
  if (!largest.gap) return first;
  const group = { group: GROUPS[Number(largest.a.name)], ...values };
  const where = t("compare.where", { ...group, macsA: gmac(largest.a.macs), macsB: gmac(largest.b.macs), shapeA: times(largest.a.shape), shapeB: times(largest.b.shape) });
  const [tA, tB] = [largest.a.shape[1], largest.b.shape[1]];
  const flat = [a, b].some((p) => p.kinds[Number(largest.a.name)] === "2d");
  const why = tA === tB || !flat ? "" : t("compare.time", { ...group, tA, tB, keeper: tB > tA ? values.b : values.a });
  return `${first} ${where} ${why}`;
}
