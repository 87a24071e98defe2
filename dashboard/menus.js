/*
 * Menus: buttons that open a small sheet below them. A sheet closes on Escape, on a click elsewhere, and
 * when focus leaves it; the arrow keys walk through it.
 */

import { el, icon } from "./dom.js";

const STOPS = "a[href], button:not([disabled]), input, select";

/** @param {HTMLElement} root holds a button with aria-controls, and the sheet that it controls */
export function connectMenu(root, { onOpen = () => {} } = {}) {
  const button = root.querySelector("[aria-controls]");
  const sheet = document.getElementById(button.getAttribute("aria-controls"));
  const isOpen = () => !sheet.hidden;
  const set = (open) => {
    sheet.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
  };
  const open = () => {
    if (isOpen()) return;
    onOpen();
    set(true);
    place(sheet);
    (sheet.querySelector("[data-first]") ?? sheet.querySelector(STOPS))?.focus();
  };
  const close = ({ refocus = false } = {}) => {
    if (!isOpen()) return;
    set(false);
    if (refocus) button.focus();
  };
  set(false);
  button.addEventListener("click", () => (isOpen() ? close() : open()));
  document.addEventListener("pointerdown", (event) => !root.contains(event.target) && close());
  root.addEventListener("focusout", (event) => event.relatedTarget && !root.contains(event.relatedTarget) && close());
  root.addEventListener("keydown", (event) => {
    if (!isOpen()) return;
    if (event.key === "Escape") (event.stopPropagation(), close({ refocus: true }));
    else walk(event, sheet);
  });
  return { open, close, button };
}

/** Keep a sheet within the window: it hangs from the right end of its button, else from the left of the window. */
function place(sheet) {
  sheet.style.removeProperty("--shift");
  const { left, right } = sheet.getBoundingClientRect();
  const room = document.documentElement.clientWidth - 8;
  const shift = left < 8 ? 8 - left : right > room ? room - right : 0;
  sheet.style.setProperty("--shift", `${shift}px`);
}

function walk(event, sheet) {
  const direction = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!direction || event.target.matches("input, select")) return;
  event.preventDefault();
  const stops = [...sheet.querySelectorAll(STOPS)].filter((node) => node.offsetParent);
  const at = stops.indexOf(document.activeElement);
  stops[(at + direction + stops.length) % stops.length]?.focus();
}

/** A line of a sheet. @param {{label: string, isChosen?: boolean, mark?: string, note?: string, run: () => void}} option */
export function menuOption({ label, isChosen, mark, note, dataset, run }) {
  const node = el("button", { class: "menu-option", type: "button", dataset: dataset ?? {} },
    ...(mark ? [icon(mark)] : []), el("span", { class: "menu-label", text: label }),
    ...(note ? [el("span", { class: "menu-note", text: note })] : []));
  if (isChosen !== undefined) node.setAttribute("aria-pressed", String(isChosen));
  if (isChosen) node.dataset.first = "";
  node.addEventListener("click", run);
  return node;
}
