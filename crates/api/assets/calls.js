// Who calls whom, as a table.

import { ask, count, el, notice } from "./dom.js";

export async function calls(view, parameters, signal) {
  view.replaceChildren(notice("Counting calls of the last day …"));
  try {
    const lookback = Number(parameters.get("lookback")) || 86_400_000;
    const edges = await ask(`api/dependencies?endTs=${Date.now() + 60_000}&lookback=${lookback}`, signal);
    if (edges.length === 0) {
      view.replaceChildren(notice("No span of the last day has a parent that is stored."));
      return;
    }
    // Calls between services are what people look for; those inside one come after them.
    const inside = (edge) => Number(edge.parent === edge.child);
    edges.sort((a, b) => inside(a) - inside(b) || b.callCount - a.callCount);
    const most = Math.max(...edges.map((edge) => edge.callCount));
    view.replaceChildren(
      el("div", { class: "heading" }, el("h1", {}, `Calls of the last ${count(Math.round(lookback / 3_600_000), "hour")}`)),
      el("table", { class: "calls" },
        el("thead", {}, el("tr", {}, ["Service", "calls", "times", ""].map((name) => el("th", { scope: "col" }, name)))),
        el("tbody", {}, edges.map((edge) => {
          const bar = el("span", { class: "share" });
          bar.style.width = `${Math.max(0.5, (100 * edge.callCount) / most)}%`;
          return el("tr", {},
            el("td", {}, el("a", { href: `search?service=${encodeURIComponent(edge.parent)}` }, edge.parent)),
            el("td", {}, el("a", { href: `search?service=${encodeURIComponent(edge.child)}` }, edge.child)),
            el("td", { class: "number" }, edge.callCount.toLocaleString("en")),
            el("td", { class: "track" }, bar));
        }))));
  } catch (error) {
    if (!signal.aborted) view.replaceChildren(notice(error.message, "failed"));
  }
}
