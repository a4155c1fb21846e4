/**
 * What is shown is one flat state; a link is its text: "#conv=3d&t=2&x=4". This file turns one into the other and
 * refuses links that mean nothing.
 * @module
 */
import { DEPTHS, FUSIONS, P3D_BLOCKS, ROWS } from "./networks.js";

const oneOf = (...choices) => (text) => (choices.includes(text) ? text : undefined);
const whole = (low, high) => (text) => {
  const n = Number(text);
  return /^\d+$/.test(text) && n >= low && n <= high ? n : undefined;
};
const network = (text) => {
  const [row, fusion = "pool"] = text.split(":");
  if (!FUSIONS.includes(fusion)) return undefined;
  return row in ROWS || /^[\w+-]{1,12}(,[\w+-]{1,12}){4}$/.test(row) ? text : undefined;
};
const maybe = (read) => (text) => (text === "" ? "" : read(text));
const pair = (text) => (/^\d{1,4}-\d{1,4}(-[1-9]-[1-9])?$/.test(text) && !/(^|-)0+(-|$)/.test(text) ? text : undefined);

/** Every part of the state: its first value, and how it is read from a link (undefined: it cannot be). */
const PARTS = {
  network: ["r3d", network],
  with: ["", maybe(network)],
  depth: [18, (text) => (text in DEPTHS || text in P3D_BLOCKS ? Number(text) : undefined)],
  width: [64, whole(1, 128)],
  frames: [16, whole(1, 64)],
  size: [112, whole(1, 448)],
  classes: [400, whole(1, 10000)],
  sort: ["paper", oneOf("paper", "params", "macs", "accuracy")],
  at: [16, (text) => ({ 8: 8, 16: 16 })[text]],
  level: ["clip", oneOf("clip", "video")],
  cost: ["macs", oneOf("macs", "params")],
  group: [2, whole(0, 5)],
  block: [1, whole(1, 36)],
  conv: ["3d", oneOf("2d", "3d", "2+1d", "p3d-a", "p3d-b", "p3d-c", "stacked")],
  clip: ["rise", oneOf("rise", "fall", "approach", "still", "own")],
  kernel: ["motion", oneOf("motion", "change", "edge", "blur")],
  t: [3, whole(0, 63)],
  y: [4, whole(0, 63)],
  x: [4, whole(0, 63)],
  m: [2, whole(1, 4)],
  relu: ["on", oneOf("on", "off")],
  open: [0, whole(0, 99)],
  pair: ["64-64", pair],
  mid: [0, whole(0, 20000)],
  learnt: ["r2plus1d", oneOf("f_r2d", "r3d", "rmc3", "r2plus1d", "own")],
  order: ["reversed", oneOf("forward", "reversed", "frozen", "shuffled")],
  sample: [0, whole(0, 99)],
  layer: [-1, whole(0, 400)],
  cell: [-1, whole(0, 63)],
  tour: [0, whole(0, 10)],
  lang: ["en", oneOf("en", "zh")],
};

const CLIP = ["with", "depth", "width", "frames", "size", "classes"];
/** The views: the part that stands after the name in a link, the other parts that belong there, the view above. */
export const VIEWS = {
  family: { main: "sort", parts: ["at", "level", "cost", "with"], above: null },
  network: { main: "network", parts: CLIP, above: "family" },
  block: { main: "network", parts: ["group", "block", ...CLIP], above: "network" },
  conv: { main: "conv", parts: ["clip", "kernel", "t", "y", "x", "m", "relu", "open"], above: "block" },
  matching: { main: "pair", parts: ["mid", "depth", "width"], above: "family" },
  time: { main: "network", parts: ["layer", "cell", ...CLIP], above: "network" },
  learnt: { main: "learnt", parts: ["order", "sample"], above: "family" },
};
const EVERYWHERE = ["tour", "lang"];

/** The state that everything starts from. */
export function firstState() {
  return { view: "family", ...Object.fromEntries(Object.entries(PARTS).map(([key, [value]]) => [key, value])) };
}

/**
 * Read a link on top of a state. What belongs to the view and is not in the link gets its first value; what belongs to
 * other views is kept.
 * @returns {{state: object}|{error: [string, object]}}
 */
export function read(link, state) {
  const text = link.replace(/^#/, "");
  if (!text) return { state };
  const pairs = text.split("&").map((part) => {
    const at = part.indexOf("=");
    const [key, value] = at < 0 ? [part, ""] : [part.slice(0, at), part.slice(at + 1)];
    try {
      return [key, decodeURIComponent(value)];
    } catch {
      return [key, value];
    }
  });
  const [[name, main], ...others] = pairs;
  const view = Object.hasOwn(VIEWS, name) ? VIEWS[name] : undefined;
  if (!view) return { error: ["noView", { view: name, choices: Object.keys(VIEWS).join(", ") }] };
  const next = { ...state, view: name };
  for (const key of [view.main, ...view.parts, "tour"]) next[key] = PARTS[key][0];
  if (main) others.unshift([view.main, main]);
  for (const [key, value] of others) {
    const found = Object.hasOwn(PARTS, key) ? PARTS[key][1](value) : undefined;
    if (found === undefined) return { error: ["badPart", { key, value }] };
    next[key] = found;
  }
  return { state: next };
}

/** The link of a state; what has its first value is left out. */
export function write(state) {
  const { main, parts } = VIEWS[state.view];
  const encode = (value) => encodeURIComponent(value).replace(/%2B/g, "+").replace(/%2C/g, ",").replace(/%3A/g, ":");
  const others = [...parts, ...EVERYWHERE].filter((key) => state[key] !== PARTS[key][0]);
  return `#${[`${state.view}=${encode(state[main])}`, ...others.map((key) => `${key}=${encode(state[key])}`)].join("&")}`;
}
