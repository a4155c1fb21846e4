/**
 * The family as data: which network uses which kind of convolution in which group, how it looks, what was published.
 *
 * The same table as r2p1d_edu/networks/family.py and published.py; tests hold the two together.
 * Sources: Tran et al., CVPR 2018, Figure 1 and Table 2; Qiu et al., ICCV 2017; facebookresearch/VMZ.
 * @module
 */

/** @typedef {"stacked"|"2d"|"3d"|"2+1d"|"p3d-a"|"p3d-b"|"p3d-c"|"p3d"} Kind */

/** The five groups of convolutions, as the paper's Table 1 calls them. */
export const GROUPS = ["conv1", "conv2_x", "conv3_x", "conv4_x", "conv5_x"];

/** Five kinds a network, from the input to the classifier. @type {Record<string, Kind[]>} */
export const FAMILY = {
  r2d: ["stacked", "2d", "2d", "2d", "2d"],
  f_r2d: ["2d", "2d", "2d", "2d", "2d"],
  r3d: ["3d", "3d", "3d", "3d", "3d"],
  mc2: ["3d", "2d", "2d", "2d", "2d"],
  mc3: ["3d", "3d", "2d", "2d", "2d"],
  mc4: ["3d", "3d", "3d", "2d", "2d"],
  mc5: ["3d", "3d", "3d", "3d", "2d"],
  rmc2: ["2d", "3d", "3d", "3d", "3d"],
  rmc3: ["2d", "2d", "3d", "3d", "3d"],
  rmc4: ["2d", "2d", "2d", "3d", "3d"],
  rmc5: ["2d", "2d", "2d", "2d", "3d"],
  r2plus1d: ["2+1d", "2+1d", "2+1d", "2+1d", "2+1d"],
};

/** P3D's units in the family's skeleton: comparisons of this course's own. @type {Record<string, Kind[]>} */
export const CONTROLLED = {
  p3d_in_r3d: ["2d", "p3d", "p3d", "p3d", "p3d"],
  p3d_a_in_r3d: ["2d", "p3d-a", "p3d-a", "p3d-a", "p3d-a"],
  p3d_b_in_r3d: ["2d", "p3d-b", "p3d-b", "p3d-b", "p3d-b"],
  p3d_c_in_r3d: ["2d", "p3d-c", "p3d-c", "p3d-c", "p3d-c"],
};

/** Networks with a skeleton of their own, drawn with the five kinds that come closest. */
export const OTHERS = {
  p3d63: ["2d", "p3d", "p3d", "p3d", "2d"],
  p3d131: ["2d", "p3d", "p3d", "p3d", "2d"],
  p3d199: ["2d", "p3d", "p3d", "p3d", "2d"],
  c3d: ["3d", "3d", "3d", "3d", "3d"],
  blog_r2plus1d: ["2+1d", "2+1d", "2+1d", "2+1d", "2+1d"],
};

/** Every row that has a name. @type {Record<string, Kind[]>} */
export const ROWS = { ...FAMILY, ...CONTROLLED, ...OTHERS };

export const STEM_KINDS = ["stacked", "2d", "3d", "2+1d"];
export const GROUP_KINDS = ["2d", "3d", "2+1d", "p3d-a", "p3d-b", "p3d-c", "p3d"];
export const DEPTHS = { 10: [1, 1, 1, 1], 18: [2, 2, 2, 2], 34: [3, 4, 6, 3] };
export const P3D_BLOCKS = { 63: [3, 4, 6, 3], 131: [3, 4, 23, 3], 199: [3, 8, 36, 3] };
export const C3D_STAGES = [[1, 1], [1, 2], [2, 4], [2, 8], [2, 8]]; // convolutions, and channels in units of the width
export const FUSIONS = ["pool", "gru", "conv"];

/** Paper, Table 2: top-1 in % on Kinetics-400, 18 layers: clip and video at 8 frames, clip and video at 16. */
export const TABLE_2 = {
  r2d: [46.7, 59.5, 47.0, 58.9],
  f_r2d: [48.1, 59.4, 50.3, 60.5],
  r3d: [49.4, 61.8, 52.5, 64.2],
  mc2: [50.2, 62.5, 53.1, 64.2],
  mc3: [50.7, 62.9, 53.7, 64.7],
  mc4: [50.5, 62.5, 53.7, 65.1],
  mc5: [50.3, 62.5, 53.7, 65.1],
  rmc2: [49.8, 62.1, 53.1, 64.9],
  rmc3: [49.8, 62.3, 53.2, 65.0],
  rmc4: [49.9, 62.3, 53.4, 65.1],
  rmc5: [49.4, 61.2, 52.1, 63.1],
  r2plus1d: [52.8, 64.8, 56.8, 68.0],
};

