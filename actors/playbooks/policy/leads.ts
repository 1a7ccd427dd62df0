/**
 * The Boss and the ministers: hiring, giving out work, judging drafts, and what they write out of them. Pure.
 *
 * 1. Reviews come before everything else: others wait for them. A draft is read before it is judged, after every time that it
 *    was handed in.
 */
import { dueReviews, waiting, type Call, type Decision, type Progress } from '../../../src/model/index.ts';
import { unsettled } from '../../../src/model/rehearsal/lead.ts';
import { isMade, play, resultOf, type Move } from '../script.ts';
import { dealt, groupOf, type Group } from './cast.ts';
import { chapterText } from './chapters.ts';
import { citizenOf, profileText } from './citizens.ts';
import { questionsOf } from './clauses.ts';
import { UNNAMED } from './draft.ts';
import { MINISTRIES, type Question } from './ministries.ts';
import { at, beginning, compiling, ending, lastRead, reading } from './moves.ts';
import { assignment, citizenLine, compilation, questionLine } from './roles.ts';
import { chapterPath, citizensTeam, draftPath, EDITOR, expertName, NATIONAL } from './texts.ts';

interface Judging {
  /** The file to be read before somebody is judged; null for those who are judged by what they did. */
  readonly pathOf: (agent: string) => string | null;
  /** What the work lacks, or null. @param content null when it could not be read @param round from 1 */
  readonly lacks: (agent: string, content: string | null, round: number) => string | null;
  readonly praise: (agent: string) => string;
  /** Whose work can only be judged later. */
  readonly mayWait?: (agent: string) => boolean;
}

/** All reviews that are due, or the reading that they need; null when there are none. */
const judge = (progress: Progress, { pathOf, lacks, praise, mayWait }: Judging): Decision | null => {
  const due = dueReviews(progress).filter((agent) => mayWait?.(agent) !== true);
  const calls = due.map((agent): Call => {
    const round = progress.done('review', (args) => args['agent'] === agent).length + 1;
    const path = pathOf(agent);
    if (path !== null) {
      const look = reading(progress, path, round);
      const isDue = !isMade(progress, look) && progress.mayTry('read_file', at(path));
      if (isDue) return { tool: 'read_file', args: { path }, key: `read/${path}/${round}` };
    }
    const lacking = lacks(agent, path === null ? null : lastRead(progress, path), round);
    const [verdict, feedback] = lacking === null ? ['accept', praise(agent)] : ['revise', lacking];
    return { tool: 'review', args: { agent, verdict, feedback }, key: `review/${agent}/${round}` };
  });
  return calls.length === 0 ? null : { calls };
};

/** Whether everybody is settled, or nobody is left who will be. */
const areSettled = (progress: Progress, members: readonly string[]): boolean =>
  progress.waitsInVain || unsettled(progress, members).length === 0;

const named =
  (name: string) =>
  (args: Readonly<Record<string, unknown>>): boolean =>
    args['name'] === name;

const hires = (ministry: string, group: Group, seed: number): readonly Move[] => {
  const team = citizensTeam(ministry);
  const items = Array.from(
    { length: group.citizens },
    (_, index) => `${citizenLine(ministry, index + 1)}: ${profileText(citizenOf(seed, ministry, index + 1))}`,
  );
  const citizens: Move = {
    tool: 'add_team',
    args: {
      name: team,
      description: 'Citizen: is interviewed about a draft.',
      initial_prompt:
        'You are a citizen (scripted). When an expert interviews you about a draft, say what its clauses would mean for you, and keep a record of the interview.',
      items,
    },
    where: named(team),
  };
  const experts = questionsOf(ministry, group.experts).map((question): Move => {
    const name = expertName(ministry, question.title);
    return {
      tool: 'add_agent',
      args: {
        name,
        description: `Expert: drafts the policy on ${question.title.toLowerCase()}.`,
        initial_prompt: [
          questionLine(ministry, question),
          `Draft the policy in ${draftPath(ministry, question.title)} (scripted): every resident is to get ${question.service}.`,
          'Interview the citizens that you are sent, and revise the draft because of their answers: say in it what was changed, and because of whom.',
        ].join('\n'),
      },
      where: named(name),
    };
  });
  // The team first: what is left of the slots then is just enough for the experts.
  return group.citizens === 0 ? experts : [citizens, ...experts];
};

interface HiredExpert {
  readonly name: string;
  readonly question: Question;
  readonly path: string;
}

const hiredExperts = (progress: Progress, ministry: string, group: Group): readonly HiredExpert[] =>
  questionsOf(ministry, group.experts).flatMap((question): HiredExpert[] => {
    const asked = expertName(ministry, question.title);
    const name = resultOf(progress, 'add_agent', named(asked))?.['name'];
    return typeof name === 'string' ? [{ name, question, path: draftPath(ministry, question.title) }] : [];
  });

