/**
 * One convolution, number by number: the kernel moves through space and time, and the value it writes is written out.
 * @module
 */
import { CLIPS, checkClip, convolve } from "../clips.js";
import { h, menu, minus, slider, switcher } from "../draw.js";
import { KINDS } from "../networks.js";

const KINDS_SHOWN = ["2d", "3d", "2+1d", "p3d-a", "p3d-b", "p3d-c", "stacked"];
const PACE = 160; // milliseconds a position

/** What is computed for a state, kept while only the position changes. */
function work(ui) {
  const { state, memory, options } = ui;
  const own = checkClip(options.clip);
  const name = state.clip === "own" && !own ? "rise" : state.clip;
  const key = [state.conv, name, state.kernel, state.m, state.relu].join();
  if (memory.work?.key !== key || memory.work.own !== own) {
    const clip = name === "own" ? own : CLIPS[name];
    memory.work = { key, own, clip, ...convolve(state.conv, clip, state.kernel, state.m, state.relu === "on") };
  }
  return memory.work;
}

/** The position, held inside the output. */
function place(state, { out }) {
  const hold = (value, length) => Math.min(value, length - 1);
  return { t: hold(state.t, out.length), y: hold(state.y, out[0].length), x: hold(state.x, out[0][0].length) };
}

/** The position after the next step; through time first, or across the frame first. */
function next({ t, y, x }, { out }, path, step = 1) {
  const [T, H, W] = [out.length, out[0].length, out[0][0].length];
  const n = T * H * W;
  const here = path === "time" ? (y * W + x) * T + t : (t * H + y) * W + x;
  const there = (here + step + n) % n;
  if (path === "time") return { t: there % T, x: Math.floor(there / T) % W, y: Math.floor(there / T / W) };
  return { x: there % W, y: Math.floor(there / W) % H, t: Math.floor(there / W / H) };
}

function play(ui) {
  const { memory } = ui;
  if (memory.playing) return memory.stop();
  let last = performance.now();
  const beat = (now) => {
    if (!memory.playing) return;
    if (now - last >= PACE) {
      last = now;
      const made = work(ui);
      ui.tick(next(place(ui.state, made), made, memory.path));
    }
    memory.playing = requestAnimationFrame(beat);
  };
  memory.playing = requestAnimationFrame(beat);
  memory.stop = () => {
    cancelAnimationFrame(memory.playing);
    memory.playing = 0;
    memory.stop = null;
    ui.set({});
  };
  ui.redraw();
}

/** The convolution view. */
export function convolutionView(ui) {
  const { t, state, memory } = ui;
  memory.path ??= "space";
  const made = work(ui);
  const here = place(state, made);
  const written = made.write(here.t, here.y, here.x);
  const twoHalves = !["2d", "3d", "stacked"].includes(state.conv);
  const film = (name, frames, options) => strip(ui, made, here, name, frames, options);
  const seen = made.frames(here.t);
  const spatial = state.conv === "2+1d" || state.conv === "p3d-a" || state.conv === "p3d-c";
  const strips = [
    film(t("theClipFilm"), made.clip, { key: "clip", seen, window: spatial ? [here.t] : seen, range: "pixel", side: state.conv === "p3d-b" ? [here.t] : null }),
    made.middle.map((channel, i) =>
      film(t(state.relu === "on" ? "middleRelu" : "middle", { m: i + 1, of: made.middle.length }), channel, { key: `mid${i}`, seen, window: seen, cell: true, range: "value" })),
    film(t(state.conv === "stacked" ? "outputOne" : "output"), made.out, { key: "out", seen: [here.t], window: [here.t], cell: true, range: "value", fresh: true }),
  ];
  const value = minus(written.value);
  const say = t(`conv.${state.conv}`, { t: here.t + 1, y: here.y + 1, x: here.x + 1, value, weights: made.weights, m: state.m, last: made.clip.length });
  return {
    title: t("conv.title", { kind: t(`kind.${state.conv}`) }),
    say: state.clip === "own" && !made.own ? `${t(ui.options.clip ? "badClip" : "noClip")} ${say}` : say,
    quiet: Boolean(memory.playing),
    body: [
      choices(ui, twoHalves),
      transport(ui, made, here),
      h("div", { class: memory.playing ? "conv playing" : "conv" },
        h("div", { tabindex: 0, role: "group", "aria-label": t("conv.keys"), class: KINDS[state.conv].css, onkeydown: (event) => keys(ui, made, here, event) }, strips),
        h("section", { class: "panel", "aria-label": t("written") }, h(ui.sub, { class: "sub" }, t("writtenAt", { t: here.t + 1, y: here.y + 1, x: here.x + 1 })), writeOut(ui, made, here, written))),
      h("p", { class: "note" }, t("conv.note")),
    ],
  };
}

