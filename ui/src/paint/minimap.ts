// Every span of a trace as a line: time from left to right, rows of the tree from top to bottom, errors on top.

import type { Colour } from '../model/colour';
import { ERROR, type Trace } from '../model/trace';
import { sheetOf, slots, tokens } from './canvas';

export function paintMinimap(canvas: HTMLCanvasElement, trace: Trace, colours: ReadonlyMap<string, Colour>): void {
  const sheet = sheetOf(canvas);
  if (!sheet || trace.length === 0) return;
  const { context, width, height } = sheet;
  const palette = slots();
  const { err } = tokens(['err']);
  const slotOf = trace.services.map((service) => colours.get(service)?.slot ?? 0);
  const x = width / Math.max(1, trace.end);
  const pitch = Math.min(6, (height - 4) / trace.length);
  const thick = Math.max(1, Math.min(2, pitch));
  for (const failed of [false, true]) {
    for (let row = 0; row < trace.length; row += 1) {
      if (((trace.flags[row] & ERROR) !== 0) !== failed) continue;
      context.fillStyle = failed ? err : palette[slotOf[trace.service[row]]];
      context.fillRect(trace.start[row] * x, 2 + row * pitch, Math.max(1, trace.duration[row] * x), thick);
    }
  }
}
