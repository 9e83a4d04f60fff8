import { describe, expect, it } from 'vitest';

import { partsOf, writing } from './query';

/** What is being written where `|` stands. */
function check(text: string) {
  const now = writing(text.replace('|', ''), text.indexOf('|'));
  return now && [now.what, now.key, now.prefix, now.others, text.slice(0, now.from)];
}

describe('what is being written', () => {
  it('is a key at the start of a condition', () => {
    expect(check('|')).toEqual(['key', '', '', '', '']);
    expect(check('{ res|')).toEqual(['key', '', 'res', '', '{ ']);
    expect(check('{ a = 1 && na| }')).toEqual(['key', '', 'na', '{ a = 1 }', '{ a = 1 && ']);
  });

  it('is an operator behind a key', () => {
    expect(check('{ name |')).toEqual(['operator', 'name', '', '', '{ name ']);
    expect(check('{ duration >|')).toEqual(['operator', 'duration', '>', '', '{ duration ']);
    expect(check('{ span."my key" !| && b = "x" }')).toEqual(['operator', 'span."my key"', '!', '{ b = "x" }', '{ span."my key" ']);
  });

  it('is a value behind an operator, quoted or not', () => {
    expect(check('{ status = er| && name = "a && b" }')).toEqual(['value', 'status', 'er', '{ name = "a && b" }', '{ status = ']);
    expect(check('{ name = "GET /pro|')).toEqual(['value', 'name', 'GET /pro', '', '{ name = ']);
    expect(check('{ name = "a}b|')).toEqual(['value', 'name', 'a}b', '', '{ name = ']);
  });

  it('is a joint behind a condition, and nothing within what is done', () => {
    expect(check('{ name = "a" |')).toEqual(['joint', '', '', '', '{ name = "a" ']);
    expect(check('{ status = error |')).toEqual(['joint', '', '', '', '{ status = error ']);
    expect(check('{ name = "a"|')).toBe(null);
  });

  it('leaves conditions that are not whole out of the others', () => {
    expect(check('{ a = && b = 2 && c| }')).toEqual(['key', '', 'c', '{ b = 2 }', '{ a = && b = 2 && ']);
  });
});

describe('conditions', () => {
  it('are taken apart outside of quotes alone', () => {
    expect(partsOf('{ a = "x } y" && b = `q && r` }')).toEqual(['a = "x } y"', 'b = `q && r`']);
    expect(partsOf('{ a = "x }')).toBe(null);
    expect(partsOf('name = "a"')).toBe(null);
    expect(partsOf('{ a = 1 } || { b = 2 }')).toBe(null);
    expect(partsOf('')).toEqual([]);
  });
});
