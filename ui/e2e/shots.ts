// Pictures of pages held against those that are committed in `shots/`.
//
// A reference is an indexed PNG of the 256 most frequent colours, which no tolerance sees and which makes it a third
// as large. What differs is left in `out/`: the picture, and one with the differing points in red.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';

import pixelmatch from 'pixelmatch';
import { PNG } from 'pngjs';

const KEPT = join(import.meta.dirname, 'shots');
const OUT = join(import.meta.dirname, 'out');

/** Points of a picture that may differ: a letter or two drawn otherwise, never a word. */
const DIFFERING_MAX = 250;

/** How far the colours of a point may be apart (0 to 1), the nearest of 256 included. */
const THRESHOLD = 0.12;

interface Picture {
  width: number;
  height: number;
  data: Uint8Array;
}

/** Compares with what is committed under this name, or commits this one where `RENEW_SHOTS` is set. Returns what is wrong. */
export function differenceOf(name: string, shot: Buffer): string | null {
  const path = join(KEPT, `${name}.png`);
  const now = PNG.sync.read(shot) as Picture;
  if (process.env.RENEW_SHOTS) {
    mkdirSync(KEPT, { recursive: true });
    if (!existsSync(path) || told(PNG.sync.read(readFileSync(path)) as Picture, now, name) !== null) writeFileSync(path, indexed(shot));
    return null;
  }
  if (!existsSync(path)) return `${name}: there is no shots/${name}.png; make it with cargo xtask shots`;
  return told(PNG.sync.read(readFileSync(path)) as Picture, now, name, shot);
}

function told(kept: Picture, now: Picture, name: string, shot?: Buffer): string | null {
  if (kept.width !== now.width || kept.height !== now.height) return `${name}: it is ${now.width}x${now.height}, was ${kept.width}x${kept.height}`;
  const painted = new PNG({ width: now.width, height: now.height });
  const count = pixelmatch(kept.data, now.data, painted.data as unknown as Uint8Array, now.width, now.height, { threshold: THRESHOLD });
  if (count <= DIFFERING_MAX) return null;
  if (shot) {
    mkdirSync(OUT, { recursive: true });
    writeFileSync(join(OUT, `${name}.actual.png`), shot);
    writeFileSync(join(OUT, `${name}.differs.png`), PNG.sync.write(painted));
  }
  return `${name}: ${count} points differ, ${DIFFERING_MAX} may; look at ui/e2e/out/${name}.actual.png and .differs.png; if it is meant, renew with cargo xtask shots`;
}

function chunk(kind: string, body: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(kind, 'latin1'), body]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

/** A PNG again, of its 256 most frequent colours; what has another takes the nearest. */
export function indexed(shot: Buffer): Buffer {
  const { width, height, data } = PNG.sync.read(shot) as Picture;
  const colourAt = (point: number) => (data[point * 4] << 16) | (data[point * 4 + 1] << 8) | data[point * 4 + 2];
  const counts = new Map<number, number>();
  for (let point = 0; point < width * height; point += 1) counts.set(colourAt(point), (counts.get(colourAt(point)) ?? 0) + 1);
  const colours = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, 256).map(([colour]) => colour);
  const places = new Map(colours.map((colour, place) => [colour, place]));
  const apart = (a: number, b: number) => ((a >> 16) - (b >> 16)) ** 2 + (((a >> 8) & 255) - ((b >> 8) & 255)) ** 2 + ((a & 255) - (b & 255)) ** 2;
  for (const colour of counts.keys()) {
    if (!places.has(colour)) places.set(colour, colours.reduce((best, one, place) => (apart(one, colour) < apart(colours[best], colour) ? place : best), 0));
  }
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) rows[y * (width + 1) + 1 + x] = places.get(colourAt(y * width + x))!;
  }
  return written(width, height, colours, rows);
}

function written(width: number, height: number, colours: number[], rows: Buffer): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head[8] = 8;
  head[9] = 3;
  const table = Buffer.from(colours.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk('IHDR', head), chunk('PLTE', table), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0))]);
}
