// From a skeleton's columns to the model's: offsets summed up, operations taken apart, flags renamed.

import type { Skeleton } from '../data/wire';
import { type Columns, ERROR, EVENTS, KINDS, LINKS, ORPHAN } from './trace';

/** What a skeleton's flags say. */
const WIRE = { failed: 1, orphan: 4, events: 64, links: 128 };

function flagOf(bits: number): number {
  return (bits & WIRE.failed ? ERROR : 0) | (bits & WIRE.orphan ? ORPHAN : 0) | (bits & WIRE.events ? EVENTS : 0) | (bits & WIRE.links ? LINKS : 0);
}

export function columnsOf(skeleton: Skeleton): Columns {
  const { parent, start, duration, operation, flags } = skeleton.columns;
  const names: string[] = [];
  const places = new Map<string, number>();
  const nameOf = skeleton.operations.map(({ name }) => {
    const place = places.get(name) ?? names.push(name) - 1;
    places.set(name, place);
    return place;
  });
  const kindOf = skeleton.operations.map(({ kind }) => Math.max(0, (KINDS as readonly string[]).indexOf(kind)));
  const count = start.length;
  const offsets = new Float64Array(count);
  const service = new Int32Array(count);
  const name = new Int32Array(count);
  const kind = new Uint8Array(count);
  const flag = new Uint8Array(count);
  let sum = 0;
  for (let row = 0; row < count; row += 1) {
    sum += start[row];
    offsets[row] = sum;
    const at = operation[row];
    service[row] = skeleton.operations[at].service;
    name[row] = nameOf[at];
    kind[row] = kindOf[at];
    flag[row] = flagOf(flags[row]);
  }
  return { id: skeleton.traceId, t0: skeleton.t0, services: skeleton.services, names, parent, start: offsets, duration, service, name, kind, flags: flag };
}
