import { describe, expect, it } from 'vitest';

import { boxOf, boxParts, boxText, chosenQuery, narrowed } from './selection';

describe('a box', () => {
  it('is read as it was written, and nothing else is one', () => {
    const box = { from: 1000, to: 2000, low: 5e6, high: 9e6 };
    expect(boxOf(boxText(box))).toEqual(box);
    expect(boxOf('1000,2000,0,0')).toEqual({ from: 1000, to: 2000, low: 0, high: 0 });
    for (const odd of [null, '', '1,2,3', '2,1,0,0', '1,2,9,5', 'a,b,c,d', '1,2,-1,0', '1,Infinity,0,0']) expect(boxOf(odd)).toBe(null);
  });

  it('adds the durations that it has an end of', () => {
    expect(boxParts({ from: 1, to: 2, low: 5, high: 0 })).toEqual(['duration >= 5ns']);
    expect(boxParts({ from: 1, to: 2, low: 0, high: 9 })).toEqual(['duration < 9ns']);
    expect(narrowed('{ name = "a" }', ['duration < 9ns', 'name = "a"'])).toBe('{ name = "a" && duration < 9ns }');
    expect(narrowed('{ a = 1 } || { b = 2 }', ['x = 1'])).toBe('{ a = 1 } || { b = 2 }');
  });

  it('is one of three groups to look at', () => {
    expect(chosenQuery('', 'failed', null, 0)).toBe('{ status = error }');
    expect(chosenQuery('', 'slow', null, 12.7)).toBe('{ duration >= 13ns }');
    expect(chosenQuery('{ name = "a" }', 'box', { from: 1, to: 2, low: 5, high: 9 }, 0)).toBe('{ name = "a" && duration >= 5ns && duration < 9ns }');
  });
});
