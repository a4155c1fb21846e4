/**
 * A prediction: a question, a guess that is locked, and then the answer beside it. The same code serves a notebook
 * with a kernel (anywidget calls `render`) and a page without one (`alive`, which finds the answer on the page).
 *
 * @typedef {{question: string, kind: "choice"|"number"|"sketch", choices?: string[], low?: number, high?: number,
 *            unit?: string, x?: number[], labels?: [string, string], within: number, key: string}} Spec
 * @typedef {{value: any, shown: string}} Answer
 * @typedef {{get: (name: string) => any, set: (name: string, value: any) => void, save_changes: () => void,
 *            on: (event: string, call: () => void) => void, off?: (event: string, call: () => void) => void}} Model
 */

const WORDS = {
  en: {
    prediction: "Your prediction", lock: "Lock my prediction", skip: "Skip", value: "value at",
    locked: "Locked. Go on to the next cells for the answer.", skipped: "Skipped.",
    choose: "Choose one first.", number: (/** @type {Spec} */ s) => `Give a number from ${s.low} to ${s.high}.`,
    said: "You said", is: "It is", exact: "exactly right", close: "close", off: "off by", right: "as you said", wrong: "not as you said",
    score: (/** @type {number} */ right, /** @type {number} */ made, /** @type {number} */ all) =>
      `You called ${right} of ${made}${made < all ? ` (${all - made} of ${all} not made)` : ""}.`,
    range: "of the range; the answer is the dashed line",
  },
  zh: {
    prediction: "你的预测", lock: "锁定预测", skip: "跳过", value: "取值，位置",
    locked: "已锁定。继续运行后面的单元格，答案就会出现。", skipped: "已跳过。",
    choose: "请先选一项。", number: (/** @type {Spec} */ s) => `请填 ${s.low} 到 ${s.high} 之间的数。`,
    said: "你的预测", is: "答案", exact: "完全正确", close: "很接近", off: "相差", right: "与预测一致", wrong: "与预测不同",
    score: (/** @type {number} */ right, /** @type {number} */ made, /** @type {number} */ all) =>
      `${made} 次预测中对了 ${right} 次${made < all ? `（共 ${all} 题，${all - made} 题未作答）` : ""}。`,
    range: "（占取值范围）；虚线是答案",
  },
};

/** Words in the language of a question. @param {string} question */
const words = (question) => (/[\u4e00-\u9fff]/.test(question) ? WORDS.zh : WORDS.en);

/**
 * How far off a guess is: a choice by 0 or 1, a number as a share of the answer, a sketch as a share of its range.
 * @param {Spec} spec @param {any} guess @param {any} answer
 */
export function distance(spec, guess, answer) {
  if (spec.kind === "choice") return guess === answer ? 0 : 1;
  if (spec.kind === "number") return Math.abs(guess - answer) / (Math.abs(answer) || 1);
  const range = /** @type {number} */ (spec.high) - /** @type {number} */ (spec.low);
  const sum = answer.reduce((/** @type {number} */ s, /** @type {number} */ y, /** @type {number} */ i) => s + Math.abs(y - guess[i]), 0);
  return sum / answer.length / range;
}

/** The guess and the answer in one line. @param {Spec} spec @param {any} guess @param {Answer} answer */
export function verdict(spec, guess, answer) {
  const say = words(spec.question);
  const far = distance(spec, guess, answer.value);
  const right = far <= spec.within;
  if (spec.kind === "choice") return { right, text: `${say.said}: ${guess}. ${say.is}: ${answer.shown}.` };
  const percent = `${say.off} ${Math.round(100 * far)} %`;
  const how = far === 0 ? say.exact : spec.kind === "sketch" ? `${percent} ${say.range}` : right ? `${say.close}, ${percent}` : percent;
  return { right, text: spec.kind === "number" ? `${say.said}: ${guess}${spec.unit}. ${say.is}: ${answer.shown} (${how}).` : how };
}

/** @param {string} tag @param {Record<string, any>} [attributes] @param {...(Node|string)} inside */
function h(tag, attributes = {}, ...inside) {
  const svg = ["svg", "polyline", "line", "text"].includes(tag);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== undefined) node.setAttribute(name, String(value));
  }
  node.append(...inside);
  return node;
}

