// A list longer than a browser's tallest box: beyond the limit the scrollbar stands for more than its own pixels.
//
// Rows keep their height. `top` is where the reader is in the whole list, in pixels that need not exist; the box
// scrolls over `space`, and one of its pixels is `ratio` of the list's.

/** Firefox ends boxes at 17.8 million pixels, Chromium at 33.5 million. */
export const SPACE_MAX = 15_000_000;

export interface Scale {
  space: number;
  ratio: number;
  /** The largest `top`. */
  topMax: number;
}

export function scaleOf(content: number, view: number): Scale {
  const space = Math.min(content, SPACE_MAX);
  const topMax = Math.max(0, content - view);
  return { space, topMax, ratio: space < content && view < space ? topMax / (space - view) : 1 };
}

/** Where a row is drawn inside the space, so that it is seen at its place from `top`. */
export function drawnAt(y: number, top: number, scale: Scale): number {
  return scale.ratio === 1 ? y : y - top + top / scale.ratio;
}
