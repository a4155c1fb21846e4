/**
 * Small clips and kernels of whole numbers, and what each kind of convolution makes of them. One channel, 8 frames of
 * 8×8 pixels from 0 (dark) to 9 (bright), so that every sum can be checked by hand; stride 1, padding with zeros.
 * @module
 */

/** @typedef {number[][][]} Film (T, H, W) */

export const SIDE = 8;

/** A disc with soft edges in each frame. @param {(s: number) => [number, number, number]} place row, column, radius at 0…1 */
function film(place) {
  const pixel = (t, y, x) => {
    const [row, column, radius] = place(t / (SIDE - 1));
    return Math.round(9 * Math.min(1, Math.max(0, 0.5 + radius - Math.hypot(y - row, x - column))));
  };
  return grid(SIDE, (t) => grid(SIDE, (y) => grid(SIDE, (x) => pixel(t, y, x))));
}

const grid = (n, of) => Array.from({ length: n }, (_, i) => of(i));

const RISE = film((s) => [6 - 5 * s, 3.5, 1.3]);

/** Clips after the classes of `arrow`: Fall is Rise run backwards. @type {Record<string, Film>} */
export const CLIPS = {
  rise: RISE,
  fall: [...RISE].reverse(),
  approach: film((s) => [3.5, 3.5, 0.6 + 2.6 * s]),
  still: film(() => [3.5, 3.5, 1.6]),
};

/** A learner's own clip: at most 16 frames of at most 16×16 whole numbers from 0 to 9, or null with the reason. */
export function checkClip(clip) {
  if (!Array.isArray(clip) || !clip.length) return null;
  const [h, w] = [clip[0]?.length, clip[0]?.[0]?.length];
  const row = (r) => Array.isArray(r) && r.length === w && r.every((v) => Number.isInteger(v) && v >= 0 && v <= 9);
  const fits = clip.length <= 16 && h >= 1 && h <= 16 && w >= 1 && w <= 16;
  return fits && clip.every((f) => Array.isArray(f) && f.length === h && f.every(row)) ? clip : undefined;
}

const BOTTOM_TOP = [[-1, -1, -1], [0, 0, 0], [1, 1, 1]];
const MIDDLE = [[0, 0, 0], [1, 1, 1], [0, 0, 0]];
const CENTRE = [[0, 0, 0], [0, 1, 0], [0, 0, 0]];
const CROSS = [[0, 1, 0], [1, 1, 1], [0, 1, 0]];
const ALL = [[1, 1, 1], [1, 1, 1], [1, 1, 1]];
const SIDES = [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]];
const DOT = [[0, -1, 0], [-1, 4, -1], [0, -1, 0]];

/** A kernel as up to four pairs, each 3×3 in space and 3 in time. The 3D kernel is the sum of the first two. */
export const KERNELS = {
  motion: [[BOTTOM_TOP, [1, 0, -1]], [MIDDLE, [0, 1, 0]], [DOT, [0, 1, 0]], [ALL, [1, -2, 1]]],
  change: [[CENTRE, [-1, 0, 1]], [CROSS, [-1, 2, -1]], [DOT, [0, 1, 0]], [SIDES, [1, 0, -1]]],
  edge: [[SIDES, [0, 1, 0]], [BOTTOM_TOP, [0, 1, 0]], [DOT, [0, 1, 0]], [CENTRE, [1, 1, 1]]],
  blur: [[ALL, [1, 1, 1]], [CROSS, [0, 1, 0]], [CENTRE, [1, 1, 1]], [MIDDLE, [0, 1, 0]]],
};

/** The 3×3×3 kernel: the sum of the first two pairs. @returns {Film} */
export function kernel3d(name) {
  return grid(3, (t) => grid(3, (y) => grid(3, (x) => KERNELS[name].slice(0, 2).reduce((sum, [s, tau]) => sum + s[y][x] * tau[t], 0))));
}

const at = (clip, t, y, x) => clip[t]?.[y]?.[x] ?? 0; // outside is padding

