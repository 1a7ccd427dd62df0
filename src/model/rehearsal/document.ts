/**
 * The files that rehearsed agents write. A file is a head that depends on its path alone, and one section per author in
 * the order of their names: whoever writes first, the file ends up the same.
 */
import { pick, streamOf } from './draw.ts';
import type { Random } from '../../platform/index.ts';
import { paragraph, sentence } from './vocabulary.ts';
import type { Call, Progress } from './progress.ts';

export const SYNTHETIC_NOTE = 'Synthetic text of a rehearsal: no language model wrote this.';

const head = (path: string): string => `# ${path.replace(/\.[a-z]+$/u, '')}\n`;

const SECTION = /^(?=## )/mu;

/** The author's section put into `current`, in place of its earlier one. */
export const withSection = (path: string, current: string | null, author: string, section: string): string => {
  const [before, ...sections] = current === null || current.trim() === '' ? [head(path)] : current.split(SECTION);
  const own = `## ${author}\n\n${section.trim()}\n`;
  const start = `## ${author}\n`;
  const others = sections.filter((other) => !other.startsWith(start)).map((other) => `${other.trimEnd()}\n`);
  const all = [...others, own].sort((a, b) => (a < b ? -1 : 1));
  return [`${(before ?? '').trimEnd()}\n`, ...all].join('\n').trimStart();
};

/** What every section has to state; a reviewer looks for it. */
const timetable = (seed: number, author: string, path: string): string => {
  const months = 3 + Math.floor(streamOf(seed, 'timetable', author, path)() * 33);
  return `Timetable: first results within ${months} months. Responsible: ${author}.`;
};

/** A first draft that somebody hands in too early lacks the timetable. */
export type Draft = 'whole' | 'thin';

/** The body of a worker's section. */
export const policyText = (
  seed: number,
  author: string,
  path: string,
  goal: string,
  revision: number,
  draft: Draft = 'whole',
): string => {
  const random = streamOf(seed, 'text', author, path);
  const paragraphs = Array.from({ length: 2 + Math.floor(random() * 3) }, () =>
    paragraph(random, 2 + Math.floor(random() * 4)),
  );
  const stated = draft === 'thin' ? [] : [timetable(seed, author, path)];
  const note = revision === 0 ? [] : [revisionNote(revision), sentence(streamOf(seed, 'revision', author, revision))];
  return [`> ${SYNTHETIC_NOTE}`, `Goal: ${goal}`, ...paragraphs, ...stated, ...note].join('\n\n');
};

/** The body of a lead's section: what its group handed in. */
export const summaryText = (
  seed: number,
  author: string,
  path: string,
  members: readonly string[],
  goal: string,
  revision: number,
): string => {
  const random = streamOf(seed, 'summary', author);
  const rows = [...members].sort().map((member) => `- ${member}: accepted`);
  const note = revision === 0 ? [] : [revisionNote(revision)];
  return [
    `> ${SYNTHETIC_NOTE}`,
    `Goal: ${goal}`,
    paragraph(random, 3),
    ...(rows.length === 0 ? [] : [rows.join('\n')]),
    timetable(seed, author, path),
    ...note,
  ].join('\n\n');
};

const revisionNote = (revision: number): string => `Revision ${revision}: taken up what the review asked for.`;

const sectionOf = (content: string, author: string): string | null =>
  content.split(SECTION).find((section) => section.startsWith(`## ${author}\n`)) ?? null;

const PLACEHOLDER = 'TODO: this part is still to be written. (synthetic)';
const PLACEHOLDERS = /\b(?:TODO|TBD|FIXME)\b/u;
const TIMETABLE = /^Timetable: .+\. Responsible: .+\.$/mu;

/** What a reviewer who reads the file finds wrong with the section of `author`; nothing is a good one. */
export const faultsOf = (content: string, author: string): readonly string[] => {
  const own = sectionOf(content, author);
  if (own === null) return [`There is nothing by ${author}.`];
  return [
    ...(PLACEHOLDERS.test(own) ? ['Write out what is still a placeholder.'] : []),
    ...(TIMETABLE.test(own) ? [] : ['State the timetable and who is responsible.']),
  ];
};

/** `content` with a section of `author` that nobody should accept: with placeholders, broken off, or not as asked. */
export const spoil = (content: string, author: string, random: Random): string => {
  const own = sectionOf(content, author);
  if (own === null) return PLACEHOLDER;
  const [head = '', note = '', ...rest] = own.trimEnd().split('\n\n');
  // What it says of revisions stays, as the author goes by it.
  const marks = rest.filter((part) => part.startsWith('Revision '));
  const texts = rest.filter((part) => !part.startsWith('Revision ') && !TIMETABLE.test(part));
  const ways: readonly (() => readonly string[])[] = [
    () => [...texts.slice(0, 1), PLACEHOLDER, ...rest.filter((part) => TIMETABLE.test(part))],
    () => [...texts.slice(0, 1), (texts[1] ?? PLACEHOLDER).slice(0, 40)],
    () => texts,
  ];
  return content.replace(own, () => `${[head, note, ...pick(random, ways)(), ...marks].join('\n\n')}\n`);
};

/** The highest revision that `content` carries in the section of `author`. */
const revisionOf = (content: string, author: string): number => {
  const own = sectionOf(content, author) ?? '';
  const marks = [...own.matchAll(/^Revision (\d+):/gmu)].map((match) => Number(match[1]));
  return Math.max(0, ...marks);
};

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);

