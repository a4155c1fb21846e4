/**
 * What trained networks learnt: stem kernels, channels over time, and what each makes of a clip run forwards beside
 * the same clip reversed, frozen or shuffled. The numbers are recorded (record.py), or the learner's own network's.
 * @module
 */
import { h, menu, svg, switcher } from "../draw.js";
import { titleOf } from "../networks.js";

const VERSION = 1;
const ORDERS = ["forward", "reversed", "frozen", "shuffled"];

/** A recording of this version, or null. */
export function recordingOf(learnt) {
  return learnt?.version === VERSION && learnt.networks && learnt.clips?.length ? learnt : null;
}

/** Bytes from base64. */
function bytes(text) {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

/** The view of what was learnt. */
export function learntView(ui) {
  const { t, state, options } = ui;
  const title = t("learnt.title");
  const recording = recordingOf(options.learnt);
  if (!recording) {
    const say = options.learnt?.version ? t("learnt.version", { got: options.learnt.version, want: VERSION }) : t("learnt.none");
    return { title, say, body: h("div", { class: "panel" }, h("p", {}, t("learnt.how")), h("code", {}, "python -m r2p1d_edu.lab.explorer.record")) };
  }
  const names = Object.keys(recording.networks);
  const name = names.includes(state.learnt) ? state.learnt : names[0];
  const network = recording.networks[name];
  const sample = Math.min(state.sample, recording.clips.length - 1);
  const order = state.order;
  const best = (scores) => recording.classes[scores.indexOf(Math.max(...scores))];
  const scoresOf = (which) => network.scores[which][sample];
  const sameAnswer = best(scoresOf("forward")) === best(scoresOf(order));
  const call = name === "own" ? t("learnt.own") : titleOf(name);
  const say = t(sameAnswer ? "learnt.same" : "learnt.other", { network: call, clip: recording.clips[sample].name, a: best(scoresOf("forward")), b: best(scoresOf(order)), order: t(`order.${order}`) });
  const sides = (order === "forward" ? ["forward"] : ["forward", order]).map((which) =>
    h("section", { class: "panel", key: which }, h(ui.sub, { class: "sub" }, t(`order.${which}`)), film(ui, recording, sample, which), scoreBars(ui, recording, scoresOf(which)), heat(ui, network.middle[which][sample], which)));
  return {
    title,
    say,
    body: [
      h("div", { class: "controls" },
        switcher(t("first"), name, names.map((key) => [key, key === "own" ? t("learnt.own") : titleOf(key)]), (learnt) => ui.set({ learnt }), "network"),
        menu(t("clipShown"), String(sample), recording.clips.map((clip, i) => [String(i), clip.name]), (value) => ui.set({ sample: Number(value) }), { key: "sample" }),
        switcher(t("orderOf"), order, ORDERS.map((key) => [key, t(`order.${key}`)]), (value) => ui.set({ order: value }), "order")),
      h("div", { class: "columns two" }, sides),
      h("section", { class: "panel" }, h(ui.sub, { class: "sub" }, t("learnt.stem", { shape: network.stem.shape.join("×") })), kernels(ui, network.stem)),
      h("p", { class: "note" }, t("learnt.note", { made: network.made })),
    ],
  };
}

/** The frames of a clip in an order. */
function film(ui, recording, sample, which) {
  const { t } = ui;
  const { frames, side } = recording;
  const clip = recording.clips[sample];
  const order = recording.orders[which];
  const pixels = bytes(clip.pixels);
  const paint = (f) => (canvas) => {
    canvas.width = canvas.height = side;
    const picture = new ImageData(side, side);
    for (let i = 0; i < side * side; i++) {
      const v = pixels[f * side * side + i];
      picture.data.set([v, v, v, 255], 4 * i);
    }
    canvas.getContext("2d").putImageData(picture, 0, 0);
  };
  const label = t("learnt.film", { clip: clip.name, frames, order: t(`order.${which}`) });
  return h("div", { class: "filmrow", role: "img", "aria-label": label, style: `grid-template-columns:repeat(${frames},minmax(0,1fr))` },
    order.map((f, place) => h("span", { key: place }, h("canvas", { paint: paint(f), version: `${sample}-${f}`, style: "width:100%" }), h("small", {}, String(f + 1)))));
}

function scoreBars(ui, recording, scores) {
  const most = scores.indexOf(Math.max(...scores));
  const low = Math.min(...scores);
  const span = Math.max(...scores) - low || 1;
  return h("ul", { class: "bars scores" }, recording.classes.map((name, i) =>
    h("li", { key: i, class: i === most ? "differs" : "" }, h("span", {}, name), " ", h("b", {}, scores[i].toFixed(2).replace("-", "−")),
      h("span", { class: "meter" }, h("i", { style: `width:${((100 * (scores[i] - low)) / span).toFixed(1)}%` })))));
}

/** Channels down, frames across: the mean of each, as a picture. */
function heat(ui, rows, which) {
  const { t } = ui;
  const most = Math.max(...rows.flat().map(Math.abs), 1e-9);
  const inside = (ui.width >= 860 ? (ui.width - 24) / 2 : ui.width) - 28; // under the film, frame by frame
  const [w, high] = [inside / rows[0].length, 12];
  const cells = rows.flatMap((row, c) => row.map((v, f) => h("rect", {
    key: `${c}-${f}`, x: f * w, y: c * high, width: w - 1, height: high - 1, fill: v < 0 ? "var(--minus)" : "var(--plus)", "fill-opacity": (Math.abs(v) / most).toFixed(2),
  })));
  return h("div", { class: "heat" }, h("p", { class: "note" }, t("learnt.middle", { n: rows.length })), svg(rows[0].length * w, rows.length * high, t("learnt.middleLabel", { n: rows.length, order: t(`order.${which}`) }), cells));
}

/** Stem kernels in colour, a row of frames for each. */
function kernels(ui, stem) {
  const { t } = ui;
  const [n, , T, H, W] = stem.shape;
  const data = bytes(stem.bytes);
  const paint = (k) => (canvas) => {
    canvas.width = T * (W + 1) - 1;
    canvas.height = H;
    const pen = canvas.getContext("2d");
    const at = (c, f, y, x) => data[(((k * 3 + c) * T + f) * H + y) * W + x];
    for (let f = 0; f < T; f++) for (let y = 0; y < H; y++) for (let x = 0; x < W; x++) {
      pen.fillStyle = `rgb(${at(0, f, y, x)},${at(1, f, y, x)},${at(2, f, y, x)})`;
      pen.fillRect(f * (W + 1) + x, y, 1, 1);
    }
  };
  return h("div", { class: "kernels", role: "img", "aria-label": t("learnt.stemLabel", { n, T }) }, Array.from({ length: n }, (_, k) =>
    h("canvas", { key: k, paint: paint(k), version: `${k}-${stem.bytes.length}-${stem.bytes.slice(0, 12)}`, style: `width:${T * (W + 1) * 6}px` })));
}
