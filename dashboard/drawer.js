/*
 * Drawer: the sheet at the right that shows more of one thing. A dialog: the browser keeps focus in it,
 * closes it on Escape and gives focus back.
 */

import { byId, setText } from "./dom.js";
import { t } from "./texts.js";

export class Drawer {
  #dialog = byId("drawer");
  #abort = null;
  #opener = null;

  /** @param {() => void} onClose asked by the reader */
  constructor(onClose) {
    this.#dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      onClose();
    });
    byId("drawer-close").addEventListener("click", onClose);
    this.#dialog.addEventListener("pointerdown", (event) => event.target === this.#dialog && onClose());
  }

  get isOpen() {
    return this.#dialog.open;
  }

  /**
   * @param {string} title
   * @param {(body: HTMLElement, signal: AbortSignal) => void} fill
   */
  show(title, fill) {
    this.#abort?.abort();
    this.#abort = new AbortController();
    setText(byId("drawer-title"), title);
    const body = byId("drawer-body");
    body.replaceChildren();
    body.scrollTop = 0;
    if (!this.#dialog.open) {
      this.#opener = document.activeElement;
      this.#dialog.showModal();
    }
    this.#dialog.setAttribute("aria-label", title);
    fill(body, this.#abort.signal);
    if (!body.contains(document.activeElement)) (body.querySelector("[autofocus]") ?? byId("drawer-close")).focus();
  }

  close() {
    this.#abort?.abort();
    if (!this.#dialog.open) return;
    this.#dialog.close();
    const opener = this.#opener?.isConnected && this.#opener !== document.body ? this.#opener : byId("more-button");
    opener.focus();
  }
}

/** What a drawer says while it waits, or where something failed. */
export const drawerNote = (body, text) => body.replaceChildren(Object.assign(document.createElement("p"), { className: "drawer-note", textContent: text ?? t("drawer.waiting") }));