const hiredCitizens = (progress: Progress, ministry: string, group: Group): readonly string[] => {
  const team = citizensTeam(ministry);
  const result = resultOf(progress, 'add_team', named(team));
  if (result === null) return [];
  const { names } = result;
  if (Array.isArray(names)) return names.filter((name) => typeof name === 'string');
  // The result has fallen out of the window: that is how a team is named.
  return Array.from({ length: group.citizens }, (_, index) => `${team}_${index + 1}`);
};

const assigning = (experts: readonly HiredExpert[], citizens: readonly string[]): readonly Move[] => {
  if (experts.length === 0) return [];
  const group = { experts: experts.length, citizens: citizens.length };
  const messages = experts.map(({ name }, index) => ({
    to: name,
    content: assignment(dealt(group, index).flatMap((number) => citizens[number - 1] ?? [])),
  }));
  // A minister talks for nothing else.
  return [{ tool: 'talk', args: { messages }, where: () => true }];
};

export const minister = (progress: Progress, seed: number): Decision => {
  const { name, slots } = progress.persona;
  const group = groupOf(slots);
  const experts = hiredExperts(progress, name, group);
  const citizens = hiredCitizens(progress, name, group);
  const judged = judge(progress, {
    pathOf: (agent) => experts.find((expert) => expert.name === agent)?.path ?? null,
    lacks: (_agent, content) =>
      content?.includes(UNNAMED) === true ? 'Say who is responsible, and hand it in again (scripted).' : null,
    praise: (agent) =>
      citizens.includes(agent)
        ? 'Thank you for your answers (scripted).'
        : 'It was revised after the interviews, and says who is responsible (scripted).',
  });
  if (judged !== null) return judged;

  const chapter = chapterPath(name);
  const items = [{ id: chapter, text: `The chapter of ${name}`, status: 'done', evidence: chapter }] as const;
  const begun = play(progress, [() => hires(name, group, seed), () => assigning(experts, citizens)]);
  if (begun !== null) return beginning(progress, items, begun);
  if (!areSettled(progress, [...experts.map((expert) => expert.name), ...citizens])) {
    return waiting('for drafts and interviews');
  }
  const parts = (): readonly { path: string; content: string }[] =>
    experts.flatMap(({ path }) => {
      const content = lastRead(progress, path);
      return content === null ? [] : [{ path, content }];
    });
  const written = play(progress, [
    () => experts.map(({ path }) => reading(progress, path)),
    () => [compiling(progress, chapter, chapterText(name, parts(), citizens.length))],
  ]);
  const summary = `Finished: ${chapter}, out of ${experts.length} drafts and ${citizens.length} interviews (scripted).`;
  return written ?? ending(progress, { items, summary });
};

/** The last round in which the Boss sends the national policy back. */
const ROUNDS_MAX = 2;

export const boss = (progress: Progress): Decision => {
  const { planned } = progress.persona;
  const ministries = planned.filter((name) => MINISTRIES.some((ministry) => ministry.name === name));
  const areReady = areSettled(progress, ministries);
  const chapters = ministries.filter((name) => !progress.gone.has(name)).map(chapterPath);
  const judged = judge(progress, {
    pathOf: (agent) => (agent === EDITOR ? NATIONAL : null),
    lacks: (agent, content, round) => {
      const isShort = chapters.some((path) => content?.includes(`(${path})`) === false);
      return agent === EDITOR && isShort && round <= ROUNDS_MAX ? compilation(chapters) : null;
    },
    mayWait: (agent) => agent === EDITOR && !areReady,
    praise: (agent) =>
      agent === EDITOR ? 'All chapters are in it (scripted).' : 'The chapter goes to the editor (scripted).',
  });
  if (judged !== null) return judged;

  const items = [
    { id: 'leading', text: 'All chapters and the national policy are accepted', status: 'done', evidence: NATIONAL },
  ] as const;
  const isTo = (to: string) => (args: Readonly<Record<string, unknown>>) =>
    JSON.stringify(args).includes(`"to":"${to}"`);
  const messages = ministries.map((to) => ({ to, content: `Please begin with the Ministry of ${to} (scripted).` }));
  const begun = play(progress, [
    () => (messages.length === 0 ? [] : [{ tool: 'talk', args: { messages }, where: isTo(ministries[0] ?? '') }]),
  ]);
  if (begun !== null) return beginning(progress, items, begun);
  const final = progress.systemMails('final-review').length > 0;
  if (!final && !areReady) return waiting('for the chapters');
  const editing = play(progress, [
    () =>
      final || !planned.includes(EDITOR)
        ? []
        : [
            {
              tool: 'talk',
              args: { messages: [{ to: EDITOR, content: compilation(chapters) }] },
              where: isTo(EDITOR),
            },
          ],
  ]);
  if (editing !== null) return editing;
  if (!final && !areSettled(progress, planned)) return waiting('for the editor');
  return ending(progress, {
    items,
    summary: `The national policy is in ${NATIONAL}, out of ${ministries.length} ministries (scripted).`,
    mayEnd: final,
  });
};
