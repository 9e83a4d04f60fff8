// The colour of a service: the same for everybody, today and tomorrow.
//
// A service's own slot is a hash of its name. Inside one view, services take their slots in name order and
// probe onwards from a taken one, so that no two share a colour before all slots are used; from then on the
// stripe is dashed. The hue belongs to the slot, the tone to the theme (the tokens `--s0` to `--s11`).

export const SLOTS = 12;

export interface Colour {
  slot: number;
  /** A second service on the same slot: drawn with a striped stripe. */
  striped: boolean;
}

/** FNV-1a over UTF-16 units, mixed once more: short names differ in their last bits only. */
export function slotOf(service: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < service.length; at += 1) {
    hash ^= service.charCodeAt(at);
    hash = Math.imul(hash, 0x01000193);
  }
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  hash ^= hash >>> 12;
  return (hash >>> 0) % SLOTS;
}

/** Colours for all services of a view. */
export function assign(services: readonly string[]): Map<string, Colour> {
  const colours = new Map<string, Colour>();
  const taken = new Set<number>();
  for (const service of [...new Set(services)].sort()) {
    let slot = slotOf(service);
    const striped = taken.size >= SLOTS;
    if (!striped) {
      while (taken.has(slot)) slot = (slot + 1) % SLOTS;
      taken.add(slot);
    }
    colours.set(service, { slot, striped });
  }
  return colours;
}

/** The token of a colour, for styles. */
export function token(colour: Colour | undefined): string {
  return `var(--s${colour?.slot ?? 0})`;
}
