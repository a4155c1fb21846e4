/**
 * What a network costs for one clip: shapes, parameters, multiply-adds, activations, receptive field, ReLUs.
 *
 * The same numbers as r2p1d_edu.account, to the unit; tests/explorer holds the two together. One MAC is one
 * multiply-add; convolutions, linear and recurrent layers count, BatchNorm and all else is 0, as in the published tables.
 * @module
 */
import { C3D_STAGES, DEPTHS, FUSIONS, GROUP_KINDS, GROUPS, OTHERS, P3D_BLOCKS, ROWS, STEM_KINDS } from "./networks.js";

/** @typedef {[number, number, number]} Triple time, height, width */
/** @typedef {{shape: number[], field: {low: Triple, high: Triple, jump: Triple}}} Tensor shape is (C, T, H, W) */
/**
 * One call of one layer.
 * @typedef {object} Row
 * @property {string} name as in the network's named_modules()
 * @property {string} group the first part of the name
 * @property {string} kind class of the layer
 * @property {Triple|null} kernel @property {Triple|null} stride
 * @property {number[]} input @property {number[]} shape
 * @property {number} params @property {number} macs @property {number} activations bytes in fp32
 * @property {Triple} field what one number sees of the clip: frames, rows, columns, padding included
 * @property {number} relus
 */
/**
 * @typedef {object} Account
 * @property {number} params @property {number} macs @property {number} activations @property {number} relus
 * @property {{name: string, shape: number[], params: number, macs: number, activations: number, field: Triple,
 *   relus: number}[]} groups
 * @property {Row[]} rows
 * @property {{group: string, reason: [string, object]}|null} error why it cannot be built; rows end there. The reason
 *   is a key of words.js and what to fill in.
 * @property {{group: string, reason: [string, object]}|null} room where a kernel or stride finds too little left of the clip
 */

const STEM_MIDPLANES = 45; // a literal in the authors' released code; their own rule gives 83

/** M of the paper's section 3.5: as many channels as make a (2+1)D pair cost what the t×d×d convolution does. */
export function midplanes(inputs, outputs, t = 3, d = 3) {
  return Math.floor((t * d * d * inputs * outputs) / (d * d * inputs + t * outputs));
}

/** Weights of the t×d×d convolution. */
export const fullWeights = (inputs, outputs, t = 3, d = 3) => t * d * d * inputs * outputs;

/** Weights of the pair: 1×d×d to `mid` channels, then t×1×1. */
export function pairWeights(inputs, outputs, mid, t = 3, d = 3) {
  return d * d * inputs * mid + t * mid * outputs;
}

/** M of a (2+1)D stem as released: 45 at width 64, in proportion at others. */
export const stemMidplanes = (width) => Math.max(1, Math.floor((STEM_MIDPLANES * width) / 64));

/**
 * Every difference in parameters between R(2+1)D and R3D; the differences add up to the unit.
 * @param {number[]} blocks residual blocks a group @param {number} width
 * @returns {{title: string, count: number, difference: number}[]}
 */
export function balance(blocks = DEPTHS[18], width = 64) {
  const mismatch = (i, o, mid, t, d) => pairWeights(i, o, mid ?? midplanes(i, o), t, d) - fullWeights(i, o, t, d);
  const stem = Math.floor((STEM_MIDPLANES * width) / 64);
  const rows = [{ title: "stem weights", count: 1, difference: mismatch(3, width, stem, 3, 7) }];
  let norms = 2 * stem;
  let channels = width;
  blocks.forEach((number, group) => {
    const out = width * 2 ** group;
    const changes = out !== channels ? 1 : 0;
    if (changes) rows.push({ title: `${channels}→${out} weights`, count: 1, difference: mismatch(channels, out) });
    const same = 2 * number - changes;
    rows.push({ title: `${out}→${out} weights`, count: same, difference: same * mismatch(out, out) });
    norms += 2 * (midplanes(channels, out) + (2 * number - 1) * midplanes(out, out));
    channels = out;
  });
  const convolutions = 1 + 2 * blocks.reduce((a, b) => a + b);
  rows.push({ title: "BatchNorm between the halves", count: convolutions, difference: norms });
  return rows;
}

