// A part of the service map that can be read: what lies within some steps of one service.

import type { Dependencies } from '../data/wire';

/** More services than this are not drawn at once. */
export const DRAWN_MAX = 150;

export interface Part {
  names: string[];
  left: number;
}

export function neighbourhood(map: Dependencies, focus: string, depth: number): Part {
  const all = map.services.map((one) => one.name);
  let names = all;
  if (focus && all.includes(focus)) {
    const within = new Set([focus]);
    for (let step = 0; step < depth; step += 1) {
      for (const { parent, child } of map.edges.filter((edge) => within.has(edge.parent) !== within.has(edge.child))) {
        within.add(parent);
        within.add(child);
      }
    }
    names = all.filter((name) => within.has(name));
  }
  if (names.length > DRAWN_MAX) {
    const spans = new Map(map.services.map((one) => [one.name, one.spans]));
    names = [...names].sort((a, b) => (spans.get(b) ?? 0) - (spans.get(a) ?? 0)).slice(0, DRAWN_MAX);
  }
  return { names, left: all.length - names.length };
}
