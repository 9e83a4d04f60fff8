// Everything about a trace that is worked out once, when it is opened: plain columns, so that a Worker can do it and
// hand them over without a copy.

import { type CriticalPath, criticalPath } from './critical_path';
import { errorRows, guilty, slowestSelf } from './findings';
import { collapsedAtFirst } from './rows';
import { buildTrace, type Columns, type Trace } from './trace';

/** So many failures are unfolded at first; `n` unfolds the others as it comes to them. */
const UNFOLDED_MAX = 500;

export interface Opened {
  trace: Trace;
  path: CriticalPath;
  /** Failed spans, root causes first. */
  errors: number[];
  slow: number;
  guilty: number;
  /** Which spans start folded. */
  collapsed: Uint8Array;
}

export function openedOf(columns: Columns): Opened {
  const trace = buildTrace(columns);
  const path = criticalPath(trace);
  const errors = errorRows(trace);
  const unfolded = [...errors.slice(0, UNFOLDED_MAX), ...[...path.ofRow.keys()].slice(0, UNFOLDED_MAX)];
  return { trace, path, errors, slow: slowestSelf(trace, path), guilty: guilty(trace, path).row, collapsed: collapsedAtFirst(trace, unfolded) };
}

/** The buffers that can change hands. */
export function buffersOf({ trace, path, collapsed }: Opened): ArrayBuffer[] {
  const columns = [...Object.values(trace), path.time, collapsed].filter((value): value is Int32Array => ArrayBuffer.isView(value));
  return columns.map((column) => column.buffer as ArrayBuffer);
}