/** The nine products of a 3×3 kernel over one frame around (y, x). */
function plane(clip, weights, t, y, x) {
  const cells = [];
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      const pixel = at(clip, t, y + i - 1, x + j - 1);
      cells.push({ pixel, weight: weights[i][j], product: pixel * weights[i][j] });
    }
  }
  return { t, cells, sum: cells.reduce((a, cell) => a + cell.product, 0), padding: t < 0 || t >= clip.length };
}

/** Three products over three frames at one place. */
function line(clip, weights, t, y, x) {
  const cells = weights.map((weight, i) => {
    const value = at(clip, t + i - 1, y, x);
    return { t: t + i - 1, value, weight, product: value * weight };
  });
  return { cells, sum: cells.reduce((a, cell) => a + cell.product, 0) };
}

const everywhere = (clip, of) => clip.map((frame, t) => frame.map((row, y) => row.map((_, x) => of(t, y, x))));

/**
 * One kind of convolution over a clip.
 * @param {string} kind @param {Film} clip @param {string} name of the kernel @param {number} m channels in the middle
 * @param {boolean} relu between the halves, and after each half of P3D
 * @returns {{out: Film, middle: Film[], frames: (t: number) => number[], write: (t: number, y: number, x: number) => object}}
 *   `write` gives the products behind one output value: `planes` of nine, or `lines` of three over the `middle`.
 */
export function convolve(kind, clip, name, m, relu) {
  const pairs = KERNELS[name];
  const bend = (v) => (relu ? Math.max(0, v) : v);
  const [space, time] = pairs[0];
  const near = (t) => [t - 1, t, t + 1];
  const add = (parts) => parts.reduce((a, part) => a + part.sum, 0);
  if (kind === "stacked") {
    const whole = kernel3d(name);
    const weights = clip.map((_, t) => whole[Math.floor((3 * t) / clip.length)]); // early, middle and late frames
    const write = (_, y, x) => {
      const planes = clip.map((_, t) => plane(clip, weights[t], t, y, x));
      return { planes, lines: [], value: add(planes) };
    };
    const out = [clip[0].map((row, y) => row.map((_, x) => write(0, y, x).value))];
    return { out, middle: [], write, frames: () => clip.map((_, t) => t), weights: 9 * clip.length };
  }
  if (kind === "2d" || kind === "3d") {
    const weights = kind === "3d" ? kernel3d(name) : [space];
    const frames = (t) => (kind === "3d" ? near(t) : [t]);
    const write = (t, y, x) => {
      const planes = frames(t).map((f, i) => plane(clip, weights[i], f, y, x));
      return { planes, lines: [], value: add(planes) };
    };
    return { out: everywhere(clip, (t, y, x) => write(t, y, x).value), middle: [], write, frames, weights: 9 * weights.length };
  }
  const used = kind === "2+1d" ? pairs.slice(0, m) : [pairs[0]];
  const before = used.map(([s]) => everywhere(clip, (t, y, x) => plane(clip, s, t, y, x).sum));
  const middle = before.map((channel) => channel.map((frame) => frame.map((row) => row.map(bend))));
  const inner = (channel, t, y, x) => plane(clip, used[channel][0], t, y, x);
  const weights = 12 * used.length;
  if (kind === "2+1d" || kind === "p3d-a") {
    const write = (t, y, x) => {
      const lines = used.map(([, tau], channel) => line(middle[channel], tau, t, y, x));
      const value = kind === "2+1d" ? add(lines) : bend(add(lines));
      return { planes: [], lines, value, sum: add(lines), inner: (channel, f) => inner(channel, f, y, x) };
    };
    return { out: everywhere(clip, (t, y, x) => write(t, y, x).value), middle, write, frames: near, weights };
  }
  const write = (t, y, x) => {
    const lines = [line(kind === "p3d-b" ? clip : middle[0], time, t, y, x)];
    const own = plane(clip, space, t, y, x);
    const value = bend(own.sum) + bend(lines[0].sum);
    return { planes: [own], lines, value, parts: [own.sum, lines[0].sum], inner: (channel, f) => inner(channel, f, y, x) };
  };
  return { out: everywhere(clip, (t, y, x) => write(t, y, x).value), middle: kind === "p3d-c" ? middle : [], write, frames: near, weights };
}
