// The lanes of a flame graph that are in sight. What is narrower than a pixel beside something drawn is not drawn
// again, unless it failed or is selected.

import type { Colour } from '../model/colour';
import type { Flame } from '../model/flame';
import { isError, nameOf, serviceOf, type Trace } from '../model/trace';
import { sheetOf, slots, tokens } from './canvas';

export const LANE = 18;

export interface Sight {
  /** Pixels above the sheet. */
  top: number;
  from: number;
  to: number;
  selected: number;
}

export function paintFlame(canvas: HTMLCanvasElement, trace: Trace, shape: Flame, colours: ReadonlyMap<string, Colour>, { top, from, to, selected }: Sight): void {
  const sheet = sheetOf(canvas);
  if (!sheet) return;
  const { context, width, height } = sheet;
  const palette = slots();
  const { err, bg, acc } = tokens(['err', 'bg', 'acc']);
  const slotOf = trace.services.map((service) => colours.get(service)?.slot ?? 0);
  const scale = width / (to - from);
  context.font = '11px Inter, sans-serif';
  context.textBaseline = 'middle';
  const first = Math.max(0, Math.floor(top / LANE));
  const last = Math.min(shape.lanes, Math.ceil((top + height) / LANE));
  for (let lane = first; lane < last; lane += 1) {
    const y = lane * LANE - top;
    let drawn = -1;
    for (let at = shape.from[lane]; at < shape.from[lane + 1]; at += 1) {
      const row = shape.order[at];
      const left = Math.max(0, (trace.start[row] - from) * scale);
      const right = Math.min(width, (trace.start[row] + trace.duration[row] - from) * scale);
      if (right < 0) continue;
      if (left > width) break;
      const marked = row === selected || isError(trace, row);
      if (right < drawn && !marked) continue;
      const w = Math.max(1, right - left - 0.5);
      drawn = left + w;
      context.fillStyle = palette[slotOf[trace.service[row]]];
      context.fillRect(left, y + 1, w, LANE - 2);
      if (marked) {
        context.strokeStyle = row === selected ? acc : err;
        context.lineWidth = 2;
        context.strokeRect(left + 1, y + 2, Math.max(1, w - 2), LANE - 4);
      }
      if (w > 50) words(context, `${isError(trace, row) ? '! ' : ''}${serviceOf(trace, row)} ${nameOf(trace, row)}`, left, y, w, bg);
    }
  }
}

function words(context: CanvasRenderingContext2D, text: string, x: number, y: number, width: number, colour: string): void {
  context.save();
  context.beginPath();
  context.rect(x, y, width - 4, LANE);
  context.clip();
  context.fillStyle = colour;
  context.fillText(text, x + 4, y + LANE / 2);
  context.restore();
}