const product = (numbers) => numbers.reduce((a, b) => a * b, 1);
const axes = [0, 1, 2];

/** Why a network cannot be. The message is a key of words.js, so that it can be said in any language. */
class Refusal extends Error {
  constructor(key, values = {}, group = "") {
    super(key);
    Object.assign(this, { key, values, group });
  }
}

/** A clip on its way through a network, writing a row a layer. */
class Walk {
  constructor() {
    /** @type {Row[]} */
    this.rows = [];
  }

  /** Write a row and hand the output on. */
  record(name, kind, x, out, { params = 0, macs = 0, kernel = null, stride = null, relus = 0, extra = 0, writes = true }) {
    const group = name.split(".")[0];
    const activations = writes ? 4 * (product(out.shape) + extra) : 0;
    const field = axes.map((i) => out.field.high[i] - out.field.low[i] + 1);
    const row = { name, group, kind, kernel, stride, input: x.shape, shape: out.shape };
    this.rows.push({ ...row, params, macs, activations, field, relus });
    return out;
  }

  /** Slide a window over time, height and width. */
  slide(name, x, channels, kernel, stride, padding, ceil = false) {
    const sizes = x.shape.slice(1).map((size, i) => {
      const room = size + 2 * padding[i] - kernel[i];
      let steps = ceil ? Math.ceil(room / stride[i]) : Math.floor(room / stride[i]);
      if (ceil && steps * stride[i] >= size + padding[i]) steps -= 1; // no window begins in the padding at the far end
      const left = x.shape.slice(1).join("×");
      if (steps < 0) throw new Refusal("tooSmall", { layer: name, kernel: kernel.join("×"), left }, name.split(".")[0]);
      return steps + 1;
    });
    return { shape: [channels, ...sizes], field: through(x.field, kernel, stride, padding) };
  }

  conv(name, x, channels, kernel, stride = [1, 1, 1], padding = kernel.map((k) => Math.floor(k / 2))) {
    const out = this.slide(name, x, channels, kernel, stride, padding);
    const params = channels * x.shape[0] * product(kernel);
    return this.record(name, "Conv", x, out, { params, macs: params * product(out.shape.slice(1)), kernel, stride });
  }

  norm(name, x) {
    return this.record(name, "BatchNorm3d", x, x, { params: 2 * x.shape[0] });
  }

  relu(name, x) {
    return this.record(name, "ReLU", x, x, { relus: 1 });
  }

  /** BatchNorm and ReLU as the second and third part of a Sequential. */
  normRelu(prefix, x, first = 1) {
    return this.relu(`${prefix}.${first + 1}`, this.norm(`${prefix}.${first}`, x));
  }

  maxpool(name, x, kernel, stride, ceil) {
    const out = this.slide(name, x, x.shape[0], kernel, stride, [0, 0, 0], ceil);
    return this.record(name, "MaxPool3d", x, out, { kernel, stride });
  }

  /** Average over height and width, and over time unless it is kept. */
  avgpool(name, x, keepTime = false) {
    const [channels, t, h, w] = x.shape;
    const kernel = [keepTime ? 1 : t, h, w];
    const out = { shape: [channels, keepTime ? t : 1, 1, 1], field: through(x.field, kernel, kernel, [0, 0, 0]) };
    return this.record(name, "AdaptiveAvgPool3d", x, out, { kernel, stride: kernel });
  }

  linear(name, x, features) {
    const inputs = product(x.shape);
    const flat = { shape: [inputs], field: x.field };
    const out = { shape: [features], field: x.field };
    return this.record(name, "Linear", flat, out, { params: (inputs + 1) * features, macs: inputs * features });
  }
}

