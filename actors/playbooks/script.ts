/**
 * What playbooks are written with: stages of calls that are made once and in their order, reviews, and the way out. All of
 * it pure functions of what an agent has done and read. What it does not do: hold any state between two answers.
 *
 * 1. A call that was done is not made again, and one that keeps failing is given up after some tries, so every script ends.
 */
import {
  dueReviews,
  finish,
  openList,
  waiting,
  type Call,
  type Decision,
  type Item,
  type Progress,
} from '../../src/model/index.ts';

/** Ends what is handed in. */
const HANDED_IN = /\(scripted\)\.?$/u;

type Args = Readonly<Record<string, unknown>>;

/** A call of a script. */
export interface Move {
  readonly tool: string;
  readonly args: Args;
  /** Which of the earlier calls of the tool are this one. Default: those with the same arguments. */
  readonly where?: (args: Args) => boolean;
  /** How many of them there are to be, this one included. Default 1. */
  readonly times?: number;
}

/** What to do next, as far as it depends on what is known by then. Nothing to do: the next stage. */
export type Stage = () => readonly Move[];

const sameAs = (move: Move): ((args: Args) => boolean) => {
  if (move.where !== undefined) return move.where;
  const text = JSON.stringify(move.args);
  return (args) => JSON.stringify(args) === text;
};

/** Whether the move was made, as often as it says. */
export const isMade = (progress: Progress, move: Move): boolean =>
  progress.done(move.tool, sameAs(move)).length >= (move.times ?? 1);

const callOf = ({ tool, args, times = 1 }: Move): Call => {
  const about = args['path'] ?? args['agent'] ?? args['name'] ?? '';
  return { tool, args, key: `${tool}/${typeof about === 'string' ? about : ''}/${times}` };
};

/** The calls of the first stage that is not over, in one answer; null when all are. Tools that are not offered are left out. */
export const play = (progress: Progress, stages: readonly Stage[]): Decision | null => {
  for (const stage of stages) {
    const left = stage().filter((move) => !isMade(progress, move) && progress.mayTry(move.tool, sameAs(move)));
    if (left.length > 0) return { calls: left.map(callOf) };
  }
  return null;
};

/** What a review says: null accepts. @param round from 1 */
export type Judge = (agent: string, round: number) => { readonly revise: string } | { readonly accept: string };

/** The reviews that are due; null when none is. Others wait for them, so they go before everything else. */
export const reviews = (progress: Progress, judge: Judge): Decision | null => {
  const calls = dueReviews(progress).map((agent): Call => {
    const round = progress.done('review', (args) => args['agent'] === agent).length + 1;
    const said = judge(agent, round);
    const [verdict, feedback] = 'revise' in said ? ['revise', said.revise] : ['accept', said.accept];
    return { tool: 'review', args: { agent, verdict, feedback }, key: `review/${agent}/${round}` };
  });
  return calls.length === 0 ? null : { calls };
};

/** Members of the group whose work was accepted. */
export const accepted = (progress: Progress): ReadonlySet<string> =>
  new Set(
    progress
      .done('review', (args) => args['verdict'] === 'accept')
      .flatMap(({ args }) => (typeof args?.['agent'] === 'string' ? [args['agent']] : [])),
  );

/** Members that are through: accepted, or, where nobody reviews, those who have handed in by mail. */
export const settled = (progress: Progress): ReadonlySet<string> =>
  progress.persona.reviews ? accepted(progress) : progress.saidBy(HANDED_IN);

/** Whom a lead still waits for among `members`: nobody who is gone, and nobody at all once it has waited in vain. */
export const awaited = (progress: Progress, members: readonly string[]): readonly string[] => {
  if (progress.waitsInVain) return [];
  const through = settled(progress);
  return members.filter((name) => !through.has(name) && !progress.gone.has(name));
};

/** Nudged so often, an agent does without the mail that it waits for: one nudge may be meant for somebody else. */
const PATIENCE_NUDGES = 2;

/** Whether an agent may go on waiting for mail of a colleague. */
export const isPatient = (progress: Progress): boolean => progress.nudges < PATIENCE_NUDGES;

/** An order to go on for every member that the runtime reports stuck, each time it does; null when there is nobody to tell. */
export const retries = (progress: Progress): Decision | null => {
  const stuck = progress.systemMails('remedy').map(({ attributes }) => attributes['agent'] ?? '');
  const moves = stuck.flatMap((to, index): Move[] => {
    const time = stuck.slice(0, index + 1).filter((name) => name === to).length;
    const content = `Please go on with your task, and hand it in (reminder ${time}).`;
    return to === progress.persona.name || to === '' ? [] : [{ tool: 'talk', args: { messages: [{ to, content }] } }];
  });
  return play(progress, [() => moves]);
};

/** The last result of the calls of `tool` that succeeded, or null. */
export const resultOf = (
  progress: Progress,
  tool: string,
  where?: (args: Args) => boolean,
): Readonly<Record<string, unknown>> | null => progress.done(tool, where).at(-1)?.result ?? null;

/** Whether `name` has written to this agent something that has `words` in it. */
export const heard = (progress: Progress, name: string, words: RegExp): boolean =>
  progress.mails.some(({ from, text }) => from === name && words.test(text));

export interface Handing {
  readonly items: readonly Item[];
  readonly summary: string;
  /** The Boss ends only after the final review. Default true. */
  readonly mayEnd?: boolean;
}

/** Opens the checklist as it will be in the end, with all that is done still to do. */
export const open = (progress: Progress, items: readonly Item[]): Decision | null => {
  const todo = items.map(({ id, text }): Item => ({ id, text, status: 'todo' }));
  const call = openList(progress, todo);
  return call === null ? null : { calls: [call] };
};

/** Closes the checklist and hands in, once, and once more after every revision; then waits. */
export const handIn = (progress: Progress, { items, summary, mayEnd = true }: Handing): Decision =>
  finish(progress, { items, summary, submissions: 1 + progress.revisions, mayEnd }) ??
  waiting(`${progress.persona.name} has nothing left to do`);

/** The planner's answer: the plan, again after it was refused, and then nothing more. */
export const submit = (progress: Progress, plan: object): Decision => {
  if (progress.done('submit_plan').length > 0) return waiting('the plan is submitted');
  return { calls: [{ tool: 'submit_plan', args: { ...plan }, key: 'plan' }] };
};