/** Draw a prediction into `place` and keep it drawn. @param {Model} model @param {HTMLElement} place */
export function draw(model, place) {
  /** @type {Spec} */
  const spec = model.get("spec");
  const say = words(spec.question);
  const name = `r2p1d-${spec.key}-${Math.random().toString(36).slice(2, 8)}`;
  let draft = model.get("guess") ?? (spec.kind === "sketch" ? spec.x?.map(() => ((spec.low ?? 0) + (spec.high ?? 1)) / 2) : null);
  const problem = h("p", { class: "problem", role: "alert" });
  const status = h("p", { class: "status", tabindex: -1, "aria-live": "polite" });

  /** @param {"locked"|"skipped"} state */
  function close(state) {
    if (state === "locked") {
      const missing = spec.kind === "choice" ? draft === null && say.choose
        : spec.kind === "number" && !(typeof draft === "number" && draft >= (spec.low ?? 0) && draft <= (spec.high ?? 0)) && say.number(spec);
      if (missing) { problem.textContent = missing; return; }
      model.set("guess", draft);
    }
    model.set("state", state);
    model.save_changes();
    update();
    status.focus();
  }

  const fields = spec.kind === "choice"
    ? (spec.choices ?? []).map((choice) => h("label", {}, h("input", { type: "radio", name, value: choice, checked: draft === choice,
        onchange: () => { draft = choice; problem.textContent = ""; } }), h("span", {}, choice)))
    : spec.kind === "number"
      ? [h("label", {}, h("input", { type: "text", inputmode: "decimal", size: 10, value: draft ?? undefined, "aria-label": say.prediction,
          oninput: (/** @type {any} */ e) => {
            const text = e.target.value.trim().replace(/,/g, "");
            draft = text === "" || Number.isNaN(Number(text)) ? null : Number(text);
            problem.textContent = "";
          },
          onkeydown: (/** @type {any} */ e) => e.key === "Enter" && close("locked") }), h("span", {}, spec.unit || `${spec.low}–${spec.high}`))]
      : [sketch(spec, say, () => draft, (values) => { draft = values; }, () => model.get("state") === "open", () => model.get("answer"))];
  const lock = h("button", { type: "button", class: "main", onclick: () => close("locked") }, say.lock);
  const skip = h("button", { type: "button", onclick: () => close("skipped") }, say.skip);
  const buttons = h("div", { class: "buttons" }, lock, skip);
  const box = h("fieldset", { class: "r2p1d-prediction" }, h("legend", {}, say.prediction),
    h("p", { class: "question" }, spec.question), h("div", { class: "fields" }, ...fields), problem, buttons, status);
  place.replaceChildren(box);

  function update() {
    const [state, answer] = [model.get("state"), model.get("answer")];
    const open = state === "open";
    for (const input of box.querySelectorAll("input")) /** @type {HTMLInputElement} */ (input).disabled = !open;
    buttons.toggleAttribute("hidden", !open);
    box.dataset.state = state;
    delete box.dataset.right;
    if (state === "locked" && answer) {
      const { right, text } = verdict(spec, model.get("guess"), answer);
      box.dataset.right = String(right);
      status.textContent = `${right ? "✓" : "✗"} ${text}`;
    } else if (state === "skipped" && answer) status.textContent = `${say.is}: ${answer.shown}`;
    else status.textContent = open ? "" : say[/** @type {"locked"|"skipped"} */ (state)];
    box.dispatchEvent(new Event("drawn"));
    document.dispatchEvent(new Event("r2p1d-predicted"));
  }
  for (const trait of ["state", "answer", "guess"]) model.on(`change:${trait}`, update);
  update();
  return () => { for (const trait of ["state", "answer", "guess"]) model.off?.(`change:${trait}`, update); };
}

/**
 * A curve to draw: a slider a point for the keyboard, dragging over the picture for a hand; the answer in a second line.
 * @param {Spec} spec @param {any} say @param {() => number[]} get @param {(values: number[]) => void} set
 * @param {() => boolean} open @param {() => Answer|null} answer
 */
