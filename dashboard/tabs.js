/*
 * Tabs that obey the arrow keys; one of them is in the tab order.
 */

import { el } from "./dom.js";
import { t } from "./texts.js";

/**
 * @param {HTMLElement} list @param {HTMLElement} body what they change
 * @param {{id: string, label: string}[]} tabs @param {(index: number) => void} choose
 */
export function createTabs(list, body, tabs, choose) {
  const buttons = tabs.map(({ id, label }) =>
    el("button", { class: "tab", id, type: "button", role: "tab", "aria-controls": body.id, text: label }));
  buttons.forEach((button, i) => button.addEventListener("click", () => choose(i)));
  list.addEventListener("keydown", (event) => {
    const shown = buttons.filter((button) => !button.hidden);
    const at = shown.indexOf(document.activeElement);
    const target = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: shown.length - 1 }[event.key];
    if (target === undefined || at < 0) return;
    event.preventDefault();
    event.stopPropagation();
    const button = shown[(target + shown.length) % shown.length];
    choose(buttons.indexOf(button));
    button.focus();
  });
  list.replaceChildren(...buttons);
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", t("tabs.by"));
  body.setAttribute("role", "tabpanel");
  return {
    forEach: (use) => buttons.forEach(use),
    mark(index) {
      buttons.forEach((button, i) => {
        button.setAttribute("aria-selected", String(i === index));
        button.tabIndex = i === index ? 0 : -1;
      });
      body.setAttribute("aria-labelledby", buttons[index].id);
    },
  };
}
