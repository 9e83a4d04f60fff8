// One trace: an indented tree with a bar for each span, and everything a span says, on demand.

import { ask, count, duration, el, hue, moment, notice } from "./dom.js";
import { forest, summary } from "./forest.js";
import { badge } from "./search.js";

/** So many rows are drawn at a time; more on request. */
const ROWS_AT_ONCE = 1000;

/** Deeper spans are indented no further. */
const DEPTH_SHOWN = 24;

export async function trace(view, id, signal) {
  view.replaceChildren(notice("Reading …"));
  try {
    const [found] = await ask(`api/traces/${encodeURIComponent(id)}`, signal);
    view.replaceChildren(...draw(found));
    document.title = `${summary(found).name} · Tracewell`;
  } catch (error) {
    if (!signal.aborted) view.replaceChildren(notice(error.message, "failed"));
  }
}

function draw(found) {
  const about = summary(found);
  const nodes = forest(found);
  const depth = nodes.reduce((most, node) => Math.max(most, node.depth), 0) + 1;
  const list = el("div", { class: "spans", role: "tree", "aria-label": "Spans" });
  const more = el("button", { class: "more" });
  const state = { about, found, closed: new Set(), opened: new Set(), shown: ROWS_AT_ONCE };
  const redraw = () => {
    const rows = visible(nodes, state.closed);
    list.replaceChildren(...rows.slice(0, state.shown).flatMap((node) => row(node, state, redraw)));
    more.hidden = rows.length <= state.shown;
    more.textContent = `Show ${Math.min(ROWS_AT_ONCE, rows.length - state.shown)} more of ${rows.length - state.shown}`;
  };
  more.addEventListener("click", () => {
    state.shown += ROWS_AT_ONCE;
    redraw();
  });
  redraw();
  return [
    el("div", { class: "heading" },
      el("h1", {}, el("b", {}, about.service), ` ${about.name}`),
      el("span", { class: "sorts" }, el("a", { href: `api/traces/${about.id}?prettyPrint=true` }, "JSON"))),
    el("p", { class: "about" },
      el("code", {}, about.id), " · ", moment(about.start), " · ", el("b", {}, duration(about.duration)), " · ",
      count(about.spans, "span"), ` · ${depth} deep`,
      about.errors ? el("span", { class: "error" }, ` · ${count(about.errors, "error")}`) : null),
    el("p", { class: "services" }, about.services.map(badge)),
    axis(about.duration),
    list,
    more,
  ];
}

/** Returns the rows that lie under no closed one. */
function visible(nodes, closed) {
  const rows = [];
  let hiddenBelow = Infinity;
  for (const node of nodes) {
    if (hiddenBelow < node.depth) continue;
    hiddenBelow = closed.has(node) ? node.depth : Infinity;
    rows.push(node);
  }
  return rows;
}

function axis(total) {
  return el("div", { class: "axis", "aria-hidden": "true" },
    el("span", {}), el("div", { class: "ticks" }, [0, 0.25, 0.5, 0.75, 1].map((part) => el("span", {}, duration(Math.round(total * part))))));
}

function row(node, state, redraw) {
  const { span } = node;
  const total = Math.max(1, state.about.duration);
  const left = (100 * (span.startTime - state.about.start)) / total;
  const bar = el("span", { class: "bar" });
  bar.style.left = `${Math.min(99.7, left)}%`;
  bar.style.width = `${Math.max(0.3, Math.min(100 - left, (100 * span.duration) / total))}%`;
  // The length stands behind the bar; where there is no room, before it; where there is none either, in it.
  const end = Math.min(100, left + (100 * span.duration) / total);
  const place = end < 85 ? "" : 15 < left ? " before" : " within";
  const length = el("span", { class: `length${place}` }, duration(span.duration));
  length.style.setProperty("--at", `${place === "" ? end : place === " before" ? 100 - left : 100 - end}%`);
  const closed = state.closed.has(node);
  const toggle = node.children.length
    ? el("button", { class: "toggle", "aria-label": closed ? "Open subtree" : "Close subtree", click: (event) => {
        event.stopPropagation();
        (closed ? state.closed.delete(node) : state.closed.add(node));
        redraw();
      } }, closed ? "▸" : "▾")
    : el("span", { class: "toggle" });
  const opened = state.opened.has(node);
  const name = el("button", { class: "label", "aria-expanded": String(opened), title: `${node.service} ${span.operationName}`, click: () => {
    (opened ? state.opened.delete(node) : state.opened.add(node));
    redraw();
  } },
    node.failed ? el("span", { class: "error", title: "failed" }, "● ") : null,
    el("b", {}, node.service), ` ${span.operationName}`,
    node.orphan ? el("span", { class: "hint", title: "Its parent is not stored" }, " ⤴") : null);
  const lead = el("div", { class: "lead" }, toggle, name);
  lead.style.setProperty("--depth", Math.min(DEPTH_SHOWN, node.depth));
  const line = el("div", { class: `span${node.failed ? " failed" : ""}`, role: "treeitem", "aria-level": node.depth + 1 },
    lead, el("div", { class: "lane" }, bar, length));
  line.style.setProperty("--hue", hue(node.service));
  return opened ? [line, details(node, state)] : [line];
}

function details(node, state) {
  const { span } = node;
  const since = (time) => `+${duration(Math.max(0, time - state.about.start))}`;
  const process = state.found.processes[span.processID];
  const parts = [
    el("p", { class: "about" }, "starts ", since(span.startTime), " · takes ", duration(span.duration), " · span ", el("code", {}, span.spanID)),
    (span.warnings ?? []).map((warning) => el("p", { class: "hint" }, warning)),
    table("Attributes", span.tags),
    span.logs.length ? el("h2", {}, "Events") : null,
    span.logs.map((log) => table(since(log.timestamp), log.fields)),
    table(`Resource of ${process?.serviceName ?? "?"}`, process?.tags ?? []),
  ];
  const links = span.references.filter((reference) => reference.refType !== "CHILD_OF" || reference.traceID !== span.traceID);
  if (links.length) {
    parts.push(el("h2", {}, "Links"), el("ul", {}, links.map((link) =>
      el("li", {}, el("a", { href: `trace/${link.traceID}` }, el("code", {}, link.traceID)), " span ", el("code", {}, link.spanID)))));
  }
  return el("div", { class: "details" }, parts.flat());
}

function table(title, tags) {
  if (!tags.length) return null;
  return el("table", {},
    el("caption", {}, title),
    el("tbody", {}, tags.map(({ key, type, value }) =>
      el("tr", {}, el("th", { scope: "row" }, key), el("td", { class: `of-${type}` }, String(value))))));
}
