// What all painters need: a canvas at the screen's own resolution, and the theme's colours as text.

export interface Sheet {
  context: CanvasRenderingContext2D;
  width: number;
  height: number;
}

/** Fits a canvas to its box and clears it; `null` before it has a size. */
export function sheetOf(canvas: HTMLCanvasElement): Sheet | null {
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  const scale = window.devicePixelRatio || 1;
  if (width === 0 || height === 0) return null;
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  const context = canvas.getContext('2d');
  if (!context) return null;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** The values of tokens at this moment. */
export function tokens<K extends string>(names: readonly K[]): Record<K, string> {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])) as Record<K, string>;
}

export function slots(): string[] {
  const style = getComputedStyle(document.documentElement);
  return Array.from({ length: 12 }, (_, slot) => style.getPropertyValue(`--s${slot}`).trim());
}

/** A colour between two of `#rrggbb`. */
export function between(from: string, to: string, share: number): string {
  const part = (text: string, at: number) => Number.parseInt(text.slice(at, at + 2), 16);
  const mix = (at: number) => Math.round(part(from, at) + (part(to, at) - part(from, at)) * share);
  return `rgb(${mix(1)} ${mix(3)} ${mix(5)})`;
}
