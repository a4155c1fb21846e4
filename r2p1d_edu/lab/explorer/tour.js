/**
 * The tour: ten steps from a frame to M = 144. Each asks for a prediction, lets the learner act, then reveals.
 * @module
 */
import { h } from "./draw.js";

/** Where a step is, how many answers it offers, which one is right. The words are tour.1 and so on in words.js. */
export const TOUR = [
  { link: "#network=r3d", answers: 3, right: 1 },
  { link: "#conv=2d&kernel=edge&t=3&y=4&x=4", answers: 2, right: 1 },
  { link: "#conv=stacked&y=4&x=4", answers: 3, right: 0 },
  { link: "#conv=3d&t=3&y=4&x=4", answers: 3, right: 2 },
  { link: "#conv=3d&clip=fall&t=3&y=4&x=4", answers: 2, right: 0 },
  { link: "#network=r3d", answers: 3, right: 2 },
  { link: "#network=r3d&with=mc3", answers: 2, right: 1 },
  { link: "#conv=2+1d&relu=off&t=3&y=4&x=4", answers: 2, right: 0 },
  { link: "#network=r3d&with=r2plus1d", answers: 3, right: 1 },
  { link: "#matching=64-64&mid=64", answers: 3, right: 2 },
];

/** The card of the step under way. */
export function tourCard(ui) {
  const { t, state, memory } = ui;
  const number = Math.min(state.tour, TOUR.length);
  const step = TOUR[number - 1];
  memory.answers ??= {};
  const { chosen, revealed } = memory.answers[number] ?? {};
  const remember = (more) => {
    memory.answers[number] = { ...memory.answers[number], ...more };
    ui.redraw();
  };
  const go = (to) => ui.follow(`${TOUR[to - 1].link}&tour=${to}`);
  const answer = (_, i) => {
    const marks = revealed ? (i === step.right ? " ✓" : i === chosen ? " ✗" : "") : "";
    return h("button", { type: "button", key: i, "aria-pressed": String(i === chosen), disabled: chosen !== undefined && i !== chosen, onclick: () => chosen === undefined && remember({ chosen: i }) }, t(`tour.${number}.${"abc"[i]}`) + marks);
  };
  return h("aside", { class: "tour", key: "tour", "aria-label": t("tour") },
    h("div", { class: "tourhead" }, h("b", {}, t("tour.step", { n: number, of: TOUR.length })),
      h("button", { type: "button", "aria-label": t("tour.end"), onclick: () => ui.set({ tour: 0 }) }, "×")),
    h("p", { "aria-live": "polite" }, t(`tour.${number}.ask`)),
    h("div", { class: "terms" }, Array.from({ length: step.answers }, answer)),
    chosen !== undefined && !revealed && h("p", {}, t(`tour.${number}.act`)),
    revealed && h("p", { role: "status" }, h("b", {}, `${t(chosen === step.right ? "tour.right" : "tour.wrong")} `), t(`tour.${number}.tell`)),
    h("div", { class: "terms" },
      number > 1 && h("button", { type: "button", key: "back", onclick: () => go(number - 1) }, t("tour.back")),
      chosen !== undefined && !revealed && h("button", { type: "button", key: "reveal", class: "main", onclick: () => remember({ revealed: true }) }, t("tour.reveal")),
      revealed && number < TOUR.length && h("button", { type: "button", key: "next", class: "main", onclick: () => go(number + 1) }, t("tour.next")),
      revealed && number === TOUR.length && h("button", { type: "button", key: "finish", class: "main", onclick: () => ui.set({ tour: 0 }) }, t("tour.finish"))));
}
