/*
 * Theme: sets light or dark before the first paint, so this is a small classic script in the head.
 * Follows the system until the reader chooses; the choice is kept in localStorage.
 */
(() => {
  "use strict";
  const KEY = "liveinsight.theme";
  const system = matchMedia("(prefers-color-scheme: dark)");

  const chosen = () => {
    try {
      const kept = localStorage.getItem(KEY);
      return kept === "light" || kept === "dark" ? kept : "system";
    } catch {
      return "system"; // storage may be forbidden
    }
  };

  const apply = () => {
    const wanted = chosen();
    document.documentElement.dataset.theme = wanted === "system" ? (system.matches ? "dark" : "light") : wanted;
    dispatchEvent(new CustomEvent("themechange"));
  };

  /** What the reader chose: system, light or dark. */
  window.liveinsightTheme = {
    chosen,
    choose(name) {
      try {
        if (name === "system") localStorage.removeItem(KEY);
        else localStorage.setItem(KEY, name);
      } catch {
        document.documentElement.dataset.theme = name;
      }
      apply();
    },
  };
  system.addEventListener("change", apply);
  addEventListener("storage", (event) => event.key === KEY && apply());
  apply();
})();