/** The field after one more window: (k−1)·jump larger, and the jump times the stride. */
function through(field, kernel, stride, padding) {
  return {
    low: axes.map((i) => field.low[i] - padding[i] * field.jump[i]),
    high: axes.map((i) => field.high[i] + (kernel[i] - 1 - padding[i]) * field.jump[i]),
    jump: axes.map((i) => field.jump[i] * stride[i]),
  };
}

/** All that two tensors see together, as where a shortcut is added. */
function sum(a, b) {
  const pick = (of, key) => axes.map((i) => of(a.field[key][i], b.field[key][i]));
  return { shape: a.shape, field: { low: pick(Math.min, "low"), high: pick(Math.max, "high"), jump: pick(Math.max, "jump") } };
}

/** One convolution of a residual block, BatchNorm and ReLU left to the block. Inside a Sequential it is part 0. */
function makeConv(walk, name, kind, x, channels, s, mid, relu) {
  if (kind === "2d") return walk.conv(name, x, channels, [1, 3, 3], [1, s, s]);
  if (kind === "3d") return walk.conv(name, x, channels, [3, 3, 3], [s, s, s]);
  if (kind === "2+1d") {
    let y = walk.norm(`${name}.1`, walk.conv(`${name}.0`, x, mid, [1, 3, 3], [1, s, s]));
    y = relu ? walk.relu(`${name}.2`, y) : walk.record(`${name}.2`, "Identity", y, y, { writes: false });
    return walk.conv(`${name}.3`, y, channels, [3, 1, 1], [s, 1, 1]);
  }
  return pseudo3d(walk, name, x, channels, s, kind.at(-1).toUpperCase());
}

/** P3D's unit: A is T(S(x)), B is S(x) + T(x), C is S(x) + T(S(x)). */
function pseudo3d(walk, name, x, channels, s, form) {
  const spatial = walk.conv(`${name}.spatial.0`, x, channels, [1, 3, 3], form === "A" ? [1, s, s] : [s, s, s]);
  const y = walk.normRelu(`${name}.spatial`, spatial);
  const stride = { A: [s, 1, 1], B: [s, s, s], C: [1, 1, 1] }[form];
  const t = walk.conv(`${name}.temporal.0`, form === "B" ? x : y, channels, [3, 1, 1], stride);
  const z = walk.relu(`${name}.relu`, walk.norm(`${name}.temporal.1`, t));
  return form === "A" ? z : sum(y, z);
}

/** The block of the paper's section 3.1: relu(x + bn(conv(relu(bn(conv(x)))))). */
function block(walk, name, kind, x, channels, s, rule, relu) {
  const inputs = x.shape[0];
  let shortcut = x;
  if (s !== 1 || inputs !== channels) {
    shortcut = walk.conv(`${name}.downsample.0`, x, channels, [1, 1, 1], [kind === "2d" ? 1 : s, s, s]);
    shortcut = walk.norm(`${name}.downsample.1`, shortcut);
  }
  const mid = midplanes(inputs, channels);
  let y = makeConv(walk, `${name}.conv1.0`, kind, x, channels, s, mid, relu);
  y = walk.normRelu(`${name}.conv1`, y);
  const second = rule === "per_block" ? mid : midplanes(channels, channels);
  y = walk.norm(`${name}.conv2.1`, makeConv(walk, `${name}.conv2.0`, kind, y, channels, 1, second, relu));
  return walk.relu(`${name}.relu`, sum(y, shortcut));
}

