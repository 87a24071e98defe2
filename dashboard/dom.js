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