interface KnownFile {
  /** The last content and base that this agent saw; null when it does not know. */
  readonly content: string | null;
  readonly base: string | null;
  /** Whether that is from a look at the file, rather than from what it wrote itself. */
  readonly seen: boolean;
  /** The highest revision written; −1 when nothing was. */
  readonly revision: number;
}

const knownFile = (progress: Progress, path: string): KnownFile => {
  let known: KnownFile = { content: null, base: null, seen: false, revision: -1 };
  for (const { tool, args, ok, code, result } of progress.actions) {
    if (args === null || args['path'] !== path) continue;
    const base = textOf(result['base']);
    if (tool === 'read_file' && ok) known = { ...known, content: textOf(result['content']), base, seen: true };
    else if (tool === 'read_file' && code === 'NOT_FOUND') {
      known = { ...known, content: null, base: null, seen: true };
    } else if (tool === 'write_file' && ok) {
      const written = textOf(args['content']) ?? '';
      const revision = Math.max(known.revision, revisionOf(written, progress.persona.name));
      known = { content: result['merged'] === true ? null : written, base, seen: false, revision };
    } else if (tool === 'write_file' && (code === 'EXISTS' || code === 'CONFLICT')) {
      const current = textOf(result['current']);
      known = { ...known, content: current, base, seen: current !== null };
    }
  }
  return known;
};

/** What to do about one file: the call to make, or why there is none. */
export type FileStep = { readonly call: Call } | { readonly end: 'written' | 'given-up'; readonly base: string };

/** The next call that brings `section` in its `revision` into the file at `path`. It is made only when it is needed. */
export const fileStep = (progress: Progress, path: string, section: () => string, revision: number): FileStep => {
  const known = knownFile(progress, path);
  if (known.revision >= revision) return { end: 'written', base: known.base ?? '' };
  const here = (args: Readonly<Record<string, unknown>>): boolean => args['path'] === path;
  if (!progress.mayTry('write_file', here)) return { end: 'given-up', base: '' };
  const exists = known.base !== null;
  const mustLook = !known.seen && (revision > 0 || (exists && known.content === null));
  if (mustLook && progress.mayTry('read_file', here)) {
    return { call: { tool: 'read_file', args: { path }, key: `read/${path}/${revision}` } };
  }
  const content = withSection(path, known.content, progress.persona.name, section());
  const args = exists ? { path, content, base: known.base } : { path, content };
  return { call: { tool: 'write_file', args, key: `write/${path}/${revision}` } };
};
