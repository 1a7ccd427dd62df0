/**
 * What a person is shown of tool calls that wait for consent: who would be hired for what, which program would run with
 * what, and what would change in which file. Pure.
 *
 * Invariant X1: every call has its own first line, whatever is cut of the rest; what is cut off says how much it was.
 */
import { z } from 'zod';
import { clip, oneLine } from '../src/society/index.ts';

/** Of the details of one call, and of all calls of an answer. */
const DETAIL_CHARS_MAX = 2_000;
const DETAILS_CHARS_MAX = 8_000;
const HEAD_CHARS_MAX = 400;
const ITEMS_SHOWN_MAX = 20;

export interface CallToShow {
  readonly tool: string;
  readonly args: unknown;
  /** Of a file that would be written: what it has now; null when there is none, absent when it is not known. */
  readonly current?: string | null | undefined;
  /** The program that would get input. */
  readonly program?: string | null | undefined;
}

interface Shown {
  readonly head: string;
  readonly detail: readonly string[];
}

const text = z.string().catch('');

const hireSchema = z.object({ name: text, description: text, initial_prompt: text });
const teamSchema = hireSchema.extend({ items: z.array(z.string()).catch([]) });
const runSchema = z.object({ path: text, args: z.array(z.string()).catch([]), stdin: z.string().optional() });
const inputSchema = z.object({ content: text });
const writeSchema = z.object({ path: text, content: text });
const editSchema = z.object({ path: text, old: text, new: text });

const size = (content: string): string => `${content.length} characters`;

const marked = (sign: '+' | '-', content: string): readonly string[] =>
  content === ''
    ? []
    : content
        .replace(/\n$/u, '')
        .split('\n')
        .map((line) => `${sign} ${line}`);

/** The lines that differ: what the two have in common at their beginning and end is left out. */
export const changedLines = (before: string, after: string): readonly string[] => {
  if (before === after) return ['(no change)'];
  const old = before.split('\n');
  const next = after.split('\n');
  let from = 0;
  while (from < old.length && from < next.length && old[from] === next[from]) from += 1;
  let end = 0;
  const shorter = Math.min(old.length, next.length) - from;
  while (end < shorter && old[old.length - 1 - end] === next[next.length - 1 - end]) end += 1;
  const removed = old.slice(from, old.length - end).map((line) => `- ${line}`);
  const added = next.slice(from, next.length - end).map((line) => `+ ${line}`);
  return [...(from === 0 ? [] : [`(from line ${from + 1})`]), ...removed, ...added];
};

const writeOf = (args: unknown, current: string | null | undefined): Shown => {
  const { path, content } = writeSchema.parse(args);
  if (typeof current === 'string') {
    const head = `write ${path}: ${size(content)} in place of ${current.length}`;
    return { head, detail: changedLines(current, content) };
  }
  return {
    head: `write ${path}: ${size(content)}${current === null ? ', a new file' : ''}`,
    detail: marked('+', content),
  };
};

const show = ({ tool, args, current, program }: CallToShow): Shown => {
  switch (tool) {
    case 'add_agent': {
      const { name, description, initial_prompt: task } = hireSchema.parse(args);
      return { head: `hire ${name}: ${description}`, detail: [`task: ${task}`] };
    }
    case 'add_team': {
      const { name, description, initial_prompt: task, items } = teamSchema.parse(args);
      const shown = items.slice(0, ITEMS_SHOWN_MAX).map((item, index) => `${name}_${index + 1}: ${item}`);
      const more = items.length - shown.length;
      const detail = [...shown, ...(more > 0 ? [`and ${more} more items`] : []), `task: ${task}`];
      return { head: `hire ${items.length} agents ${name}_1 to ${name}_${items.length}: ${description}`, detail };
    }
    case 'run_program': {
      const { path, args: words, stdin } = runSchema.parse(args);
      const given = stdin === undefined ? [] : [`input, ${size(stdin)}:`, ...stdin.split('\n')];
      return {
        head: `run ${path}`,
        detail: [...(words.length === 0 ? [] : [`arguments: ${JSON.stringify(words)}`]), ...given],
      };
    }
    case 'send_input': {
      const { content } = inputSchema.parse(args);
      return { head: `send ${size(content)} to ${program ?? 'its program'}`, detail: [JSON.stringify(content)] };
    }
    case 'write_file':
      return writeOf(args, current);
    case 'append_file': {
      const { path, content } = writeSchema.parse(args);
      return { head: `append to ${path}: ${size(content)}`, detail: marked('+', content) };
    }
    case 'edit_file': {
      const { path, old, new: next } = editSchema.parse(args);
      const head = `edit ${path}: ${next.length} characters in place of ${old.length}`;
      return { head, detail: [...marked('-', old), ...marked('+', next)] };
    }
    default:
      return { head: tool, detail: [JSON.stringify(args)] };
  }
};

/** All calls of an answer that wait, numbered when there are several. */
export const consentText = (calls: readonly CallToShow[]): string => {
  let left = DETAILS_CHARS_MAX;
  const parts = calls.map((call, index) => {
    const { head, detail } = show(call);
    const number = calls.length === 1 ? '' : `${index + 1}. `;
    const first = `${number}${oneLine(head, HEAD_CHARS_MAX)}`;
    const rest = detail.map((line) => `  ${line.replaceAll('\n', '\n  ')}`).join('\n');
    if (rest === '') return first;
    const shown = clip(rest, Math.min(DETAIL_CHARS_MAX, left));
    left = Math.max(0, left - Math.min(DETAIL_CHARS_MAX, rest.length));
    return `${first}\n${shown}`;
  });
  return parts.join('\n');
};
