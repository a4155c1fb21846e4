/**
 * From plain descriptions to DOM: elements are made once and changed in place, so that focus, drags and transitions
 * survive a redraw. All text becomes text nodes; nothing here ever parses HTML.
 * @module
 */

const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set("svg g rect path line circle text tspan polygon polyline title desc defs".split(" "));
const PROPERTIES = new Set(["value", "checked", "disabled", "selected", "open"]);

/** @typedef {{tag: string, attrs: object, children: (VNode|string)[], key: string|undefined, el?: Element}} VNode */

/**
 * Describe an element. `key` names it among its siblings; `on…` are listeners; `paint` draws on a canvas, again
 * whenever `version` changes. False, null and undefined children and attributes are left out.
 * @returns {VNode}
 */
export function h(tag, attrs = {}, ...children) {
  const { key, ...rest } = attrs ?? {};
  return { tag, attrs: rest, key, children: flat(children) };
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false && child !== "");
}

/** Make the children of an element be as described. @param {Element} el @param {(VNode|string|VNode[])[]} described */
export function patch(el, described) {
  const next = flat(described);
  const old = el.described ?? [];
  const taken = new Set();
  const nodes = next.map((child) => {
    if (typeof child !== "object") {
      const before = old.find((o) => !o.vnode && !taken.has(o));
      if (before) taken.add(before);
      const node = before?.node ?? document.createTextNode("");
      if (node.data !== String(child)) node.data = String(child);
      return { node, vnode: null };
    }
    const before = old.find((o) => o.vnode && !taken.has(o) && o.vnode.tag === child.tag && o.vnode.key === child.key);
    if (before) taken.add(before);
    const node = before?.node ?? make(child.tag);
    if (before?.vnode !== child) update(node, before?.vnode, child);
    return { node, vnode: child };
  });
  for (const before of old) if (!taken.has(before)) before.node.remove();
  nodes.forEach(({ node }, place) => {
    if (el.childNodes[place] !== node) el.insertBefore(node, el.childNodes[place] ?? null);
  });
  el.described = nodes;
}

function make(tag) {
  if (SVG_TAGS.has(tag)) return document.createElementNS(SVG, tag);
  const el = document.createElement(tag);
  // JupyterLab's one-letter commands are not for what is used here; it asks the focused element itself.
  if (tag !== "span") el.setAttribute("data-lm-suppress-shortcuts", "");
  return el;
}

function update(el, before, after) {
  const old = before?.attrs ?? {};
  for (const name of Object.keys(old)) if (!(name in after.attrs)) setAttribute(el, name, null);
  patch(el, after.children);
  for (const [name, value] of Object.entries(after.attrs)) {
    if (name === "paint") continue;
    if (value !== old[name] || (PROPERTIES.has(name) && el[name] !== value)) setAttribute(el, name, value);
  }
  if (after.attrs.paint && (!before || old.version !== after.attrs.version)) after.attrs.paint(el);
}

function setAttribute(el, name, value) {
  if (name.startsWith("on")) el[name] = value;
  else if (PROPERTIES.has(name)) el[name] = value ?? (name === "value" ? "" : false);
  else if (value === null || value === undefined || value === false) el.removeAttribute(name);
  else el.setAttribute(name, value === true ? "" : String(value));
}

/** A picture of `width`×`height` pixels that says what it shows. */
export function svg(width, height, label, ...children) {
  const attrs = { width: Math.round(width), height: Math.round(height), viewBox: `0 0 ${Math.round(width)} ${Math.round(height)}` };
  const spoken = label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" };
  return h("svg", { ...attrs, ...spoken }, children);
}

/** A menu with a visible name. `choices` are [value, title] pairs. */
export function menu(name, value, choices, onChange, extra = {}) {
  const options = choices.map(([key, title]) => h("option", { key, value: key, selected: key === value }, title));
  return h("label", { class: "field", key: extra.key }, h("span", {}, name),
    h("select", { ...extra, key: undefined, value, onchange: (event) => onChange(event.target.value) }, options));
}

/** A row of buttons of which one is pressed. `choices` are [value, title] pairs. */
export function switcher(name, value, choices, onChange, key = name) {
  const button = ([choice, title]) =>
    h("button", { type: "button", key: choice, "aria-pressed": String(choice === value), onclick: () => onChange(choice) }, title);
  return h("div", { class: "field", key, role: "group", "aria-label": name }, h("span", {}, name),
    h("div", { class: "switch" }, choices.map(button)));
}

/** A slider over a list of numbers, with its value written beside it. */
export function slider(name, value, values, onChange, key = name) {
  const place = values.reduce((best, v, i) => (Math.abs(v - value) < Math.abs(values[best] - value) ? i : best), 0);
  return h("label", { class: "field", key }, h("span", {}, `${name} `, h("b", {}, String(value))),
    h("input", {
      type: "range", min: 0, max: values.length - 1, step: 1, value: String(place), "aria-label": name,
      "aria-valuetext": String(value), oninput: (event) => onChange(values[Number(event.target.value)]),
    }));
}