/** The skeleton that the whole family shares. */
function videoResNet(walk, x, kinds, { depth, width, frames, num_classes, midplanes: rule, fusion, relu_between: relu }) {
  const names = ["stem", "layer1", "layer2", "layer3", "layer4"];
  if (kinds.length !== 5) throw new Refusal("fiveKinds", { row: kinds.join(",") }, "stem");
  const kindAt = (group) => {
    const choices = group ? GROUP_KINDS : STEM_KINDS;
    if (choices.includes(kinds[group])) return kinds[group];
    throw new Refusal("noKind", { kind: kinds[group], choices: choices.join(", ") }, names[group]);
  };
  const stem = kindAt(0);
  if (stem === "2+1d") {
    let y = walk.norm("stem.1", walk.conv("stem.0", x, stemMidplanes(width), [1, 7, 7], [1, 2, 2]));
    y = relu ? walk.relu("stem.2", y) : walk.record("stem.2", "Identity", y, y, { writes: false });
    x = walk.normRelu("stem", walk.conv("stem.3", y, width, [3, 1, 1]), 4);
  } else {
    const [t, pad] = { stacked: [frames, 0], "2d": [1, 0], "3d": [3, 1] }[stem];
    x = walk.normRelu("stem", walk.conv("stem.0", x, width, [t, 7, 7], [1, 2, 2], [pad, 3, 3]));
  }
  let number = 0;
  DEPTHS[depth].forEach((blocks, group) => {
    for (let place = 0; place < blocks; place++) {
      const letter = "abc"[number++ % 3];
      const kind = kindAt(group + 1) === "p3d" ? `p3d-${letter}` : kinds[group + 1];
      const s = place === 0 && group > 0 ? 2 : 1;
      x = block(walk, `${names[group + 1]}.${place}`, kind, x, width * 2 ** group, s, rule, relu);
    }
  });
  x = walk.avgpool("avgpool", x, fusion !== "pool");
  walk.linear("fc", fuse(walk, x, fusion), num_classes);
}

/** From the features of T frames to one vector: the paper's average, a GRU, or a convolution over time. */
function fuse(walk, x, fusion) {
  const [channels, t] = x.shape;
  if (fusion === "pool") return walk.record("fusion", "Identity", x, x, { writes: false });
  if (fusion === "conv") {
    const y = walk.norm("fusion.norm", walk.conv("fusion.conv", x, channels, [3, 1, 1]));
    return walk.avgpool("fusion.avgpool", walk.relu("fusion.relu", y));
  }
  const weights = 6 * channels * channels; // three gates, each reads the input and the last state
  const field = through(x.field, [t, 1, 1], [1, 1, 1], [t - 1, 0, 0]);
  const sizes = { params: weights + 6 * channels, macs: t * weights, extra: channels };
  walk.record("fusion.gru", "GRU", { shape: [t, channels] }, { shape: [t, channels], field }, sizes);
  return { shape: [channels], field };
}

/** P3D-63, -131 or -199: bottlenecks with a unit A, B or C in the middle; four max-pools halve time. */
function p3d(walk, x, name, { width, num_classes }) {
  const blocks = P3D_BLOCKS[name.slice(3)];
  x = walk.normRelu("stem", walk.conv("stem.0", x, width, [1, 7, 7], [1, 2, 2]));
  x = walk.maxpool("pool1", x, [2, 3, 3], [2, 2, 2], true);
  let letter = 0;
  blocks.forEach((number, group) => {
    const channels = width * 2 ** group;
    for (let place = 0; place < number; place++) {
      const s = place === 0 && group > 0 ? 2 : 1;
      const form = group === 3 ? "2D" : "ABC"[letter++ % 3];
      x = bottleneck(walk, `res${group + 2}.${place}`, x, channels, s, form);
    }
    if (group < 3) x = walk.maxpool(`pool${group + 2}`, x, [2, 1, 1], [2, 1, 1], true);
  });
  walk.linear("fc", walk.avgpool("avgpool", x), num_classes);
}

function bottleneck(walk, name, x, channels, s, form) {
  let shortcut = x;
  if (s !== 1 || x.shape[0] !== 4 * channels) {
    shortcut = walk.conv(`${name}.downsample.0`, x, 4 * channels, [1, 1, 1], [1, s, s]);
    shortcut = walk.norm(`${name}.downsample.1`, shortcut);
  }
  let y = walk.normRelu(`${name}.reduce`, walk.conv(`${name}.reduce.0`, x, channels, [1, 1, 1], [1, s, s]));
  y =
    form === "2D"
      ? walk.normRelu(`${name}.unit`, walk.conv(`${name}.unit.0`, y, channels, [1, 3, 3]))
      : pseudo3d(walk, `${name}.unit`, y, channels, 1, form);
  y = walk.norm(`${name}.restore.1`, walk.conv(`${name}.restore.0`, y, 4 * channels, [1, 1, 1]));
  return walk.relu(`${name}.relu`, sum(y, shortcut));
}

