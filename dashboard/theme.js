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
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage may be forbidden; the system's theme then holds
    }
  };

  const apply = () => {
    const wanted = chosen();
    const theme = wanted === "light" || wanted === "dark" ? wanted : system.matches ? "dark" : "light";
    document.documentElement.dataset.theme = theme;
    const toggle = document.getElementById("theme-toggle");
    toggle?.setAttribute("aria-label", `Switch to ${theme === "dark" ? "light" : "dark"} theme`);
    dispatchEvent(new CustomEvent("themechange"));
  };

  const toggle = () => {
    const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem(KEY, next);
    } catch {
      return;
    }
    apply();
  };

  system.addEventListener("change", apply);
  addEventListener("storage", (event) => event.key === KEY && apply());
  addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme-toggle")?.addEventListener("click", toggle);
    apply();
  });
  apply();
})();