/**
 * What Table 2 says of a network: percent, or null.
 * @param {string} name @param {number} frames @param {"clip"|"video"} level
 */
export function published(name, frames, level) {
  const row = TABLE_2[name];
  return row && (frames === 8 || frames === 16) ? row[(frames === 16 ? 2 : 0) + (level === "video" ? 1 : 0)] : null;
}

/** Name, colour, dash and marker of a network, as in lab/palette.py. A null colour is the ink of the page. */
export const LOOKS = {
  r2d: ["R2D", null, "18 5", "s"],
  f_r2d: ["f-R2D", null, "3 3", "o"],
  r3d: ["R3D", "#0072B2", "18 5", "s"],
  mc2: ["MC2", "#009E73", "3 3", "o"],
  mc3: ["MC3", "#009E73", "10 3 3 3", "^"],
  mc4: ["MC4", "#009E73", "9 4", "s"],
  mc5: ["MC5", "#009E73", "18 5", "p"],
  rmc2: ["rMC2", "#CC79A7", "3 3", "o"],
  rmc3: ["rMC3", "#CC79A7", "10 3 3 3 3 3", "v"],
  rmc4: ["rMC4", "#CC79A7", "9 4", "D"],
  rmc5: ["rMC5", "#CC79A7", "18 5", "p"],
  r2plus1d: ["R(2+1)D", "#D55E00", "", "P"],
  blog_r2plus1d: ["blog R(2+1)D", "#D55E00", "3 3", "X"],
  p3d63: ["P3D-63", "#56B4E9", "9 4", "^"],
  p3d131: ["P3D-131", "#56B4E9", "", "D"],
  p3d199: ["P3D-199", "#56B4E9", "10 3 3 3", "p"],
  p3d_in_r3d: ["P3D in R3D", "#E69F00", "18 5", "o"],
  p3d_a_in_r3d: ["P3D-A in R3D", "#E69F00", "9 4", "^"],
  p3d_b_in_r3d: ["P3D-B in R3D", "#E69F00", "3 3", "s"],
  p3d_c_in_r3d: ["P3D-C in R3D", "#E69F00", "10 3 3 3", "p"],
  c3d: ["C3D", "#0072B2", "3 3", "v"],
};

/** Title and the name of the colour in style.css of every kind. @type {Record<Kind, {title: string, css: string}>} */
export const KINDS = {
  stacked: { title: "stacked", css: "stacked" },
  "2d": { title: "2D", css: "k2d" },
  "3d": { title: "3D", css: "k3d" },
  "2+1d": { title: "(2+1)D", css: "k21d" },
  "p3d-a": { title: "P3D-A", css: "p3d" },
  "p3d-b": { title: "P3D-B", css: "p3d" },
  "p3d-c": { title: "P3D-C", css: "p3d" },
  p3d: { title: "P3D", css: "p3d" },
};

/**
 * The five kinds of a network: a name, or a row written "3d,3d,2+1d,2d,2d"; ":gru" or ":conv" may follow, the fusion.
 * @param {string} network @returns {Kind[]}
 */
export function kindsOf(network) {
  const [row] = network.split(":");
  return ROWS[row] ?? row.split(",");
}

/** The fusion that is written after a network. @param {string} network */
export function fusionOf(network) {
  return network.split(":")[1] ?? "pool";
}

/** What a bill of this network is asked for with; one of a fixed skeleton takes no depth from the family. */
export function query(network, { depth, width, frames, size, classes }) {
  return { network: network.split(":")[0], fusion: fusionOf(network), depth, width, frames, size, num_classes: classes };
}

/** A row's name where it has one in this skeleton, else the row itself. @param {Kind[]} kinds */
export function nameOf(kinds) {
  const row = kinds.join(",");
  return Object.keys(FAMILY).concat(Object.keys(CONTROLLED)).find((name) => ROWS[name].join(",") === row) ?? row;
}

/** The name as the papers print it; a learner's own row is its kinds. @param {string} network */
export function titleOf(network) {
  const [row, fusion] = network.split(":");
  if (fusion && fusion !== "pool") return `${titleOf(row)} + ${fusion === "gru" ? "GRU" : "conv"}`;
  if (LOOKS[network]) return LOOKS[network][0];
  return kindsOf(network).map((kind) => KINDS[kind]?.title ?? kind).join(" · ");
}

/** Does it share the family's skeleton, so that kinds, depth, width and fusion can be chosen? @param {string} network */
export function isFamily(network) {
  return !(network.split(":")[0] in OTHERS);
}
