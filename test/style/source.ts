/**
 * Reads source text far enough for the style tests: which parts are code, which modules a file names. Not a parser;
 * it knows comments, strings, template strings and regular expressions, which is what a search must not look into.
 */

interface Masked {
  /** The text with every comment blanked out; strings stay. Same length as the source. */
  readonly withoutComments: string;
  /** The text with comments and the insides of strings blanked out. Same length as the source. */
  readonly code: string;
}

const blank = (text: string): string => text.replace(/[^\n]/gu, ' ');

/** What may come before a slash that begins a regular expression rather than divides. */
const BEFORE_REGEXP = /(?:^|[([{,;=:!&|?+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else|void|await|yield))\s*$/u;

const CONTENT_END: Readonly<Record<string, RegExp>> = {
  "'": /(?:[^'\\\n]|\\[\s\S])*/uy,
  '"': /(?:[^"\\\n]|\\[\s\S])*/uy,
  '/': /(?:\[(?:[^\]\\\n]|\\.)*\]|[^/[\\\n]|\\.)*/uy,
  '`': /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*/uy,
};

/** Separates code from comments and strings. */
export const mask = (source: string): Masked => {
  let withoutComments = '';
  let code = '';
  let position = 0;
  /** Depths of braces at which the template strings around the current place go on. */
  const templates: number[] = [];
  let braces = 0;
  const take = (length: number, kind: 'code' | 'string' | 'comment'): void => {
    const text = source.slice(position, position + length);
    withoutComments += kind === 'comment' ? blank(text) : text;
    code += kind === 'code' ? text : blank(text);
    position += length;
  };
  const takeContent = (quote: string): void => {
    const content = CONTENT_END[quote];
    if (content === undefined) throw new Error(`no quote: ${quote}`);
    content.lastIndex = position;
    take(content.exec(source)?.[0].length ?? 0, 'string');
    if (quote === '`' && source[position] === '$') {
      templates.push(braces);
      braces += 1;
      take(2, 'code');
    } else {
      take(1, 'code');
    }
  };
  while (position < source.length) {
    const two = source.slice(position, position + 2);
    const one = two[0] ?? '';
    if (two === '//') take((source.indexOf('\n', position) + 1 || source.length + 1) - 1 - position, 'comment');
    else if (two === '/*') take((source.indexOf('*/', position + 2) + 2 || source.length + 2) - position, 'comment');
    else if (one === "'" || one === '"' || one === '`' || (one === '/' && BEFORE_REGEXP.test(code.slice(-40)))) {
      take(1, 'code');
      takeContent(one);
    } else {
      if (one === '{') braces += 1;
      if (one === '}') braces -= 1;
      take(1, 'code');
      if (one === '}' && templates.at(-1) === braces) {
        templates.pop();
        takeContent('`');
      }
    }
  }
  return { withoutComments, code };
};

const MODULE_NAME =
  /\b(?:from|import|import\s*\(|new\s+URL\s*\(|entryUrl\s*\()\s*(?<quote>['"`])(?<name>[^'"`\n]*)\k<quote>/gu;

/** The modules a file names: static and dynamic imports, re-exports, and URLs of thread entries. */
export const moduleNames = (source: string): string[] => {
  const { withoutComments, code } = mask(source);
  return [...withoutComments.matchAll(MODULE_NAME)]
    .filter((match) => /[a-zA-Z]/u.test(code[match.index] ?? ''))
    .map((match) => match.groups?.['name'] ?? '')
    .filter((name) => name !== '');
};
