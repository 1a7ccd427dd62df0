/**
 * What is put together of the drafts: a ministry's chapter, and the national policy of all chapters. Pure; what a document
 * says comes out of those below it.
 */
import { readDraft, standing, type ReadDraft } from './draft.ts';
import { SCRIPTED } from './texts.ts';

export interface Part {
  readonly path: string;
  readonly content: string;
}

const count = (number: number, one: string, many: string): string => `${number} ${number === 1 ? one : many}`;

const changesLine = ({ changes }: ReadDraft): string =>
  changes.length === 0
    ? 'Nothing was changed after the interviews.'
    : `After the interviews: ${changes
        .map(({ number, kind, voices }) => `clause ${number} ${kind} (${voices.map(({ agent }) => agent).join(', ')})`)
        .join('; ')}.`;

const draftPart = ({ path, content }: Part): string => {
  const draft = readDraft(content);
  return [
    `## ${draft.title}`,
    standing(draft)
      .map(({ text }) => `- ${text}`)
      .join('\n'),
    `${changesLine(draft)} In full: [${path}](${path.replace(/^policy\//u, '')}).`,
  ].join('\n\n');
};

const figures = (policies: number, interviews: number, changes: number): string =>
  `${count(policies, 'policy', 'policies')}, ${count(interviews, 'interview', 'interviews')}, ${count(changes, 'clause', 'clauses')} changed because of them.`;

/** A ministry's chapter. @param drafts as they were accepted @param interviews how many citizens were asked */
export const chapterText = (ministry: string, drafts: readonly Part[], interviews: number): string => {
  const changes = drafts.reduce((sum, { content }) => sum + readDraft(content).changes.length, 0);
  return `${[
    `# Ministry of ${ministry}`,
    SCRIPTED,
    figures(drafts.length, interviews, changes),
    ...drafts.map(draftPart),
  ].join('\n\n')}\n`;
};

const FIGURES = /^(\d+) polic\w+, (\d+) interviews?, (\d+) clauses? changed/mu;

interface ReadChapter {
  readonly heading: string;
  readonly policies: number;
  readonly interviews: number;
  readonly changes: number;
  readonly titles: readonly { readonly title: string; readonly told: string }[];
}

const readChapter = (content: string): ReadChapter => {
  const [, policies = '0', interviews = '0', changes = '0'] = FIGURES.exec(content) ?? [];
  const titles = content
    .split(/^## /mu)
    .slice(1)
    .map((part) => ({
      title: part.split('\n', 1)[0] ?? '',
      told: /^After the interviews: (.+?)\. In full/mu.exec(part)?.[1] ?? 'as drafted',
    }));
  return {
    heading: /^# (.+)$/mu.exec(content)?.[1] ?? '',
    policies: Number(policies),
    interviews: Number(interviews),
    changes: Number(changes),
    titles,
  };
};

/** The heading of a chapter in the national policy. */
export const headingOf = (content: string): string => `## ${readChapter(content).heading}`;

/** The national policy, out of the chapters. */
export const nationalText = (goal: string, chapters: readonly Part[]): string => {
  const read = chapters.map(({ path, content }) => ({ path, ...readChapter(content) }));
  const sum = (of: (chapter: ReadChapter) => number): number => read.reduce((total, chapter) => total + of(chapter), 0);
  return `${[
    '# National policy',
    SCRIPTED,
    `Goal: ${goal}`,
    `${count(read.length, 'ministry', 'ministries')}: ${figures(
      sum(({ policies }) => policies),
      sum(({ interviews }) => interviews),
      sum(({ changes }) => changes),
    )}`,
    ...read.flatMap(({ path, heading, titles, policies, interviews, changes }) => [
      `## ${heading}`,
      `${figures(policies, interviews, changes)} The chapter: [${path}](${path}).`,
      titles.map(({ title, told }) => `- ${title}: ${told}`).join('\n'),
    ]),
  ].join('\n\n')}\n`;
};
