// Which view a URL shows. The paths are Jaeger's: /search, /trace/ID, /dependencies; anything else searches.

import { calls } from "./calls.js";
import { notice } from "./dom.js";
import { search } from "./search.js";
import { trace } from "./trace.js";

const view = document.getElementById("view");
const base = new URL(document.baseURI).pathname;
let leaving = new AbortController();

function show() {
  leaving.abort();
  leaving = new AbortController();
  document.title = "Tracewell";
  const path = location.pathname.startsWith(base) ? location.pathname.slice(base.length) : "";
  const parameters = new URLSearchParams(location.search);
  const [, id] = /^trace\/([^/]+)\/?$/.exec(path) ?? [];
  for (const link of document.querySelectorAll("nav a")) {
    const here = path.startsWith("dependencies") ? "dependencies" : "search";
    if (link.getAttribute("href") === here && !id) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const shown = id
    ? trace(view, decoded(id), leaving.signal)
    : path.startsWith("dependencies")
      ? calls(view, parameters, leaving.signal)
      : search(view, parameters, go, leaving.signal);
  shown.catch((error) => view.replaceChildren(notice(error.message, "failed")));
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function go(path) {
  history.pushState(null, "", new URL(path, document.baseURI));
  show();
  scrollTo(0, 0);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin || !url.pathname.startsWith(base) || /^(api|static)\//.test(url.pathname.slice(base.length))) return;
  event.preventDefault();
  go(url);
});
document.getElementById("by-id").addEventListener("submit", (event) => {
  event.preventDefault();
  const id = new FormData(event.target).get("id").trim();
  if (id) go(`trace/${encodeURIComponent(id)}`);
});
addEventListener("popstate", show);
show();
