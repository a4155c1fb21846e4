/**
 * The explorer: one state, one frame around seven views, one gesture. `mount` is for a page, `render` for anywidget.
 * @module
 */
import { account, balance, midplanes } from "./arithmetic.js";
import * as clips from "./clips.js";
import { h, menu, patch } from "./draw.js";
import * as data from "./networks.js";
import { VIEWS, firstState, read, write } from "./router.js";
import { TOUR, tourCard } from "./tour.js";
import { WORDS, speak } from "./words.js";
import { familyView } from "./views/family.js";
import { blockView } from "./views/block.js";
import { convolutionView } from "./views/convolution.js";
import { learntView } from "./views/learnt.js";
import { matchingView } from "./views/matching.js";
import { networkView } from "./views/network.js";
import { timeView } from "./views/time.js";

const DRAW = {
  family: familyView, network: networkView, block: blockView, conv: convolutionView, matching: matchingView, time: timeView, learnt: learntView,
};

/** The link in the address bar. */
function addressBar(onMove) {
  const moved = () => onMove(location.hash);
  window.addEventListener("popstate", moved);
  return {
    first: () => location.hash,
    write: (link, push) => {
      try {
        history[push ? "pushState" : "replaceState"](null, "", link);
      } catch {
        // A frame without an address of its own: the state is kept all the same.
      }
    },
    close: () => window.removeEventListener("popstate", moved),
  };
}

/** The link in the widget's model, where Python sees and sets it. */
const inModel = (model) => (onMove) => {
  let own = null;
  const moved = () => model.get("link") !== own && onMove(model.get("link"));
  model.on("change:link", moved);
  return {
    first: () => model.get("link"),
    write: (link) => {
      own = link;
      model.set("link", link);
      model.save_changes();
    },
    close: () => model.off("change:link", moved),
  };
};

/**
 * Show the explorer in an element.
 * @param {HTMLElement} el
 * @param {{learnt?: object, clip?: number[][][], link?: string, store?: Function, onState?: Function}} options
 *   `learnt` is a recording of trained networks, `clip` the learner's own, `link` where to begin.
 */