/** C3D: eight 3×3×3 convolutions, five max-pools, three fully connected layers. */
function c3d(walk, x, { width, num_classes }) {
  C3D_STAGES.forEach(([convolutions, factor], stage) => {
    for (let place = 0; place < convolutions; place++) {
      const y = walk.conv(`conv${stage + 1}.${3 * place}`, x, factor * width, [3, 3, 3]);
      x = walk.normRelu(`conv${stage + 1}`, y, 3 * place + 1);
    }
    const pool = [stage === 0 || x.shape[1] === 1 ? 1 : 2, 2, 2]; // the first pool keeps every frame
    x = walk.maxpool(`conv${stage + 1}.${3 * convolutions}`, x, pool, pool, false);
  });
  for (const name of ["fc6", "fc7"]) {
    x = walk.relu(`${name}.1`, walk.linear(`${name}.0`, x, 64 * width));
    walk.record(`${name}.2`, "Dropout", x, x, { writes: false });
  }
  walk.linear("fc", x, num_classes);
}

/** The article's listing: BatchNorm and ReLU after every half, and a shortcut that is factorised too. */
function blog(walk, x, { depth, num_classes }) {
  const pair = (name, x, channels, [t, d], [strideT, strideS], mid) => {
    let y = walk.conv(`${name}.spatial_conv`, x, mid, [1, d, d], [1, strideS, strideS]);
    y = walk.relu(`${name}.relu`, walk.norm(`${name}.bn1`, y));
    y = walk.conv(`${name}.temporal_conv`, y, channels, [t, 1, 1], [strideT, 1, 1]);
    return walk.relu(`${name}.relu`, walk.norm(`${name}.bn2`, y));
  };
  x = pair("conv1", x, 64, [3, 7], [1, 2], STEM_MIDPLANES);
  DEPTHS[depth].forEach((blocks, group) => {
    const channels = 64 * 2 ** group;
    for (let place = 0; place < blocks; place++) {
      const name = `conv${group + 2}.${place}`;
      const s = place === 0 && group > 0 ? 2 : 1;
      const mid = midplanes(x.shape[0], channels);
      let y = pair(`${name}.conv1`, x, channels, [3, 3], [s, s], mid);
      y = walk.relu(`${name}.relu1`, walk.norm(`${name}.bn1`, y));
      y = pair(`${name}.conv2`, y, channels, [3, 3], [1, 1], midplanes(channels, channels));
      y = walk.norm(`${name}.bn2`, y);
      let shortcut = x;
      if (s === 2) {
        const narrow = midplanes(x.shape[0], channels, 1, 1);
        shortcut = pair(`${name}.downsampleconv`, x, channels, [1, 1], [2, 2], narrow);
        shortcut = walk.norm(`${name}.downsamplebn`, shortcut);
      }
      x = walk.relu(`${name}.relu2`, sum(y, shortcut));
    }
  });
  walk.linear("linear", walk.avgpool("pool", x), num_classes);
}

/** Where a kernel is larger than what is left of the clip, or a stride has nothing to stride over. */
function findRoom(rows, frames) {
  const stages = { stem: 0, layer1: 1, layer2: 2, layer3: 3, layer4: 4 };
  for (const row of rows) {
    if (!row.kernel || !(row.group in stages)) continue;
    const left = row.input.slice(1);
    for (const i of axes) {
      const more = i === 0 ? "moreFrames" : "moreSize";
      if (row.group === "stem" && row.kernel[i] > left[i]) {
        return { group: row.group, reason: ["noRoom", { kernel: row.kernel.join("×"), left: left.join("×"), more }] };
      }
      if (row.stride[i] > 1 && left[i] === 1) {
        const stackedUp = i === 0 && rows[0].shape[1] === 1 && frames > 1;
        const values = { group: GROUPS[stages[row.group]], axis: ["frame", "row", "column"][i], more };
        return { group: row.group, reason: ["noStride", { ...values, more: stackedUp ? "choose2d" : more }] };
      }
    }
  }
  return null;
}

