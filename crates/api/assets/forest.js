// A trace as a forest: spans with depth, children and times, in the order in which they are drawn.

import { failed } from "./dom.js";

/**
 * Resolves parents. A span whose parent is missing is a root, and marked; circles are cut, so that
 * every span is drawn once. Returns rows in pre-order, children by start.
 */
export function forest(trace) {
  const byId = new Map();
  const nodes = trace.spans.map((span) => ({
    span,
    service: trace.processes[span.processID]?.serviceName ?? "?",
    failed: failed(span),
    children: [],
    parent: null,
    depth: 0,
    orphan: false,
  }));
  for (const node of nodes) if (!byId.has(node.span.spanID)) byId.set(node.span.spanID, node);
  for (const node of nodes) {
    const inside = node.span.references.filter((reference) => reference.traceID === node.span.traceID);
    const reference = inside.find((reference) => reference.refType === "CHILD_OF") ?? inside[0];
    if (!reference) continue;
    const parent = byId.get(reference.spanID);
    if (!parent) node.orphan = true;
    else if (parent !== node && !isUnder(parent, node)) node.parent = parent;
  }
  const roots = [];
  for (const node of nodes) (node.parent ? node.parent.children : roots).push(node);
  const byStart = (a, b) => a.span.startTime - b.span.startTime;
  for (const node of nodes) node.children.sort(byStart);
  roots.sort(byStart);
  const rows = [];
  const waiting = roots.toReversed();
  while (waiting.length) {
    const node = waiting.pop();
    node.depth = node.parent ? node.parent.depth + 1 : 0;
    rows.push(node);
    for (const child of node.children.toReversed()) waiting.push(child);
  }
  return rows;
}

/** Tells whether `node` lies under `above` by the parents found so far. */
function isUnder(node, above) {
  for (let at = node; at; at = at.parent) if (at === above) return true;
  return false;
}

/** Sums a trace up for lists and headings. */
export function summary(trace) {
  const services = new Map();
  let [start, end, errors] = [Infinity, -Infinity, 0];
  let root = null;
  const ids = new Set(trace.spans.map((span) => span.spanID));
  for (const span of trace.spans) {
    start = Math.min(start, span.startTime);
    end = Math.max(end, span.startTime + span.duration);
    const name = trace.processes[span.processID]?.serviceName ?? "?";
    const service = services.get(name) ?? { name, spans: 0, errors: 0 };
    service.spans += 1;
    if (failed(span)) {
      service.errors += 1;
      errors += 1;
    }
    services.set(name, service);
    const isRoot = !span.references.some((reference) => ids.has(reference.spanID) && reference.traceID === span.traceID);
    if (isRoot && (!root || span.startTime < root.startTime)) root = span;
  }
  root ??= trace.spans[0];
  return {
    id: trace.traceID,
    name: root?.operationName ?? "?",
    service: trace.processes[root?.processID]?.serviceName ?? "?",
    start,
    duration: end - start,
    errors,
    spans: trace.spans.length,
    services: [...services.values()].sort((a, b) => b.spans - a.spans || (a.name < b.name ? -1 : 1)),
  };
}
