/**
 * A group and one of its blocks: every layer, the shape on every edge, the formula of every number; the article's
 * block or another network's beside it.
 * @module
 */
import { count, gmac, h, menu, times } from "../draw.js";
import { stageOf } from "../arithmetic.js";
import { DEPTHS, FAMILY, GROUPS, KINDS, P3D_BLOCKS, ROWS, isFamily, kindsOf, titleOf } from "../networks.js";

const BLOCK = /^(layer|res|conv)\d\.\d+(?=\.)/;

/** The rows of a stage, cut into residual blocks where it has some. */
function blocksOf(ui, network, stage) {
  const [name] = network.split(":");
  const rows = ui.bill(network).rows.filter((row) => stageOf(row.group) === stage && row.kind !== "Identity" && row.kind !== "Dropout");
  const blocks = new Map();
  for (const row of rows) {
    const key = name !== "c3d" && stage > 0 && stage < 5 ? (BLOCK.exec(row.name)?.[0] ?? row.group) : row.group;
    blocks.set(key, [...(blocks.get(key) ?? []), row]);
  }
  return stage === 0 || stage === 5 || name === "c3d" ? [rows] : [...blocks.values()];
}

/** Which of P3D's three units a block has, or "" for none. */
function formOf(ui, network, stage, block) {
  const [name] = network.split(":");
  const kind = kindsOf(network)[stage] ?? "";
  if (kind !== "p3d") return kind.startsWith("p3d-") ? kind.at(-1) : "";
  const depths = P3D_BLOCKS[name.slice(3)] ?? DEPTHS[ui.state.depth];
  const before = depths.slice(0, stage - 1).reduce((a, b) => a + b, 0);
  return "abc"[(before + block - 1) % 3];
}

/** The block view. */
export function blockView(ui) {
  const { t, state } = ui;
  const stage = state.group;
  const group = GROUPS[stage] ?? t("head");
  const names = [state.network, state.with].filter(Boolean);
  const blocks = blocksOf(ui, state.network, stage);
  const number = Math.min(state.block, Math.max(1, blocks.length));
  const rows = blocks[number - 1] ?? [];
  const sum = (key) => rows.reduce((a, row) => a + row[key], 0);
  const choose = Array.from({ length: blocks.length }, (_, i) =>
    h("button", { type: "button", key: i, "aria-pressed": String(i + 1 === number), onclick: () => ui.set({ block: i + 1 }) }, t("blockNo", { n: i + 1 })));
  const groups = [...GROUPS.map((name, i) => [String(i), name]), ["5", t("head")]];
  const others = [["", t("nobody")], ...Object.keys(ROWS).map((name) => [name, name === "blog_r2plus1d" ? t("article") : titleOf(name)])];
  const values = { network: titleOf(state.network), group, n: number, of: blocks.length, params: count(sum("params")), gmac: gmac(sum("macs")), relus: sum("relus") };
  return {
    title: t("block.title", { network: titleOf(state.network), group }),
    say: rows.length ? t(blocks.length > 1 ? "block.say" : "block.one", values) + (state.with === "blog_r2plus1d" ? ` ${t("block.article")}` : "") : t("block.empty"),
    body: [
      h("div", { class: "controls" },
        menu(t("group"), String(stage), groups, (value) => ui.set({ group: Number(value), block: 1 }), { key: "group" }),
        menu(t("beside"), state.with, others, (other) => ui.set({ with: other }), { key: "with" }),
        blocks.length > 1 && h("div", { class: "field", key: "blocks" }, h("span", {}, t("view.blocks")), h("div", { class: "blocks", role: "group", "aria-label": t("view.blocks") }, choose))),
      h("div", { class: names.length > 1 ? "columns two" : "columns" }, names.map((network) => drawn(ui, network, stage, number, names.length > 1))),
    ],
  };
}

function drawn(ui, network, stage, number, titled) {
  const { t } = ui;
  const blocks = blocksOf(ui, network, stage);
  const rows = blocks[Math.min(number, blocks.length) - 1];
  const heading = titled ? h(ui.sub, { class: "sub" }, network === "blog_r2plus1d" ? t("article") : titleOf(network)) : null;
  if (!rows?.length) return h("section", { key: network }, heading, h("p", {}, t("block.empty")));
  const form = formOf(ui, network, stage, number);
  const short = (row) => row.name.includes("downsample");
  const main = rows.filter((row) => !short(row));
  const bypass = rows.filter(short);
  const residual = stage > 0 && stage < 5 && !network.startsWith("c3d") && BLOCK.test(rows[0].name);
  const end = residual ? main.findLastIndex((row) => row.kind === "ReLU") : main.length;
  const path = steps(ui, network, stage, main.slice(0, end), form);
  const entry = h("div", { class: "edge" }, times(main[0].input));
  const first = titled ? null : h("p", { class: "note" }, t("block.note"));
  if (!residual) return h("section", { key: network, class: "flow" }, heading, entry, path, first);
  const side = bypass.length ? steps(ui, network, stage, bypass, "") : h("p", { class: "soft" }, t("block.same"));
  return h("section", { key: network, class: "flow" }, heading, entry,
    h("div", { class: "split" }, h("div", { class: "flow" }, path), h("div", { class: "side" }, h("span", { class: "note" }, t("shortcut")), side)),
    h("div", { class: "node plus" }, "+"), h("div", { class: "edge" }, times(main.at(-1).shape)),
    h("div", { class: "node plain" }, "ReLU"), h("div", { class: "edge" }, times(main.at(-1).shape)), first);
}

