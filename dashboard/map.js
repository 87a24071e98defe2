/*
 * Map: the countries of the world, the darker the more visitors. It is fetched when it is first looked at.
 * A country is a link that filters by it.
 */

import { fetchMap } from "./api.js";
import { el, onFollow } from "./dom.js";
import { valueName } from "./format.js";
import { t } from "./texts.js";

const SVG = "http://www.w3.org/2000/svg";
const FAINTEST = 0.18; // of the accent, for a country with one visitor

export class WorldMap {
  #fetched = null; // the promise of it
  #world = null; // {viewBox, countries: {DE: "M..."}}

  /** @param {object[]|null} rows of the dimension country */
  async draw(root, rows, page) {
    if (!this.#world) root.replaceChildren(el("p", { class: "rows-none", text: t("drawer.waiting") }));
    try {
      this.#fetched ??= fetchMap();
      this.#world = await this.#fetched;
    } catch (error) {
      this.#fetched = null;
      return root.replaceChildren(el("p", { class: "rows-none", text: error.title ?? String(error) }));
    }
    root.replaceChildren(this.#picture(rows ?? [], page));
  }

  #picture(rows, page) {
    const byCode = new Map(rows.filter((row) => !row.kind).map((row) => [row.value, row]));
    const top = Math.max(1, ...[...byCode.values()].map((row) => row.visitors));
    const svg = node("svg", { viewBox: this.#world.viewBox, class: "map", role: "group", "aria-label": t("map.label") });
    const caption = el("p", { class: "map-caption", "aria-live": "polite", text: t("map.hint") });
    for (const [code, d] of Object.entries(this.#world.countries)) {
      svg.append(country({ code, d, row: byCode.get(code), top, page, caption }));
    }
    return el("div", { class: "map-frame" }, svg, caption);
  }
}

function country({ code, d, row, top, page, caption }) {
  const path = node("path", { d, class: "country" });
  if (!row) return path;
  const name = valueName("country", { value: code });
  const text = `${name}: ${t("visitors", { n: row.visitors })}`;
  path.style.setProperty("--share", String(FAINTEST + (1 - FAINTEST) * Math.sqrt(row.visitors / top)));
  path.dataset.known = "true";
  const title = node("title", {});
  title.textContent = text;
  path.append(title);
  if (!page.canFilter()) return path;
  const filter = { dimension: "country", operator: "is", values: [code] };
  const link = node("a", { href: page.hrefFiltered(filter), "aria-label": text });
  link.append(path);
  for (const when of ["pointerenter", "focus"]) link.addEventListener(when, () => (caption.textContent = text));
  onFollow(link, () => page.filter(filter));
  return link;
}

function node(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

