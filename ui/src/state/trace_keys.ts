// What single keys do on a trace. Returns whether the key meant something.

import type { TraceView } from './trace_view.svelte';

/** Rows of a leaf through the trace. */
const PAGE = 20;

export function keyed(view: TraceView, key: string): boolean {
  const { trace } = view;
  const row = view.selected;
  const at = view.rows.at(row);
  const near = (by: number) => view.near(at, by);
  switch (key) {
    case 'j':
    case 'ArrowDown':
      view.selected = near(1);
      return true;
    case 'k':
    case 'ArrowUp':
      view.selected = near(-1);
      return true;
    case 'PageDown':
      view.selected = near(PAGE);
      return true;
    case 'PageUp':
      view.selected = near(-PAGE);
      return true;
    case 'Home':
      view.selected = near(-Infinity);
      return true;
    case 'End':
      view.selected = near(Infinity);
      return true;
    case 'l':
    case 'ArrowRight':
      if (view.rows.group[at]) view.toggleGroup(row);
      else if (view.collapsed[row]) view.toggle(row);
      else if (trace.childCount[row]) view.selected = near(1);
      return true;
    case 'h':
    case 'ArrowLeft':
      if (trace.childCount[row] && !view.collapsed[row]) view.toggle(row);
      else if (view.openGroup >= 0) view.toggleGroup(view.openGroup);
      else if (trace.parent[row] >= 0) view.select(trace.parent[row]);
      return true;
    case '[':
      view.foldAll(true);
      return true;
    case ']':
      view.foldAll(false);
      return true;
    case 'o':
      view.foldLevel(1);
      return true;
    case 'p':
      view.foldLevel(-1);
      return true;
    case 'n':
      view.step(view.marks ? view.matchRows : view.errors, 1);
      return true;
    case 'N':
      view.step(view.marks ? view.matchRows : view.errors, -1);
      return true;
    case 'm':
      view.select(view.slow);
      return true;
    case 'c':
      view.step([...new Set(view.path.segments.map((segment) => segment.row))], 1);
      return true;
    case 'w':
      view.zoomBy(0.6);
      return true;
    case 's':
      view.zoomBy(1 / 0.6);
      return true;
    case 'a':
      view.pan(-0.2);
      return true;
    case 'd':
      view.pan(0.2);
      return true;
    case '0':
      view.zoom(0, trace.end);
      return true;
    case 'f':
      view.focus = row;
      return true;
    case 'x':
      view.hide = new Set([...view.hide, trace.service[row]]);
      return true;
    case 'Escape':
      view.focus = -1;
      return true;
    default:
      return false;
  }
}
