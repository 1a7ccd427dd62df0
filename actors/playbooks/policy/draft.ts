/**
 * The document that an expert writes: as a draft, as its revision, and read back by those who go on with it. Pure.
 *
 * 1. A draft and its revision differ in two passages, the clauses and what is said of changes, so that the history of the
 *    file shows what the interviews have caused, and the file itself says because of whom.
 */
import type { Clause, Draft } from './clauses.ts';
import { DROPPED, type Change, type Revision } from './revision.ts';
import { interviewPath, numbered, SCRIPTED } from './texts.ts';

const CLAUSES = '## Clauses';
const CHANGED = '## Changed after interviews';
const NOT_YET = 'Nothing yet: this is the draft that citizens are asked about.';
const NOTHING = 'Nothing: nobody who was asked wished for a change.';
const NOBODY = 'Nothing: nobody could be asked.';
/** What a draft says that leaves open who is responsible. */
export const UNNAMED = 'To be named.';

const responsibleText = (ministry: string, title: string): string =>
  `The office for ${title.toLowerCase()} of the Ministry of ${ministry}, with a person in charge in every district.`;

export interface Subject {
  readonly ministry: string;
  readonly title: string;
  /** The agent that writes it. */
  readonly author: string;
}

/** The file as it is before the interviews. */
export const draftText = ({ ministry, title, author }: Subject, draft: Draft): string =>
  `${[
    `# ${title}`,
    SCRIPTED,
    `Ministry of ${ministry}, written by ${author}.`,
    CLAUSES,
    numbered(draft.clauses),
    '## Responsible',
    draft.responsible ? responsibleText(ministry, title) : UNNAMED,
    CHANGED,
    NOT_YET,
  ].join('\n\n')}\n`;

/** A passage and what it is replaced by. */
export interface Edit {
  readonly old: string;
  readonly new: string;
}

const WORDS = { changed: 'was changed', dropped: 'was dropped', added: 'was added' } as const;

const changeText = (ministry: string, { kind, number, before, voices }: Change): string =>
  [
    `- Clause ${number} ${WORDS[kind]}.${before === null ? '' : ` It said: "${before}"`}`,
    ...voices.map(
      ({ agent, profile, says }) =>
        `  - Because of ${profile}, [${agent}](../../${interviewPath(ministry, agent)}): "${says}"`,
    ),
  ].join('\n');

/** What makes the draft its revision. @param asked how many citizens have answered */
export const revisionEdits = (
  { ministry }: Subject,
  draft: Draft,
  { clauses, changes }: Revision,
  asked: number,
): readonly Edit[] => {
  const said =
    changes.length === 0
      ? asked === 0
        ? NOBODY
        : NOTHING
      : changes.map((change) => changeText(ministry, change)).join('\n');
  return [
    ...(changes.length === 0 ? [] : [{ old: numbered(draft.clauses), new: numbered(clauses) }]),
    { old: NOT_YET, new: said },
  ];
};

/** What names who is responsible, after the minister has asked for it. */
export const responsibleEdit = ({ ministry, title }: Subject): Edit => ({
  old: UNNAMED,
  new: responsibleText(ministry, title),
});

/** A change as the document says it. */
export interface ToldChange {
  readonly number: number;
  readonly kind: Change['kind'];
  /** What the clause said before; null for one that was added. */
  readonly before: string | null;
  readonly voices: readonly { readonly agent: string; readonly says: string }[];
}

export interface ReadDraft {
  readonly title: string;
  readonly clauses: readonly Clause[];
  readonly changes: readonly ToldChange[];
}

const sectionOf = (content: string, heading: string): string => {
  const begin = content.indexOf(`${heading}\n`);
  if (begin === -1) return '';
  const rest = content.slice(begin + heading.length);
  const end = rest.search(/^## /mu);
  return end === -1 ? rest : rest.slice(0, end);
};

const CHANGE = /^- Clause (\d+) was (changed|dropped|added)\.(?: It said: "(.*)")?$/u;
const VOICE = /^ {2}- Because of .*\[([\w-]+)\]\([^)]*\): "(.*)"$/u;

const readChanges = (content: string): readonly ToldChange[] => {
  const changes: (ToldChange & { voices: { agent: string; says: string }[] })[] = [];
  for (const line of sectionOf(content, CHANGED).split('\n')) {
    const [, number, kind, before] = CHANGE.exec(line) ?? [];
    const [, agent, says] = VOICE.exec(line) ?? [];
    if (number !== undefined) {
      changes.push({ number: Number(number), kind: kind as Change['kind'], before: before ?? null, voices: [] });
    } else if (agent !== undefined) changes.at(-1)?.voices.push({ agent, says: says ?? '' });
  }
  return changes;
};

/** Reads such a document; of any other one what there is. */
export const readDraft = (content: string): ReadDraft => {
  const title = /^# (.+)$/mu.exec(content)?.[1] ?? '';
  const clauses = [...sectionOf(content, CLAUSES).matchAll(/^(\d+)\. (.+)$/gmu)].map((match) => ({
    number: Number(match[1]),
    text: match[2] ?? '',
  }));
  return { title, clauses, changes: readChanges(content) };
};

/** The clauses that hold. */
export const standing = ({ clauses }: ReadDraft): readonly Clause[] => clauses.filter(({ text }) => text !== DROPPED);
