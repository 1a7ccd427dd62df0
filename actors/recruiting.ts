/** How a recruit that the roster has taken in becomes an actor, with the commit of its hirer's step. */
import { cut, type Hired, type Level } from '../src/society/index.ts';
import { spawnOptionsOf, type AgentInit, type Turn } from './agent-types.ts';

/** What a recruit is told of its work. */
export interface Assignment {
  readonly description: string;
  readonly initialPrompt: string;
  /** Lines that follow its task: its item, its colleagues. */
  readonly others: readonly string[];
}

/** The whole task. What follows it is never cut off: it is bounded by itself. */
export const wholeTask = (initialPrompt: string, others: string, charsMax: number): string => {
  const end = others === '' ? '' : `\n\n${others}`;
  return `${cut(initialPrompt, Math.max(0, charsMax - end.length))}${end}`;
};

/** How it is equipped: whoever may hire has what an Admin has, though it is none before it has hired. */
export const equippedAs = ({ level, mayHire = false }: Pick<Hired, 'level' | 'mayHire'>): Level =>
  level === 'ordinary' && mayHire ? 'admin' : level;

/** What the result of a hiring says of the hirer itself. */
export const standingNote = (hired: readonly Pick<Hired, 'promotes'>[]): { readonly note?: string } =>
  hired.some(({ promotes }) => promotes === true)
    ? { note: 'You are an Admin now: you may write to other Admins and the Boss as well.' }
    : {};

const initOf = ({ state }: Turn, assignment: Assignment, hired: Hired): AgentInit => ({
  name: hired.name,
  level: equippedAs(hired),
  depth: hired.depth,
  above: [...state.above, state.name],
  supervisor: state.name,
  slots: hired.slots,
  description: assignment.description,
  initialPrompt: wholeTask(
    assignment.initialPrompt,
    assignment.others.join('\n'),
    state.settings.limits.promptCharsMax,
  ),
  files: [],
  planned: [],
  checklist: [],
  settings: state.settings,
});

export const enter = (turn: Turn, assignment: Assignment, hired: Hired): void => {
  const { ctx, state, recruits } = turn;
  const init = initOf(turn, assignment, hired);
  const { admin, ordinary } = recruits();
  ctx.spawn(init.level === 'ordinary' ? ordinary : admin, init, spawnOptionsOf(init, hired));
  state.hired += 1;
  ctx.event({ type: 'hired', agent: hired.name, by: state.name, level: hired.level, slots: hired.slots });
};
