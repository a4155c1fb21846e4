import { account, balance, midplanes } from "./arithmetic.js";
import * as data from "./networks.js";
/** Show the explorer in an element. */
export function mount(el, options = {}) {
  return { account, balance, midplanes, data };
}
export function render({ model, el }) {}
