import { expect, test } from 'vitest';
import { standing, verdict } from './standing';

const hundred: [number, number][] = [[1024, 50], [2048, 40], [4096, 9], [8192, 1]];

test('a duration stands above those that took less, and its part of its own bucket', () => {
  expect(standing(hundred, 500)?.slowerThan).toBe(0);
  expect(standing(hundred, 1024)?.slowerThan).toBe(0);
  expect(standing(hundred, 1024 + 128)?.slowerThan).toBe(0.25);
  expect(standing(hundred, 1999)?.slowerThan).toBe(0.5);
  expect(standing(hundred, 4096 + 512)?.slowerThan).toBeCloseTo(0.945);
  expect(standing(hundred, 1e9)?.slowerThan).toBe(1);
});

test('bars and mark lie on the chart', () => {
  for (const ns of [0, 500, 1000, 1e9]) {
    const { bars, mark } = standing(hundred, ns)!;
    for (const bar of bars) {
      expect(bar.left).toBeGreaterThanOrEqual(0);
      expect(bar.left + bar.width).toBeLessThanOrEqual(1.000001);
      expect(bar.height).toBeLessThanOrEqual(1);
    }
    expect(mark).toBeGreaterThanOrEqual(0);
    expect(mark).toBeLessThanOrEqual(1);
  }
});

test('one span is compared with nobody', () => {
  expect(standing([[1000, 1]], 1000)).toBeNull();
  expect(standing([], 1000)).toBeNull();
});

test('the verdict is told from the side that says more', () => {
  expect(verdict(0.945)).toBe('slower than 94 %');
  expect(verdict(0.9987)).toBe('slower than 99.8 %');
  expect(verdict(1)).toBe('slower than 99.9 %');
  expect(verdict(0.25)).toBe('faster than 75 %');
  expect(verdict(0)).toBe('faster than 99.9 %');
});