/** 33371472 → "33,371,472". */
export const count = (n) => Math.round(n).toLocaleString("en-US");

/** Three digits that mean something: 33371472 → "33.4 M", 110592 → "111 k", 147 → "147". */
export function short(n) {
  for (const [size, unit] of [[1e9, " G"], [1e6, " M"], [1e3, " k"]]) if (Math.abs(n) >= size) return digits(n / size) + unit;
  return digits(n);
}

/** 0.0123 → "0.0123", 4.5678 → "4.57", 456.7 → "457"; whole numbers below 1000 as they are. */
export function digits(n) {
  if (Number.isInteger(n)) return String(n);
  return n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n >= 1 ? n.toFixed(2) : n >= 0.01 ? n.toFixed(3) : n.toFixed(4);
}

export const gmac = (macs) => (macs / 1e9).toFixed(macs < 1e8 ? 4 : macs < 1e9 ? 3 : macs < 1e11 ? 2 : 1);
export const times = (sizes) => sizes.join("×");
export const signed = (n) => (n < 0 ? `−${count(-n)}` : n > 0 ? `+${count(n)}` : "0");
/** A whole number with a true minus sign. */
export const minus = (n) => (n < 0 ? `−${-n}` : String(n));

/** Markers of a circle of radius 1, by the palette's letters. */
export const MARKERS = {
  o: "M-.85,0A.85,.85 0 1,0 .85,0A.85,.85 0 1,0 -.85,0Z",
  s: "M-.71,-.71H.71V.71H-.71Z",
  D: "M0,-1L1,0L0,1L-1,0Z",
  "^": "M0,-1L.87,.5H-.87Z",
  v: "M0,1L.87,-.5H-.87Z",
  p: "M0,-1L.95,-.31L.59,.81H-.59L-.95,-.31Z",
  P: "M-.35,-1H.35V-.35H1V.35H.35V1H-.35V.35H-1V-.35H-.35Z",
  X: "M-.95,-.47L-.47,-.95L0,-.47L.47,-.95L.95,-.47L.47,0L.95,.47L.47,.95L0,.47L-.47,.95L-.95,.47L-.47,0Z",
  "*": "M0,-1L.24,-.32L.95,-.31L.38,.12L.59,.81L0,.4L-.59,.81L-.38,.12L-.95,-.31L-.24,-.32Z",
};

/** How many pixels a channel's thickness and a pixel's height take. @typedef {{length: number, side: number}} Scale */

export const SLANT = 0.36; // how far a pixel of width goes to the right and up

/** The scale at which the widest of several (C, T, H, W) fits into `width` and the tallest into `height` pixels. */
export function fit(shapes, width, height) {
  const side = height / (1 + SLANT) / Math.max(...shapes.map((s) => s[2] ?? 1));
  const room = (s) => (width - SLANT * side * (s[3] ?? 1)) / (s[0] * (s[1] ?? 1));
  return { side, length: Math.min(...shapes.map(room)) };
}

/**
 * A tensor as frames that stand in a row like books: each as thick as it has channels, as high and as deep as it has
 * rows and columns. The volume is thus the number of values.
 * @param {number[]} shape (C, T, H, W) @param {Scale} scale @param {string} css class that gives the colour
 */
export function cuboid(shape, scale, css, foot) {
  const [c, t = 1, height = 1, width = 1] = shape;
  const long = Math.max(2, c * t * scale.length);
  const high = Math.max(2, height * scale.side);
  const slant = Math.max(1, SLANT * width * scale.side);
  const top = foot - high;
  const points = (...xy) => xy.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
  const faces = [
    h("polygon", { class: "face front", points: points([0, top], [long, top], [long, foot], [0, foot]) }),
    h("polygon", { class: "face top", points: points([0, top], [slant, top - slant], [long + slant, top - slant], [long, top]) }),
    h("polygon", {
      class: "face side",
      points: points([long, top], [long + slant, top - slant], [long + slant, foot - slant], [long, foot]),
    }),
  ];
  const thick = long / t;
  const cuts = Array.from({ length: thick >= 2 ? t - 1 : 0 }, (_, i) => {
    const x = (i + 1) * thick;
    return `M${x.toFixed(1)},${foot.toFixed(1)}V${top.toFixed(1)}l${slant.toFixed(1)},${(-slant).toFixed(1)}`;
  });
  return h("g", { class: `cuboid ${css}` }, faces, cuts.length ? h("path", { class: "cut", d: cuts.join("") }) : null);
}