function choices(ui, twoHalves) {
  const { t, state, options } = ui;
  const kinds = KINDS_SHOWN.map((kind) => [kind, KINDS[kind].title]);
  const clips = Object.keys(CLIPS).map((clip) => [clip, t(`clip.${clip}`)]);
  if (options.clip) clips.push(["own", t("clip.own")]);
  const kernels = ["motion", "change", "edge", "blur"].map((kernel) => [kernel, t(`kernel.${kernel}`)]);
  return h("div", { class: "controls" },
    switcher(t("kind"), state.conv, kinds, (conv) => ui.set({ conv, open: 0 }), "kind"),
    switcher(t("clipShown"), state.clip, clips, (clip) => ui.set({ clip }), "clip"),
    menu(t("kernel"), state.kernel, kernels, (kernel) => ui.set({ kernel }), { key: "kernel" }),
    state.conv === "2+1d" && switcher(t("middleChannels"), state.m, [1, 2, 3, 4].map((m) => [m, String(m)]), (m) => ui.set({ m, open: 0 }), "m"),
    twoHalves && switcher(t(state.conv === "2+1d" ? "reluBetween" : "reluAfter"), state.relu, [["on", t("on")], ["off", t("off")]], (relu) => ui.set({ relu }), "relu"));
}

function transport(ui, made, here) {
  const { t, memory } = ui;
  const button = (key, sign, act, attrs = {}) =>
    h("button", { type: "button", key, "aria-label": t(key), title: t(key), onclick: act, ...attrs }, sign);
  const steps = (length) => Array.from({ length }, (_, i) => i + 1);
  const to = (part) => (value) => ui.set({ ...here, [part]: value - 1 });
  return h("div", { class: "controls" },
    h("div", { class: "field", key: "buttons" }, h("span", {}, t("move")), h("div", {},
      button("stepBack", "‹", () => ui.set(next(here, made, memory.path, -1))), " ",
      h("button", { type: "button", key: "play", class: "main", onclick: () => play(ui) }, t(memory.playing ? "pause" : "play")), " ",
      button("step", "›", () => ui.set(next(here, made, memory.path))))),
    switcher(t("pathOf"), memory.path, [["space", t("path.space")], ["time", t("path.time")]], (path) => { memory.path = path; ui.redraw(); }, "path"),
    slider(t("frame"), here.t + 1, steps(made.out.length), to("t"), "t"),
    slider(t("row"), here.y + 1, steps(made.out[0].length), to("y"), "y"),
    slider(t("column"), here.x + 1, steps(made.out[0][0].length), to("x"), "x"));
}