const DEFAULTS = { depth: 18, width: 64, frames: 16, size: 112, num_classes: 400 };
const MORE_DEFAULTS = { midplanes: "per_conv", fusion: "pool", relu_between: true };
const NUMBERS = Object.keys(DEFAULTS);

/**
 * The bill of a network for one clip (3, frames, size, size).
 *
 * @param {{network: string|string[], depth?: number, width?: number, frames?: number, size?: number,
 *   num_classes?: number, midplanes?: "per_conv"|"per_block", fusion?: "pool"|"gru"|"conv", relu_between?: boolean}} wanted
 *   `network` is a name or five kinds, conv1 first.
 * @returns {Account} what cannot be built has an `error`, and the rows up to there
 */
export function account(wanted) {
  const options = { ...DEFAULTS, ...MORE_DEFAULTS };
  for (const [key, value] of Object.entries(wanted)) if (value !== undefined && value !== null) options[key] = value;
  const kinds = Array.isArray(options.network) ? options.network : ROWS[options.network] ?? options.network.split(",");
  const name = Array.isArray(options.network) ? "" : options.network;
  const walk = new Walk();
  let error = null;
  try {
    for (const key of NUMBERS) {
      if (!Number.isInteger(options[key]) || options[key] < 1) throw new Refusal("badNumber", { key, value: options[key] });
    }
    const { frames, size } = options;
    const clip = { shape: [3, frames, size, size], field: { low: [0, 0, 0], high: [0, 0, 0], jump: [1, 1, 1] } };
    const own = !(name in OTHERS) || name === "blog_r2plus1d";
    if (own && !(options.depth in DEPTHS)) throw new Refusal("noDepth", { depth: options.depth, choices: "10, 18, 34" });
    if (!FUSIONS.includes(options.fusion)) throw new Refusal("noFusion", { fusion: options.fusion });
    if (name === "c3d") c3d(walk, clip, options);
    else if (name === "blog_r2plus1d") blog(walk, clip, options);
    else if (name in OTHERS) p3d(walk, clip, name, options);
    else videoResNet(walk, clip, kinds, options);
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    error = { group: refusal.group, reason: [refusal.key, refusal.values] };
  }
  const rows = error ? walk.rows.filter((row) => row.group !== error.group) : walk.rows;
  const total = (key) => rows.reduce((a, row) => a + row[key], 0);
  const totals = { params: total("params"), macs: total("macs"), activations: total("activations"), relus: total("relus") };
  return { ...totals, groups: sumUp(rows), rows, error, room: findRoom(rows, options.frames) };
}

/** One row a group: sums, and the last output and receptive field. @param {Row[]} rows */
export function sumUp(rows) {
  const groups = new Map();
  for (const row of rows) {
    const { group, shape, field } = row;
    const before = groups.get(group) ?? { name: group, params: 0, macs: 0, activations: 0, relus: 0 };
    for (const key of ["params", "macs", "activations", "relus"]) before[key] += row[key];
    groups.set(group, Object.assign(before, { shape, field }));
  }
  return [...groups.values()];
}

/** Which of the five groups of the paper a network's own group belongs to; 5 is the head. @param {string} group */
export function stageOf(group) {
  const [, word, digit] = /^([a-z_]+)(\d*)$/.exec(group);
  if (word === "stem") return 0;
  if (word === "layer") return Number(digit);
  if (["res", "conv", "pool"].includes(word) && digit) return Number(digit) - 1;
  return 5;
}

/** The bill with one row a stage: conv1, four groups, and all that follows as "head". @param {Account} bill */
export function stages(bill) {
  return sumUp(bill.rows.map((row) => ({ ...row, group: ["0", "1", "2", "3", "4", "5"][stageOf(row.group)] })));
}