export function mount(el, options = {}) {
  let state = firstState();
  let problem = null;
  let width = 0;
  let started = false;
  let waiting = 0;
  let drawing = false;
  let again = false;
  const cameFrom = {};
  const bills = new Map();
  const memory = {}; // what a view remembers and no link says
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  if (!options.store && navigator.language?.startsWith("zh")) state.lang = "zh";
  const root = document.createElement("div");
  root.className = options.store ? "ex" : "ex page";
  el.append(root);
  const store = (options.store ?? addressBar)((link) => follow(link));

  const ui = {
    get state() {
      return state;
    },
    get width() {
      return width;
    },
    get calm() {
      return calm.matches;
    },
    memory,
    sub: options.store ? "h3" : "h2",
    options,
    root,
    t: (key, values) => speak(state.lang, key, values),
    /** The bill of a network under the state's clip, or another one. Bills are kept. */
    bill(network, changes = {}) {
      const asked = data.query(network, { ...state, ...changes });
      const key = JSON.stringify(asked);
      if (!bills.has(key)) {
        if (bills.size > 300) bills.clear();
        bills.set(key, account(asked));
      }
      return bills.get(key);
    },
    /** The bill of a named network with options of its own, at the state's depth and width. */
    billWith(network, more) {
      const { depth, width } = state;
      const asked = { network, depth: depth in data.DEPTHS ? depth : 18, width, ...more };
      const key = JSON.stringify(asked);
      if (!bills.has(key)) bills.set(key, account(asked));
      return bills.get(key);
    },
    /** Change something in this view. */
    set(changes) {
      state = { ...state, ...changes };
      problem = null;
      writeSoon();
      draw();
    },
    /** Change something many times a second; the link follows when it rests. */
    tick(changes) {
      state = { ...state, ...changes };
      draw();
    },
    /** Zoom into another view, from the element that was clicked. */
    go(view, changes = {}, event = null) {
      const from = event?.currentTarget;
      cameFrom[state.view] = from?.dataset?.focus;
      const box = from?.getBoundingClientRect();
      move({ ...state, ...changes, view }, box ? { box } : {});
    },
    /** Back to the view above. */
    up() {
      const { above } = VIEWS[state.view];
      if (above) move({ ...state, view: above }, { up: true });
    },
    /** Go where a link leads. */
    follow(link) {
      const found = read(link, state);
      if (!found.error) move(found.state);
    },
    redraw: () => draw(),
  };

  /** Browsers refuse links that change too often, as while a slider is dragged. */
  function writeSoon() {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      store.write(write(state), false);
      options.onState?.(state);
    }, 150);
  }

  function move(next, { box = null, up = false } = {}) {
    const changed = next.view !== state.view;
    memory.stop?.();
    clearTimeout(waiting);
    state = next;
    problem = null;
    store.write(write(state), true);
    options.onState?.(state);
    draw();
    if (changed) arrive(box, up);
  }

  /** Where the eye and the keyboard are after a change of view. */
  function arrive(box, up) {
    const back = up && cameFrom[state.view] && root.querySelector(`[data-focus="${CSS.escape(cameFrom[state.view])}"]`);
    (back || root.querySelector(".title")).focus({ preventScroll: !options.store && !back });
    if (!options.store) window.scrollTo({ top: 0 });
    const view = root.querySelector(".view");
    if (calm.matches || !view.animate) return;
    const area = view.getBoundingClientRect();
    const x = box ? box.left + box.width / 2 - area.left : area.width / 2;
    const y = box ? box.top + box.height / 2 - area.top : area.height / 3;
    view.style.setProperty("--from", `${x}px ${y}px`);
    const scale = up ? 1.12 : Math.max(0.2, Math.min(0.9, (box?.width ?? area.width) / area.width));
    const start = { transform: `scale(${scale})`, opacity: 0.2 };
    view.animate([start, { transform: "none", opacity: 1 }], { duration: 260, easing: "ease-out" });
  }

  function follow(link) {
    const found = read(link, state);
    if (found.error) {
      problem = found.error;
      draw();
    } else {
      const changed = found.state.view !== state.view;
      memory.stop?.();
      clearTimeout(waiting);
      state = found.state;
      problem = null;
      options.onState?.(state);
      draw();
      if (changed && started) arrive(null, true);
    }
    started = true;
  }

  /** Draw all of it. What an element that goes away calls, as on blur, waits until that is done. */
  function draw() {
    again = drawing;
    if (drawing) return;
    drawing = true;
    try {
      drawOnce();
    } finally {
      drawing = false;
    }
    if (again) draw();
  }

  function drawOnce() {
    const { t } = ui;
    const view = DRAW[state.view](ui);
    document.documentElement.lang ||= "en";
    root.lang = state.lang;
    patch(root, [
      frameBar(),
      problem &&
        h("div", { class: "problem", role: "alert" }, h("span", {}, h("b", {}, t("linkProblem")), " ", t(...problem)),
          h("button", { type: "button", onclick: () => ui.set({}) }, t("close"))),
      h(options.store ? "h2" : "h1", { class: "title", tabindex: "-1" }, view.title),
      h("p", { class: "say", "aria-live": view.quiet ? "off" : "polite" }, view.say),
      h("div", { class: "view", key: state.view }, view.body),
      state.tour > 0 && tourCard(ui),
    ]);
    view.after?.(root);
  }

  function frameBar() {
    const { t } = ui;
    const path = [];
    for (let view = state.view; view; view = VIEWS[view].above) path.unshift(view);
    const crumb = (view, place) => {
      const here = place === path.length - 1;
      const attrs = here ? { "aria-current": "page" } : { onclick: () => move({ ...state, view }, { up: true }) };
      return h("li", { key: view }, h("button", { type: "button", ...attrs }, crumbName(view)));
    };
    const link = (view) => {
      const attrs = state.view === view ? { "aria-current": "page" } : {};
      return h("li", { key: view }, h("button", { type: "button", ...attrs, onclick: (event) => ui.go(view, {}, event) }, t(`view.${view}`)));
    };
    return h("div", { class: "bar" },
      h("nav", { class: "crumbs", "aria-label": t("path") }, h("ol", {}, path.map(crumb))),
      h("nav", { class: "views", "aria-label": t("views") }, h("ul", {},
        ["conv", "matching", "time", "learnt"].map(link),
        h("li", {}, h("button", { type: "button", "aria-pressed": String(state.tour > 0), onclick: startTour }, t("tour"))),
        h("li", {}, menu(t("language"), state.lang, [["en", "English"], ["zh", "中文"]], (lang) => ui.set({ lang }), { class: "language" })))));
  }

  function crumbName(view) {
    if (view === "network") return data.titleOf(state.network);
    if (view === "block") return ui.t("groupName", { group: data.GROUPS[state.group] ?? "fc" });
    if (view === "conv") return `${data.KINDS[state.conv].title}`;
    return ui.t(`view.${view}`);
  }

  function startTour() {
    if (state.tour) ui.set({ tour: 0 });
    else ui.follow(TOUR[0].link + "&tour=1");
  }

  function onKey(event) {
    if (event.key === "Escape" && !event.defaultPrevented && event.target.tagName !== "SELECT") {
      event.preventDefault();
      event.stopPropagation();
      ui.up();
    }
  }
  (options.store ? root : document).addEventListener("keydown", onKey);

  const sizes = new ResizeObserver(() => {
    const style = getComputedStyle(root);
    const inside = root.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    if (inside > 0 && Math.abs(inside - width) >= 1) {
      width = inside;
      draw();
    }
  });
  // Canvases are painted again when JupyterLab's, the site's or the system's theme changes.
  const themes = new MutationObserver(() => draw());
  const seen = { attributes: true, attributeFilter: ["data-jp-theme-light", "data-theme"] };
  for (const place of [document.documentElement, document.body]) themes.observe(place, seen);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const onTheme = () => draw();
  dark.addEventListener("change", onTheme);
  const style = getComputedStyle(root);
  width = Math.max(280, root.clientWidth - parseFloat(style.paddingLeft || 0) - parseFloat(style.paddingRight || 0));
  follow(options.link ?? store.first());
  sizes.observe(root);

  return {
    account,
    balance,
    midplanes,
    data,
    clips,
    words: WORDS,
    show: follow,
    /** Give the view new data: a recording, a clip. */
    give(more) {
      Object.assign(options, more);
      draw();
    },
    get link() {
      return write(state);
    },
    destroy() {
      memory.stop?.();
      clearTimeout(waiting);
      store.close();
      sizes.disconnect();
      themes.disconnect();
      dark.removeEventListener("change", onTheme);
      document.removeEventListener("keydown", onKey);
      root.remove();
    },
  };
}

/** anywidget's entry: `link`, `learnt` and `clip` are traits, `choice` goes back to Python. */
export function render({ model, el }) {
  const onState = ({ view, network, depth, width, frames, size, classes }) => {
    model.set("choice", { view, ...data.query(network, { depth, width, frames, size, classes }), kinds: data.kindsOf(network) });
    model.save_changes();
  };
  const explorer = mount(el, { store: inModel(model), learnt: model.get("learnt"), clip: model.get("clip"), onState });
  const give = () => explorer.give({ learnt: model.get("learnt"), clip: model.get("clip") });
  model.on("change:learnt", give);
  model.on("change:clip", give);
  return () => {
    model.off("change:learnt", give);
    model.off("change:clip", give);
    explorer.destroy();
  };
}