/** Layers one below the other; P3D's parallel paths side by side. */
function steps(ui, network, stage, rows, form) {
  const { t } = ui;
  const out = [];
  let at = 0;
  while (at < rows.length) {
    const unit = /^(.*\.)(spatial|temporal)\./.exec(rows[at].name)?.[1];
    if (unit && (form === "b" || form === "c")) {
      const inUnit = rows.slice(at).filter((row) => row.name.startsWith(unit) && /spatial|temporal|relu$/.test(row.name.slice(unit.length)));
      const spatial = inUnit.filter((row) => row.name.slice(unit.length).startsWith("spatial"));
      const temporal = inUnit.filter((row) => !row.name.slice(unit.length).startsWith("spatial"));
      const s = plain(ui, network, stage, spatial);
      const tt = plain(ui, network, stage, temporal);
      if (form === "b") out.push(h("div", { class: "split" }, h("div", { class: "flow" }, s), h("div", { class: "side" }, tt)));
      else out.push(s, h("div", { class: "split" }, h("div", { class: "flow" }, tt), h("div", { class: "side" }, h("span", { class: "note" }, t("block.sItself")))));
      out.push(h("div", { class: "node plus" }, "+"), h("div", { class: "edge" }, times(spatial.at(-1).shape)));
      at += inUnit.length;
    } else {
      let end = at + 1;
      const inUnit = (row) => (form === "b" || form === "c") && /\.(spatial|temporal)\./.test(row.name);
      while (end < rows.length && !inUnit(rows[end])) end++;
      out.push(plain(ui, network, stage, rows.slice(at, end)));
      at = end;
    }
  }
  return out;
}

/** Layers in a row: a box for what has weights to multiply, one line for BatchNorm and ReLU after it. */
function plain(ui, network, stage, rows) {
  const { t, state } = ui;
  const out = [];
  rows.forEach((row, i) => {
    const edge = () => h("div", { class: "edge" }, times(row.shape));
    if (row.kind === "Conv") {
      const [k, cin, cout] = [row.kernel, row.input[0], row.shape[0]];
      const kind = kindOfRow(kindsOf(network)[stage], k);
      const go = (event) => ui.go("conv", { conv: kind, open: 0 }, event);
      const strides = row.stride.some((s) => s > 1) ? t("strideOf", { stride: times(row.stride) }) : "";
      out.push(h("button", { type: "button", class: `node ${k[0] === 1 && k[1] === 1 ? "clip" : KINDS[kindCss(kind)].css}`, "data-focus": row.name, onclick: go },
        h("b", {}, `${times(k)} · ${cin} → ${cout}${strides}`),
        h("small", {}, t("paramsOf", { formula: `${times(k)} × ${cin} × ${cout}`, n: count(row.params) })),
        h("small", {}, t("macsOf", { places: times(row.shape.slice(1)), n: count(row.macs) }))), edge());
    } else if (row.kind === "Linear" || row.kind === "GRU") {
      out.push(h("div", { class: "node" }, h("b", {}, `${row.kind} · ${times(row.input)} → ${times(row.shape)}`), h("small", {}, t("paramsOf", { formula: row.kind, n: count(row.params) }))), edge());
    } else {
      const before = rows[i - 1];
      const small = (r) => r && !["Conv", "Linear", "GRU"].includes(r.kind);
      if (small(before)) return;
      let last = i;
      while (small(rows[last + 1])) last++;
      const names = rows.slice(i, last + 1).map((r) => (r.kind === "BatchNorm3d" ? t("norm", { n: count(r.params) }) : r.kind === "ReLU" ? "ReLU" : `${t("pool")} ${times(r.kernel)}`));
      out.push(h("div", { class: "node plain" }, names.map((name, n) => h("span", { key: n }, name))), h("div", { class: "edge" }, times(rows[last].shape)));
    }
  });
  return out;
}

/** The convolution view's kind for a layer of a group of this kind. */
function kindOfRow(kind, kernel) {
  if (kind === "stacked" && kernel[0] > 1) return "stacked";
  if (kind?.startsWith("p3d")) return kind === "p3d" ? "p3d-a" : kind;
  if (kind === "2+1d") return "2+1d";
  return kernel[0] > 1 ? "3d" : "2d";
}

const kindCss = (kind) => (kind in KINDS ? kind : "2d");
