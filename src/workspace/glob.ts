/**
 * Globs over paths: `*` and `?` within a name, `**` over directories, `[a-z]`, `{a,b}`. A leading dot is nothing
 * special. Patterns come from models, so matching runs all alternatives side by side and never backtracks: its time is
 * (length of the pattern) × (length of the path), whatever the pattern.
 */
import { refuse } from './results.ts';

const GLOB_LENGTH_MAX = 256;
export const BAD_GLOB = refuse(
  'INVALID_ARGUMENTS',
  'The glob is too long or has too many alternatives.',
  `Use at most ${GLOB_LENGTH_MAX} characters and few alternatives in braces.`,
);
const ALTERNATIVES_MAX = 64;

type Token =
  | { readonly kind: 'literal'; readonly char: string }
  /** One character of a name, of the set when there is one. */
  | { readonly kind: 'one'; readonly matches: (char: string) => boolean }
  /** Any characters of one name. */
  | { readonly kind: 'star' }
  /** Any characters, slashes too. */
  | { readonly kind: 'deep' }
  /** `**` + `/` is two tokens: the first may be passed by (no directory at all), the second is within directories. */
  | { readonly kind: 'maybe' }
  | { readonly kind: 'directories' };

/** Expands the first brace group and, by recursion, the others. Undefined when there are too many alternatives. */
const expandBraces = (pattern: string): string[] | undefined => {
  const open = pattern.indexOf('{');
  const close = pattern.indexOf('}', open);
  if (open === -1 || close === -1) return [pattern];
  const results: string[] = [];
  for (const choice of pattern.slice(open + 1, close).split(',')) {
    const rest = expandBraces(pattern.slice(0, open) + choice + pattern.slice(close + 1));
    if (rest === undefined || results.length + rest.length > ALTERNATIVES_MAX) return undefined;
    results.push(...rest);
  }
  return results;
};

const characterClass = (body: string): ((char: string) => boolean) => {
  const negated = body.startsWith('!') || body.startsWith('^');
  const set = negated ? body.slice(1) : body;
  return (char) => {
    if (char === '/') return false;
    let found = false;
    for (let index = 0; index < set.length && !found; index += 1) {
      const from = set[index] ?? '';
      const to = set[index + 2];
      if (set[index + 1] === '-' && to !== undefined) {
        found = char >= from && char <= to;
        index += 2;
      } else {
        found = char === from;
      }
    }
    return found !== negated;
  };
};

const tokenize = (pattern: string): Token[] => {
  const tokens: Token[] = [];
  for (let index = 0; index < pattern.length; index += 1) {
    const char = pattern[index] ?? '';
    const end = char === '[' ? pattern.indexOf(']', index + 2) : -1;
    if (pattern.startsWith('**/', index) && (index === 0 || pattern[index - 1] === '/')) {
      tokens.push({ kind: 'maybe' }, { kind: 'directories' });
      index += 2;
    } else if (char === '*' && pattern[index + 1] === '*') {
      tokens.push({ kind: 'deep' });
      index += 1;
    } else if (char === '*') {
      tokens.push({ kind: 'star' });
    } else if (char === '?') {
      tokens.push({ kind: 'one', matches: (other) => other !== '/' });
    } else if (end !== -1) {
      tokens.push({ kind: 'one', matches: characterClass(pattern.slice(index + 1, end)) });
      index = end;
    } else {
      tokens.push({ kind: 'literal', char });
    }
  }
  return tokens;
};

/** Marks the states that are reached from marked ones without reading a character. */
const close = (tokens: readonly Token[], states: Uint8Array): void => {
  for (let index = 0; index < tokens.length; index += 1) {
    if (states[index] === 0) continue;
    const kind = tokens[index]?.kind;
    if (kind === 'star' || kind === 'deep' || kind === 'maybe') states[index + 1] = 1;
    if (kind === 'maybe') states[index + 2] = 1;
  }
};

const matchTokens = (tokens: readonly Token[], path: string): boolean => {
  let states = new Uint8Array(tokens.length + 1);
  states[0] = 1;
  close(tokens, states);
  for (const char of path) {
    const next = new Uint8Array(tokens.length + 1);
    let alive = false;
    for (let index = 0; index < tokens.length; index += 1) {
      const token = tokens[index];
      if (states[index] === 0 || token === undefined) continue;
      if (token.kind === 'deep' || token.kind === 'directories' || (token.kind === 'star' && char !== '/')) {
        next[index] = 1;
        if (token.kind === 'directories' && char === '/') next[index + 1] = 1;
        alive = true;
      } else if (token.kind === 'literal' ? token.char === char : token.kind === 'one' && token.matches(char)) {
        next[index + 1] = 1;
        alive = true;
      }
    }
    if (!alive) return false;
    close(tokens, next);
    states = next;
  }
  return states[tokens.length] === 1;
};

/** A matcher for `glob`, or undefined when it is too long or has too many alternatives. */
export const compileGlob = (glob: string): ((path: string) => boolean) | undefined => {
  if (glob.length > GLOB_LENGTH_MAX) return undefined;
  const patterns = expandBraces(glob.replace(/^(?:\.\/)+/u, ''));
  if (patterns === undefined) return undefined;
  const compiled = patterns.map(tokenize);
  return (path) => compiled.some((tokens) => matchTokens(tokens, path));
};
