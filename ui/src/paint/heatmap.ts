// Durations over time: columns are moments, rows are durations on a log scale, tone is the count on a log scale.
// A column with failures has a red line below, as high as their share.

import type { Heatmap } from '../data/wire';
import { between, sheetOf, tokens } from './canvas';

export const FOOT = 5;

/** The rows that hold anything, with one to spare on each side. */
export function rowsShown(map: Heatmap): { low: number; high: number } {
  let low = map.bounds.length - 2;
  let high = 0;
  for (const [, row] of map.cells) {
    low = Math.min(low, row);
    high = Math.max(high, row);
  }
  return high < low ? { low: 0, high: map.bounds.length - 2 } : { low: Math.max(0, low - 1), high: Math.min(map.bounds.length - 2, high + 1) };
}

export function paintHeatmap(canvas: HTMLCanvasElement, map: Heatmap, columns: number): void {
  const sheet = sheetOf(canvas);
  if (!sheet) return;
  const { context, width, height } = sheet;
  const { heat0, heat1, err } = tokens(['heat0', 'heat1', 'err']);
  const { low, high } = rowsShown(map);
  const w = width / columns;
  const h = (height - FOOT) / (high - low + 1);
  const top = Math.log1p(Math.max(1, ...map.cells.map(([, , count]) => count)));
  const totals = new Float64Array(columns);
  const failed = new Float64Array(columns);
  for (const [column, row, count, errors] of map.cells) {
    context.fillStyle = between(heat0, heat1, Math.log1p(count) / top);
    context.fillRect(column * w, (high - row) * h, Math.max(1, w - 0.5), h > 4 ? h - 0.5 : h + 0.5);
    totals[column] += count;
    failed[column] += errors;
  }
  context.fillStyle = err;
  for (let column = 0; column < columns; column += 1) {
    if (failed[column]) {
      const size = 2 + (FOOT - 2) * (failed[column] / totals[column]);
      context.fillRect(column * w, height - size, Math.max(1, w - 0.5), size);
    }
  }
}
