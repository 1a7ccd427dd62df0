/**
 * Experts, citizens and the editor: what each of them answers, as a function of what it was told and has done. Pure. What it
 * does not do: lead (`leads.ts`), or make texts.
 *
 * 1. What goes into a file depends on who answered, not on when: an expert revises when everybody has answered whom it asked,
 *    or when a reminder says that nobody is left who will.
 */
import { waiting, type Decision, type Progress } from '../../../src/model/index.ts';
import { isMade, play, type Move } from '../script.ts';
import { nationalText } from './chapters.ts';
import { citizenOf } from './citizens.ts';
import { draftOf, type Draft } from './clauses.ts';
import { draftText, responsibleEdit, revisionEdits, type Subject } from './draft.ts';
import { answerText, interviewRecord, interviewText, readAnswer, readInterview } from './interviews.ts';
import { MINISTRIES, type Question } from './ministries.ts';
import { beginning, compiling, editing, ended, ending, lastRead, reading, writing } from './moves.ts';
import { revise, type Heard } from './revision.ts';
import { draftPath, interviewPath, NATIONAL } from './texts.ts';

/** What an expert's prompt says of its question: a line that is read back. */
export const questionLine = (ministry: string, { title }: Question): string => `Question: ${ministry} / ${title}`;

const QUESTION = /^Question: (.+) \/ (.+)$/mu;

const questionIn = (task: string): { readonly ministry: string; readonly question: Question } | null => {
  const [, ministry, title] = QUESTION.exec(task) ?? [];
  const question = MINISTRIES.find(({ name }) => name === ministry)?.questions.find((known) => known.title === title);
  return ministry === undefined || question === undefined ? null : { ministry, question };
};

const INTERVIEW = 'Please write your draft and interview:';
const ASKED = /^Please write your draft and interview: ?([^\n]*)$/mu;

/** Starts an expert. @param citizens whom it interviews */
export const assignment = (citizens: readonly string[]): string =>
  `${INTERVIEW} ${citizens.length === 0 ? 'nobody' : citizens.join(', ')}`;

/** Whom this expert interviews; null while nobody has said so. */
const interviewees = ({ mails, persona }: Progress): readonly string[] | null => {
  const said = mails.find(({ from, text }) => from === persona.supervisor && ASKED.test(text));
  const names = ASKED.exec(said?.text ?? '')?.[1];
  if (names === undefined) return null;
  return names === 'nobody' ? [] : names.split(', ');
};

const heardOf = (progress: Progress, path: string, asked: readonly string[]): readonly Heard[] =>
  asked.flatMap((agent) => {
    const answers = progress.mails
      .filter(({ from }) => from === agent)
      .map(({ text }) => readAnswer(text))
      .filter((answer) => answer?.path === path);
    const [answer] = answers;
    return answer === undefined || answer === null ? [] : [{ agent, ...answer }];
  });

/** An expert talks for nothing else. */
const isInterviewing = (args: Readonly<Record<string, unknown>>): boolean => Array.isArray(args['messages']);

interface ExpertPart {
  readonly subject: Subject;
  readonly draft: Draft;
  readonly path: string;
  readonly asked: readonly string[];
}

const expertStages = (progress: Progress, { subject, draft, path, asked }: ExpertPart): Decision | null => {
  const question = interviewText({ path, clauses: draft.clauses });
  const messages = asked.map((to) => ({ to, content: question }));
  const interview: Move = { tool: 'talk', args: { messages }, where: isInterviewing };
  const begun = play(progress, [
    () => [writing(progress, path, draftText(subject, draft)), ...(asked.length === 0 ? [] : [interview])],
  ]);
  if (begun !== null) return begun;
  const heard = heardOf(progress, path, asked);
  const { gone, waitsInVain } = progress;
  const missing = asked.filter((name) => !gone.has(name) && !heard.some(({ agent }) => agent === name));
  // Who could not be asked will not answer.
  const isWaiting = missing.length > 0 && isMade(progress, interview) && !waitsInVain;
  if (isWaiting) return waiting(`for ${missing.length} of ${asked.length} interviews`);
  const edits = revisionEdits(subject, draft, revise(draft.clauses, heard), heard.length);
  const mustName = progress.revisions > 0 && !draft.responsible;
  return play(progress, [
    () => edits.map(editing(path)),
    () => (mustName ? [editing(path)(responsibleEdit(subject))] : []),
  ]);
};

