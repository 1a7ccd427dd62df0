/** Time, randomness, timers and threads, which code outside of `platform/` takes as arguments. */
import { mask, moduleNames } from './source.ts';

export const FORBIDDEN_GLOBALS: Readonly<Record<string, RegExp>> = {
  'Date.now': /\bDate\s*\.\s*now\b/gu,
  // With an argument it only converts.
  'new Date()': /\bnew\s+Date\s*(?:\(\s*\)|(?!\s*\())/gu,
  'performance.now': /\bperformance\s*\.\s*(?:now|timeOrigin)\b/gu,
  'process.hrtime': /\bprocess\s*\.\s*hrtime\b/gu,
  'Math.random': /\bMath\s*\.\s*random\b/gu,
  setTimeout: /(?<![.\w])(?:globalThis\s*\.\s*)?set(?:Timeout|Interval|Immediate)\b/gu,
  'new Worker': /\bnew\s+Worker\b/gu,
};

export const FORBIDDEN_MODULES: readonly string[] = [
  'timers',
  'node:timers',
  'timers/promises',
  'node:timers/promises',
];

/** `LINE: NAME` for each use in one file. */
export const forbiddenUses = (source: string): string[] => {
  const { code } = mask(source);
  const lineOf = (index: number): number => code.slice(0, index).split('\n').length;
  return [
    ...Object.entries(FORBIDDEN_GLOBALS).flatMap(([name, pattern]) =>
      [...code.matchAll(pattern)].map((match) => `${lineOf(match.index)}: ${name}`),
    ),
    ...moduleNames(source)
      .filter((name) => FORBIDDEN_MODULES.includes(name))
      .map((name) => `import of ${name}`),
  ];
};
