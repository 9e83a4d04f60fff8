// Every span of a trace as a line: time from left to right, rows of the tree from top to bottom, errors on top.
// A line no wider than a pixel whose pixel is taken is left away: of half a million most lie on one another.

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
  const columns = Math.ceil(width) + 1;
  const taken = new Uint8Array(columns * (Math.ceil(height) + 1));
  for (const failed of [false, true]) {
    taken.fill(0);
    for (let row = 0; row < trace.length; row += 1) {
      if (((trace.flags[row] & ERROR) !== 0) !== failed) continue;
      const left = trace.start[row] * x;
      const long = Math.max(1, trace.duration[row] * x);
      const y = 2 + row * pitch;
      if (pitch < 1 && long < 1.5) {
        const pixel = Math.floor(y) * columns + Math.floor(left);
        if (taken[pixel]) continue;
        taken[pixel] = 1;
      }
      context.fillStyle = failed ? err : palette[slotOf[trace.service[row]]];
      context.fillRect(left, y, long, thick);
    }
  }
}