export const expert = (progress: Progress, seed: number): Decision => {
  const task = questionIn(progress.task);
  const asked = interviewees(progress);
  if (task === null) return ended(progress, 'Finished: no question was given (scripted).');
  if (asked === null && !progress.waitsInVain) return waiting('for the citizens to interview');
  const { ministry, question } = task;
  const path = draftPath(ministry, question.title);
  const subject = { ministry, title: question.title, author: progress.persona.name };
  const draft = draftOf(seed, ministry, question);
  const items = [
    { id: 'draft', text: `A draft on ${question.title}, revised after interviews`, status: 'done', evidence: path },
  ] as const;
  const summary = `Finished: ${path}, revised after ${asked?.length ?? 0} interviews (scripted).`;
  const next = expertStages(progress, { subject, draft, path, asked: asked ?? [] });
  return beginning(progress, items, next ?? ending(progress, { items, summary }));
};

/** What a citizen's item says: a line that is read back. */
export const citizenLine = (ministry: string, number: number): string => `Citizen ${number} of ${ministry}`;

const CITIZEN = /\bCitizen (\d+) of ([A-Za-z]+)\b/u;

export const playsCitizen = ({ task }: Progress): boolean => CITIZEN.test(task);

export const citizen = (progress: Progress, seed: number): Decision => {
  const [, number, ministry] = CITIZEN.exec(progress.task) ?? [];
  const { name } = progress.persona;
  const interviews = progress.mails
    .flatMap(({ from, text }) => {
      const interview = readInterview(text);
      return interview === null ? [] : [{ from, interview }];
    })
    .toSorted((left, right) => (left.from < right.from ? -1 : 1));
  const [first] = interviews;
  if (number === undefined || ministry === undefined || (first === undefined && progress.waitsInVain)) {
    return ended(progress, 'Finished: nobody asked (scripted).');
  }
  if (first === undefined) return waiting('for an interview');
  const self = citizenOf(seed, ministry, Number(number));
  const path = interviewPath(ministry, name);
  const record = interviewRecord(self, first.from, first.interview);
  const answers = interviews.map(({ from, interview }) => ({ to: from, content: answerText(self, interview) }));
  return (
    play(progress, [() => [writing(progress, path, record), { tool: 'talk', args: { messages: answers } }]]) ??
    ended(progress, `Finished: ${self.name} was interviewed, ${path} (scripted).`)
  );
};

const CHAPTER = /policy\/[a-z-]+\.md/gu;

/** Starts the editor. */
export const compilation = (paths: readonly string[]): string =>
  `Please put ${NATIONAL} together out of: ${paths.join(', ')}`;

export const editor = (progress: Progress): Decision => {
  const { persona, mails, waitsInVain } = progress;
  const said = mails.filter(({ from, text }) => from === persona.supervisor && text.includes(NATIONAL));
  const paths = [...new Set(said.flatMap(({ text }) => [...text.matchAll(CHAPTER)].map(([path]) => path)))].sort();
  if (paths.length === 0 && !waitsInVain) return waiting('for the chapters');
  const items = [{ id: NATIONAL, text: 'The national policy', status: 'done', evidence: NATIONAL }] as const;
  const chapters = (): readonly { path: string; content: string }[] =>
    paths.flatMap((path) => {
      const content = lastRead(progress, path);
      return content === null ? [] : [{ path, content }];
    });
  const next = play(progress, [
    () => paths.map((path) => reading(progress, path, said.length)),
    () => [compiling(progress, NATIONAL, nationalText(persona.goal, chapters()))],
  ]);
  const summary = `Finished: ${NATIONAL} out of ${paths.length} chapters (scripted).`;
  return beginning(progress, items, next ?? ending(progress, { items, summary }));
};
