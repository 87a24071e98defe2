/*
 * DOM: the few ways in which this page makes elements. Text only ever goes in as text, so nothing that
 * comes from data can become markup.
 */

/** @param {string} id @returns {HTMLElement} */
export const byId = (id) => document.getElementById(id);

/**
 * Make an element.
 * @param {string} tag
 * @param {Record<string, unknown>} [attributes] "class", "text" and "dataset" are special; null and false are left out
 * @param {...(Node|string)} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") node.textContent = String(value);
    else if (name === "dataset") Object.assign(node.dataset, value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children);
  return node;
}

/** An icon of index.html's sprite. @param {string} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}
const SVG = "http://www.w3.org/2000/svg";

/** Follow a link of this page without leaving it, unless another tab or window is asked for. */
export function onFollow(node, follow) {
  node.addEventListener("click", (event) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    follow(event);
  });
}

/** Write text only where it differs, so that screen readers and selections are left in peace. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Run `draw` only when `model` differs from what this node last showed.
 * @param {HTMLElement} node
 * @param {unknown} model anything that JSON can hold
 * @param {() => void} draw
 */
export function whenChanged(node, model, draw) {
  const print = JSON.stringify(model);
  if (shown.get(node) === print) return;
  shown.set(node, print);
  draw();
}
const shown = new WeakMap();