function keys(ui, made, here, event) {
  const moves = { ArrowLeft: ["x", -1], ArrowRight: ["x", 1], ArrowUp: ["y", -1], ArrowDown: ["y", 1], PageUp: ["t", -1], PageDown: ["t", 1] };
  if (event.key === " ") play(ui);
  else if (moves[event.key]) {
    const [part, step] = moves[event.key];
    const length = { t: made.out.length, y: made.out[0].length, x: made.out[0][0].length }[part];
    ui.set({ ...here, [part]: Math.min(length - 1, Math.max(0, here[part] + step)) });
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

/** A film: frames side by side, those in the window framed. Pressing and dragging moves the kernel. */
function strip(ui, made, here, name, frames, { key, seen, window, cell = false, range, fresh = false, side = null }) {
  const { memory } = ui;
  const wide = ui.width >= 1080 ? ui.width - 372 - 24 : ui.width;
  const columns = wide >= 600 ? Math.max(8, frames.length) : 4;
  const size = Math.min(120, Math.floor((wide - 6 * (columns - 1)) / columns)) - 2;
  const [H, W] = [frames[0].length, frames[0][0].length];
  const pixel = size / W;
  const most = range === "pixel" ? 9 : Math.max(1, ...frames.flat(2).map(Math.abs));
  const move = (t, event) => {
    if (event.type === "pointerdown") event.currentTarget.setPointerCapture?.(event.pointerId);
    else if (!(event.buttons & 1)) return;
    const box = event.currentTarget.getBoundingClientRect();
    const under = document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-frame]");
    const other = under && under.parentElement === event.currentTarget.parentElement ? under : event.currentTarget;
    const inside = other === event.currentTarget ? box : other.getBoundingClientRect();
    const at = (offset, length) => Math.min(length - 1, Math.max(0, Math.floor(offset / pixel)));
    const position = { y: at(event.clientY - inside.top, H), x: at(event.clientX - inside.left, W) };
    ui.set({ t: made.out.length === 1 ? 0 : Number(other.dataset.frame), ...position });
  };
  const [red] = getComputedStyle(ui.root).backgroundColor.match(/\d+/g).map(Number);
  const base = red > 128 ? 255 : 40; // what 0 looks like, light or dark
  const shown = frames.map((frame, t) => {
    const lit = seen.includes(t);
    const inWindow = window.includes(t);
    const shape = cell ? [1, 1, here.y, here.x] : side && !side.includes(t) ? [1, 1, here.y, here.x] : [3, 3, here.y - 1, here.x - 1];
    const [high, broad, y, x] = shape;
    const reached = fresh ? order(here, made, memory.path) : Infinity;
    const version = [made.key, size, range, fresh ? reached : "", devicePixelRatio, base].join();
    const paint = (canvas) => paintFrame(canvas, frame, { t, size, most, range, reached, made, path: memory.path, base });
    const box = `width:${broad * pixel}px;height:${high * pixel}px;transform:translate(${x * pixel}px,${y * pixel}px)`;
    return h("div", { key: t, class: lit ? "frame lit" : "frame", "data-frame": t, onpointerdown: (e) => move(t, e), onpointermove: (e) => move(t, e) },
      h("canvas", { paint, version, style: `width:${size}px;height:${(size * H) / W}px` }),
      (inWindow || lit) && h("div", { class: cell ? "win cell" : "win", style: box }),
      h("span", {}, frames.length > 1 ? String(t + 1) : "1"));
  });
  return h("div", { key }, h("p", { class: "stripname" }, name),
    h("div", { class: "strip", style: `grid-template-columns:repeat(${columns},${size + 2}px)` }, shown));
}

/** How far along the path a position is. */
function order({ t, y, x }, { out }, path) {
  const [T, H, W] = [out.length, out[0].length, out[0][0].length];
  return path === "time" ? (y * W + x) * T + t : (t * H + y) * W + x;
}

/** Cells in grey (pixels) or in blue and orange (values), with their numbers where there is room. */
function paintFrame(canvas, frame, { t, size, most, range, reached, made, path, base }) {
  const scale = globalThis.devicePixelRatio || 1;
  const [H, W] = [frame.length, frame[0].length];
  canvas.width = Math.round(size * scale);
  canvas.height = Math.round((size * scale * H) / W);
  const pen = canvas.getContext("2d");
  const pixel = canvas.width / W;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  frame.forEach((row, y) => row.forEach((value, x) => {
    const share = Math.min(1, Math.abs(value) / most);
    const mix = (end) => Math.round(base + (end - base) * share);
    const grey = Math.round(28 + 227 * share);
    const [r, g, b] = range === "pixel" ? [grey, grey, grey] : value < 0 ? [mix(213), mix(94), mix(0)] : [mix(0), mix(114), mix(178)];
    const later = order({ t, y, x }, made, path) > reached;
    pen.globalAlpha = later ? 0.22 : 1;
    pen.fillStyle = `rgb(${r},${g},${b})`;
    pen.fillRect(Math.floor(x * pixel), Math.floor(y * pixel), Math.ceil(pixel), Math.ceil(pixel));
    if (pixel / scale >= 12 && value !== 0) {
      pen.fillStyle = (range === "pixel" ? grey > 128 : base > 128 && (share < 0.6 || value < 0)) ? "#111" : "#fff";
      pen.font = `${Math.round(pixel * [0.62, 0.62, 0.56, 0.42, 0.36][Math.min(4, minus(value).length)])}px sans-serif`;
      pen.fillText(minus(value), (x + 0.5) * pixel, (y + 0.55) * pixel);
    }
  }));
  pen.globalAlpha = 1;
}

/** pixel × weight = product, nine times. */
function nine(cells) {
  return h("div", { class: "nine" }, cells.map(({ pixel, weight, product }) =>
    h("span", { class: product === 0 ? "zero" : "" }, `${pixel}×${minus(weight)}=${minus(product)}`)));
}

const added = (numbers) => numbers.map((n, i) => (i === 0 ? minus(n) : n < 0 ? ` − ${-n}` : ` + ${n}`)).join("");

/** One output value as the products that add up to it. */
function writeOut(ui, made, here, { planes, lines, value, sum, parts, inner }) {
  const { t, state } = ui;
  const bend = (n) => (state.relu === "on" ? Math.max(0, n) : n);
  const frameName = (f) => (f < 0 || f >= made.clip.length ? t("paddingFrame") : t("frameNo", { t: f + 1 }));
  const asPlane = (p, name = frameName(p.t)) => h("div", { class: "plane", key: name + p.t }, h("span", {}, name), nine(p.cells), h("b", {}, minus(p.sum)));
  const total = (text, n) => h("p", { class: "sumline" }, text, " = ", h("b", { class: "value" }, minus(n)));
  const flow = [];
  const openPlane = Math.min(state.open, Math.max(0, planes.length - 1));
  if (planes.length > 3) {
    const sums = planes.map((p, i) => h("button", { type: "button", key: i, "aria-pressed": String(i === openPlane), onclick: () => ui.set({ open: i }) }, `${frameName(p.t)}: ${minus(p.sum)}`));
    flow.push(h("div", { class: "terms" }, sums), asPlane(planes[openPlane]));
  } else if (planes.length && !lines.length) flow.push(planes.map((p) => asPlane(p)));
  if (!lines.length) return [...flow, total(added(planes.map((p) => p.sum)), value)];

  const direct = state.conv === "p3d-b"; // T reads the clip itself
  if (planes.length) flow.push(asPlane(planes[0], "S"));
  const openCell = Math.min(state.open, 3 * lines.length - 1);
  lines.forEach((line, channel) => {
    const terms = line.cells.map((cell, i) => {
      const index = 3 * channel + i;
      const label = `${minus(cell.value)}×${cell.weight < 0 ? `(${minus(cell.weight)})` : cell.weight}`;
      const opens = { type: "button", "aria-pressed": String(index === openCell), title: t("openValue"), onclick: () => ui.set({ open: index }) };
      return [i ? " + " : "", direct ? h("span", { key: `v${i}` }, label) : h("button", { key: `v${i}`, ...opens }, label)];
    });
    const name = state.conv === "2+1d" ? t("channelNo", { m: channel + 1 }) : "T";
    flow.push(h("div", { class: "terms", key: `line${channel}` }, h("span", { class: "soft" }, `${name}: `), terms, " = ", h("b", {}, minus(line.sum))));
  });
  if (!direct) {
    const [channel, i] = [Math.floor(openCell / 3), openCell % 3];
    const cell = lines[channel].cells[i];
    const plane = inner(channel, cell.t);
    const outside = cell.t < 0 || cell.t >= made.clip.length;
    const rectified = state.relu === "on" && !outside;
    flow.push(h("p", { class: "note", key: "inner" }, outside ? t("valueOutside") : t("valueFrom", { value: minus(cell.value), m: channel + 1, t: cell.t + 1 })));
    if (!outside) flow.push(asPlane(plane), rectified && h("p", { class: "note", key: "relu" }, `ReLU(${minus(plane.sum)}) = ${minus(cell.value)}`));
  }
  if (parts) {
    const shown = state.relu === "on" ? parts.map((n) => `ReLU(${minus(n)})`).join(" + ") : added(parts);
    return [...flow, total(state.relu === "on" ? `${shown} = ${added(parts.map(bend))}` : shown, value)];
  }
  const sums = added(lines.map((line) => line.sum));
  if (state.conv === "p3d-a" && state.relu === "on") return [...flow, total(`ReLU(${sums})`, value)];
  return [...flow, total(sums, sum)];
}
