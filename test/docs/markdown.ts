/**
 * The fenced blocks of a Markdown page, with what the page says about them in HTML comments in front of them. Pure.
 * What it does not do: run them (`snippets.ts`).
 *
 * Comments: `not run: REASON` · `file: NAME` (the block is that file) · `interrupted` (Ctrl-C is pressed once the command
 * has begun) · `paused` (it ends as a run that paused does, exit code 3) · `output` (what the program before prints).
 */

export type Language = 'ts' | 'js' | 'sh' | 'json' | 'other';

export interface Block {
  /** Relative to the root, as `docs/a.md`. */
  readonly page: string;
  /** Of the opening fence, from 1. */
  readonly line: number;
  readonly language: Language;
  readonly code: string;
  /** null: it is run. An empty reason is a mistake of the page. */
  readonly notRun: string | null;
  readonly file: string | null;
  readonly interrupted: boolean;
  readonly paused: boolean;
  readonly output: boolean;
}

const LANGUAGES: Readonly<Record<string, Language>> = {
  ts: 'ts',
  typescript: 'ts',
  js: 'js',
  javascript: 'js',
  sh: 'sh',
  bash: 'sh',
  shell: 'sh',
  json: 'json',
};

const FENCE = /^(?<indent>\s*)(?<mark>`{3,})(?<language>\S*).*$/u;
const COMMENT = /^\s*<!--\s*(?<text>.*?)\s*-->\s*$/u;

/** Comments on the lines right before `index`; blank lines do not matter. */
const commentsBefore = (lines: readonly string[], index: number): string[] => {
  const comments: string[] = [];
  for (let at = index - 1; at >= 0; at -= 1) {
    const line = lines[at] ?? '';
    const text = COMMENT.exec(line)?.groups?.['text'];
    if (text !== undefined) comments.push(text);
    else if (line.trim() !== '') break;
  }
  return comments;
};

const valueOf = (comments: readonly string[], name: string): string | null => {
  const comment = comments.find((text) => text === name || text.startsWith(`${name}:`));
  return comment === undefined ? null : comment.slice(name.length + 1).trim();
};

const fileNamed = (code: string): string | null =>
  /^\/\/ (?<name>[\w.-]+\.(?:ts|js|mjs))$/u.exec(code.split('\n', 1)[0] ?? '')?.groups?.['name'] ?? null;

export const blocksOf = (page: string, text: string): Block[] => {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const opening = FENCE.exec(lines[index] ?? '')?.groups;
    if (opening === undefined) continue;
    const { indent = '', mark = '```', language = '' } = opening;
    let end = index + 1;
    while (end < lines.length && !(lines[end] ?? '').trimStart().startsWith(mark)) end += 1;
    const code = lines
      .slice(index + 1, end)
      .map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line))
      .join('\n');
    const comments = commentsBefore(lines, index);
    blocks.push({
      page,
      line: index + 1,
      language: LANGUAGES[language] ?? 'other',
      code,
      notRun: valueOf(comments, 'not run'),
      file: valueOf(comments, 'file') ?? fileNamed(code),
      interrupted: comments.includes('interrupted'),
      paused: comments.includes('paused'),
      output: comments.includes('output'),
    });
    index = end;
  }
  return blocks;
};
