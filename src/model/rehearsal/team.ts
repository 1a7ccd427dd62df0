/**
 * Scenario *team*: a fixed number of calls, so that the critical path is known. The Boss talks to all Admins; every
 * Admin hires its workers one per answer and then talks to all of them; a worker writes its file, then reports; an Admin
 * reports when all its workers have; the Boss ends. A report and its `terminate` are one answer, and who has told all says
 * in the same answer that it waits.
 */
import { fileStep, policyText } from './document.ts';
import { hiredNames } from './hiring.ts';
import { retryCalls } from './lead.ts';
import { finish, waiting, type Call, type Decision, type Progress } from './progress.ts';
import { acceptCalls } from './reviewing.ts';
import { shortName } from './vocabulary.ts';
import { WAITING } from './transcript.ts';
import type { RehearsalOptions } from './options.ts';

const REPORT = /^\s*(?:\[[^\]]*\]\s*)?(?:Report|Finished):/u;
const TRIES_MAX = 3;

const talk = (messages: readonly { to: string; content: string }[], key: string): Call => ({
  tool: 'talk',
  args: { messages },
  key,
});

/** Who has not been told anything yet, of `names`; nobody after too many refusals. */
const untold = (progress: Progress, names: readonly string[]): string[] => {
  if (!progress.mayTry('talk')) return [];
  const told = progress.talkedTo;
  return names.filter((name) => !told.has(name));
};

/** Who has not reported yet, of `names`; nobody when waiting is in vain. */
const unreported = (progress: Progress, names: readonly string[]): string[] => {
  if (progress.waitsInVain) return [];
  const reported = progress.saidBy(REPORT);
  const { gone } = progress;
  return names.filter((name) => !reported.has(name) && !gone.has(name));
};

const waitingFor = (count: number): string => `${WAITING} ${count} at work`;

/** Waits for `names`; those that the runtime reported stuck are told to go on. */
const waitFor = (progress: Progress, names: readonly string[]): Decision => {
  const retries = retryCalls(progress, names);
  return retries.length > 0 ? { calls: retries } : { text: waitingFor(names.length), waiting: true };
};

/** The report to the supervisor and the end, in one answer; only the end when the report has arrived. */
const reportAndEnd = (progress: Progress, report: string | null): Decision => {
  const { supervisor, name } = progress.persona;
  const summary = `Finished: ${name} (synthetic).`;
  const calls =
    report !== null && untold(progress, [supervisor]).length > 0
      ? [talk([{ to: supervisor, content: `Report: ${report}` }], 'report')]
      : [];
  const end =
    calls.length > 0 && progress.can('terminate') ? { tool: 'terminate', args: { summary }, key: 'end' } : null;
  if (calls.length > 0) return { calls: end === null ? calls : [...calls, end] };
  const refusals = progress.failed('terminate');
  const final = progress.systemMails('final-review').length;
  // With reviews on, the Boss's first word asks for the final review, and the second one approves.
  const ended = progress.done('terminate').length > (final > 0 ? 1 : 0);
  if (!ended && progress.can('terminate') && refusals.length <= progress.nudges + final) {
    return { calls: [{ tool: 'terminate', args: { summary }, key: 'end' }] };
  }
  // Nobody opens a list here; a refusal says that the plan made one.
  if (!ended && refusals.at(-1)?.code === 'OPEN_ITEMS') {
    const items = [{ id: '1', text: 'My part', status: 'done' as const, evidence: summary }];
    const next = finish(progress, { items, summary, submissions: 1, mayEnd: true });
    if (next !== null) return next;
  }
  return waiting(`${name} has nothing left to do`);
};

const decideBoss = (progress: Progress): Decision => {
  const { planned, goal } = progress.persona;
  const left = untold(progress, planned);
  if (left.length > 0) {
    return {
      calls: [
        talk(
          left.map((to) => ({ to, content: `Please lead ${to} for this goal: ${goal}` })),
          'assign',
        ),
      ],
      after: waitingFor(left.length),
    };
  }
  const silent = unreported(progress, planned);
  if (silent.length > 0 && progress.systemMails('final-review').length === 0) return waitFor(progress, silent);
  return reportAndEnd(progress, null);
};

const decideAdmin = (progress: Progress): Decision => {
  const { name, slots, goal } = progress.persona;
  const hired = hiredNames(progress);
  const failures = progress.failed('add_agent').length;
  if (hired.length < slots && failures < TRIES_MAX + progress.nudges && progress.can('add_agent')) {
    const number = String(hired.length + 1 + failures).padStart(2, '0');
    const args = {
      name: `${name}-Worker-${number}`,
      description: `Worker ${number} of ${name}.`,
      initial_prompt: `You work for ${name}. Write your file when you are told to, then report. Goal: ${goal}`,
    };
    return { calls: [{ tool: 'add_agent', args, key: `hire/${number}` }] };
  }
  const left = untold(progress, hired);
  if (left.length > 0) {
    return {
      calls: [
        talk(
          left.map((to) => ({ to, content: `Please write your part of this goal: ${goal}` })),
          'give',
        ),
      ],
      after: waitingFor(left.length),
    };
  }
  const silent = unreported(progress, hired);
  if (silent.length > 0) return waitFor(progress, silent);
  return reportAndEnd(progress, `${name} has finished its part.`);
};

/** Reads the team's one file and then appends to it. */
const sharedCall = (progress: Progress, options: RehearsalOptions, path: string): Call | null => {
  const { name } = progress.persona;
  const here = (args: Readonly<Record<string, unknown>>): boolean => args['path'] === path;
  if (progress.done('append_file', here).length > 0 || !progress.mayTry('append_file', here)) return null;
  const looked = progress.actions.some((action) => action.tool === 'read_file' && action.args?.['path'] === path);
  if (!looked && progress.can('read_file')) return { tool: 'read_file', args: { path }, key: `read/${path}` };
  const text = policyText(options.seed, name, path, progress.persona.goal, 0).split('\n\n')[2] ?? '';
  return { tool: 'append_file', args: { path, content: `- ${name}: ${text} (synthetic)\n` }, key: `append/${path}` };
};

const decideWorker = (progress: Progress, options: RehearsalOptions): Decision => {
  const { name, supervisor, goal } = progress.persona;
  const shared = options.shape?.variant === 'shared';
  const path = shared ? `${supervisor}/shared.md` : `${supervisor}/${shortName(name, supervisor)}.md`;
  if (shared) {
    const call = sharedCall(progress, options, path);
    if (call !== null) return { calls: [call] };
  } else {
    const step = fileStep(progress, path, () => policyText(options.seed, name, path, goal, 0), 0);
    if ('call' in step) return { calls: [step.call] };
  }
  return reportAndEnd(progress, `${name} wrote ${path}.`);
};

/** The next answer of an agent of a team. */
export const decideTeam = (progress: Progress, options: RehearsalOptions): Decision => {
  const reviews = acceptCalls(progress);
  if (reviews.length > 0) return { calls: reviews };
  const { level, supervisor, slots } = progress.persona;
  if (level === 'Boss') return decideBoss(progress);
  // The first worker an Admin hires holds the others' slots for a while, and is a worker all the same.
  return supervisor === 'Boss' && slots > 0 ? decideAdmin(progress) : decideWorker(progress, options);
};