function sketch(spec, say, get, set, open, answer) {
  const [width, height, left, bottom] = [420, 200, 40, 30];
  const [x, low, high] = [spec.x ?? [], spec.low ?? 0, spec.high ?? 1];
  const across = (/** @type {number} */ i) => left + (i / (x.length - 1)) * (width - left - 12);
  const down = (/** @type {number} */ y) => (height - bottom) * (1 - (y - low) / (high - low)) + 6 * ((y - low) / (high - low));
  const points = (/** @type {number[]} */ values) => values.map((y, i) => `${across(i)},${down(y)}`).join(" ");
  const yours = h("polyline", { class: "yours" });
  const truth = h("polyline", { class: "truth" });
  const label = (/** @type {string} */ text, /** @type {any} */ at) => h("text", at, text);
  const picture = h("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": spec.question },
    h("line", { x1: left, y1: height - bottom, x2: width, y2: height - bottom }), h("line", { x1: left, y1: 0, x2: left, y2: height - bottom }),
    label(String(high), { x: left - 6, y: 12, "text-anchor": "end" }), label(String(low), { x: left - 6, y: height - bottom, "text-anchor": "end" }),
    ...x.map((tick, i) => label(String(tick), { x: across(i), y: height - 14, "text-anchor": "middle" })),
    label(spec.labels?.[0] ?? "", { x: width - 4, y: height - 1, "text-anchor": "end" }), label(spec.labels?.[1] ?? "", { x: left + 6, y: 12 }), truth, yours);
  const sliders = x.map((tick, i) => h("input", { type: "range", min: low, max: high, step: (high - low) / 100, value: get()[i],
    "aria-label": `${say.value} ${tick}`, oninput: (/** @type {any} */ e) => put(i, Number(e.target.value)) }));
  /** @param {number} i @param {number} y */
  function put(i, y) {
    if (!open()) return;
    set(get().map((old, j) => (j === i ? Math.min(high, Math.max(low, y)) : old)));
    /** @type {HTMLInputElement} */ (sliders[i]).value = String(y);
    yours.setAttribute("points", points(get()));
  }
  const drag = (/** @type {any} */ e) => {
    if (!e.buttons) return;
    const box = picture.getBoundingClientRect();
    const i = Math.round((((e.clientX - box.left) / box.width) * width - left) / ((width - left - 12) / (x.length - 1)));
    const y = low + (high - low) * (1 - ((e.clientY - box.top) / box.height) * height / (height - bottom));
    put(Math.min(x.length - 1, Math.max(0, i)), y);
  };
  picture.addEventListener("pointerdown", drag);
  picture.addEventListener("pointermove", drag);
  const whole = h("div", { class: "sketch" }, picture, h("div", { class: "sliders" }, ...sliders));
  const redraw = () => {
    yours.setAttribute("points", points(get()));
    const known = answer();
    truth.setAttribute("points", known && !open() ? points(known.value) : "");
  };
  queueMicrotask(() => { whole.closest("fieldset")?.addEventListener("drawn", redraw); redraw(); });
  return whole;
}

/** On a page without a kernel: bring the predictions on it to life. @param {Document} page */
export function alive(page) {
  for (const place of /** @type {NodeListOf<HTMLElement>} */ (page.querySelectorAll(".r2p1d-predict:not([data-alive])"))) {
    place.dataset.alive = "yes";
    const spec = JSON.parse(place.dataset.spec ?? "{}");
    /** @type {Record<string, any>} */
    const held = { spec, state: "open", guess: null };
    const stored = () => /** @type {HTMLElement|null} */ (page.querySelector(`.r2p1d-reveal[data-for="${spec.key}"]`));
    draw({
      get: (trait) => (trait === "answer" ? JSON.parse(stored()?.dataset.answer ?? "null") : held[trait]),
      set: (trait, value) => { held[trait] = value; }, save_changes: () => {}, on: () => {},
    }, place);
  }
  for (const place of /** @type {NodeListOf<HTMLElement>} */ (page.querySelectorAll(".r2p1d-score:not([data-alive])"))) {
    place.dataset.alive = "yes";
    const count = () => {
      const all = [...page.querySelectorAll(".r2p1d-predict .r2p1d-prediction")].map((box) => /** @type {HTMLElement} */ (box).dataset);
      const made = all.filter((box) => box.right);
      if (made.length) place.textContent = words(place.textContent ?? "").score(made.filter((box) => box.right === "true").length, made.length, all.length);
    };
    page.addEventListener("r2p1d-predicted", count);
    count();
  }
}

export default { render: (/** @type {{model: Model, el: HTMLElement}} */ { model, el }) => draw(model, el) };
