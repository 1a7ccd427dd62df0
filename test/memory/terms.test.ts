import { describe, expect, test } from 'vitest';
import { areAlike, shapeOf, signatureOf } from '../../src/memory/duplicates.ts';
import { stem, termsOf } from '../../src/memory/terms.ts';

describe('terms', () => {
  test.each([
    ['Ports closing', ['port', 'clos']],
    ['closes closed close', ['clos', 'clos', 'clos']],
    ['cities city', ['city', 'city']],
    ['stopped process', ['stop', 'process']],
    ['状态机', ['状态', '态机']],
  ])('%s', (text, expected) => {
    expect(termsOf(text).all).toEqual(expected);
  });

  test.each([
    'QX-4417',
    'src/app/main.ts',
    'max_retries',
    'ada@example.org',
    'v1.20.3',
    'maxRetries',
    '0xdeadbeef',
    'E1234',
  ])('identifier %s is found whole', (identifier) => {
    const { all, identifiers } = termsOf(`What about ${identifier}, and when?`);
    expect([...identifiers]).toEqual([identifier.toLowerCase()]);
    expect(all).toContain(identifier.toLowerCase());
  });

  test('parts of an identifier are found as well, and plain hyphens are no identifiers', () => {
    expect(termsOf('maxRetries').all).toEqual(['maxretries', 'max', 'retry']);
    expect(termsOf('src/app.ts').all).toEqual(['src/app.ts', 'src', 'app', 'ts']);
    expect(termsOf("a well-known author's book").identifiers.size).toBe(0);
  });

  test('a stem is its own stem', () => {
    for (const word of ['running', 'classes', 'flies', 'was', 'axes', 'tries', 'agreed'])
      expect(stem(stem(word))).toBe(stem(word));
  });
});

describe('near-duplicates', () => {
  const alike = (left: string, right: string): boolean => areAlike(shapeOf(termsOf(left)), shapeOf(termsOf(right)));
  const same = (left: string, right: string): boolean => signatureOf(termsOf(left)) === signatureOf(termsOf(right));

  test.each([
    ['The harbour closes at nine.', 'the harbour  closes at NINE'],
    ['We have written the report', 'We had written reports!'],
  ])('%s = %s', (left, right) => {
    expect(same(left, right)).toBe(true);
    expect(alike(left, right)).toBe(true);
  });

  test.each([
    ['Order QX-4417 was shipped to the north depot today', 'Order QX-4471 was shipped to the north depot today'],
    [
      'Restart the ledger service every night after the backup',
      'Never restart the ledger service every night after the backup',
    ],
    ['Ada beats Bob', 'Bob beats Ada'],
    ['It takes 3 days', 'It takes 4 days'],
    ["You can't deploy", 'You can deploy'],
  ])('%s ≠ %s', (left, right) => {
    expect(same(left, right)).toBe(false);
    expect(alike(left, right)).toBe(false);
  });

  test('an answer needs no second text with one more word', () => {
    const text =
      'The north depot takes deliveries of fresh fish from the islands every morning before the market opens';
    expect(alike(text, `${text} again`)).toBe(true);
    expect(same(text, `${text} again`)).toBe(false);
  });

  test('a text without words has no signature', () => {
    expect(signatureOf(termsOf('… !'))).toBeNull();
    expect(signatureOf(termsOf('it is'))).not.toBeNull();
  });
});
