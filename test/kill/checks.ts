/** What must hold of a run that was killed and resumed; every check returns what is wrong, and nothing when all is well. */
import { execFileSync } from 'node:child_process';
import { replayRun } from '../../src/run/index.ts';
import type { RunSummary } from '../../src/run/types.ts';
import type { PaidAnswer } from './model-server.ts';
import type { RunSnapshot } from './snapshot.ts';

/** What a run came to, killed or not. */
export interface Outcome {
  readonly summary: RunSummary;
  readonly agents: readonly string[];
  /** Sorted lines by path, each as often as it is there: several agents may write one file, in any order. */
  readonly files: Readonly<Record<string, readonly string[]>>;
}

/** A kill as the outside saw it. */
export interface KillRecord {
  readonly snapshot: RunSnapshot;
  /** How many answers were paid for when the process was gone. */
  readonly paid: number;
}

const LISTED_MAX = 5;
const some = (names: readonly string[]): string => names.slice(0, LISTED_MAX).join(', ');

/** D5: every step that the journal holds comes to what it says, whichever process wrote it. */
export const replays = async (runDir: string): Promise<string[]> => {
  const { diverged } = await replayRun(runDir);
  return diverged === null ? [] : [`a replay differs: ${JSON.stringify(diverged)}`];
};

/** D1: what one look at the journal finds committed, every later look finds too. */
export const neverBack = (before: RunSnapshot, after: RunSnapshot): string[] => {
  const back = [...before.agents].flatMap(([name, { steps, answers, messages }]) => {
    const now = after.agents.get(name);
    if (now === undefined) return [`${name} is gone`];
    const lost = now.steps < steps || now.answers < answers || now.messages < messages;
    return lost ? [`${name} went back from step ${steps} to ${now.steps}`] : [];
  });
  return back.length === 0 ? [] : [`lost: ${some(back)}`];
};

/** D1: the mail of a committed step is where it was sent to. */
export const mailIsThere = ({ mailLost }: RunSnapshot): string[] =>
  mailLost.length === 0 ? [] : [`mail of committed steps is in no inbox: ${some(mailLost)}`];

/** The output gate: who asked the model is in the journal, with the answers to everything that it asked before. */
export const askedFromJournal = (paid: readonly PaidAnswer[], snapshot: RunSnapshot): string[] => {
  const asked = new Map<string, Set<string>>();
  for (const { agent, call } of paid) asked.set(agent, (asked.get(agent) ?? new Set()).add(call));
  asked.delete('_planner');
  const early = [...asked].filter(([name, calls]) => calls.size > (snapshot.agents.get(name)?.answers ?? -1) + 1);
  return early.length === 0 ? [] : [`asked before the journal knew why: ${some(early.map(([name]) => name))}`];
};

/** D3: nothing acts on an answer that a crash could lose. */
export const actsOnRecorded = ({ actedUnrecorded }: RunSnapshot): string[] =>
  actedUnrecorded.length === 0 ? [] : [`acted on an answer that is not journaled: ${some(actedUnrecorded)}`];

/** D3: what was journaled at a kill is not asked for after it. */
export const neverAskedAgain = (paid: readonly PaidAnswer[], { snapshot, paid: paidAtKill }: KillRecord): string[] => {
  const journaled = new Map<string, number>([['_planner', snapshot.plannerAnswers]]);
  for (const [name, { answers }] of snapshot.agents) journaled.set(name, answers);
  // An agent makes one call at a time, so that its first calls are the journaled ones.
  const calls = new Map<string, Set<string>>();
  for (const { agent, call } of paid.slice(0, paidAtKill)) {
    let known = calls.get(agent);
    if (known === undefined) calls.set(agent, (known = new Set()));
    if (known.size < (journaled.get(agent) ?? 0)) known.add(call);
  }
  const again = paid.slice(paidAtKill).filter(({ agent, call }) => calls.get(agent)?.has(call) === true);
  return again.length === 0 ? [] : [`paid twice although journaled: ${some(again.map(({ agent }) => agent))}`];
};

/** How many calls were paid for again that had left before a kill, and their mark had not come to the journal. */
const cutOff = (paid: readonly PaidAnswer[], kills: readonly KillRecord[]): number => {
  const missing = new Map<string, number>();
  for (const { paid: paidAtKill, snapshot } of kills) {
    const nameOf = ({ agent, call }: PaidAnswer): string => `${agent} ${call}`;
    const later = new Set(paid.slice(paidAtKill).map(nameOf));
    const times = Map.groupBy(paid.slice(0, paidAtKill), nameOf);
    const last = new Map(paid.slice(0, paidAtKill).map((answer) => [answer.agent, nameOf(answer)]));
    for (const [agent, call] of last) {
      if (!later.has(call)) continue;
      const marksMissing = (times.get(call)?.length ?? 0) - (snapshot.senders.get(agent) ?? 0);
      missing.set(call, Math.max(missing.get(call) ?? 0, marksMissing));
    }
  }
  return [...missing.values()].reduce((sum, count) => sum + count, 0);
};

/** Answers that were paid for and are in no count. */
export const uncounted = (paid: readonly PaidAnswer[], { modelCalls, repeatedCalls }: RunSummary): number =>
  Math.max(0, paid.length - modelCalls - repeatedCalls);

/**
 * D3: every answer is counted, once. A call that is marked as sent and cut off before it reached the server is counted
 * as repeated all the same; one that reached the server and was cut off before its mark was stored is not.
 */
export const accounted = (paid: readonly PaidAnswer[], summary: RunSummary, kills: readonly KillRecord[]): string[] => {
  const { modelCalls, repeatedCalls } = summary;
  const distinct = new Set(paid.map(({ agent, call }) => `${agent} ${call}`)).size;
  const reported = `${modelCalls} + ${repeatedCalls} are reported`;
  const wrong: string[] = [];
  if (distinct !== modelCalls) wrong.push(`${distinct} different calls were answered, ${reported}`);
  if (uncounted(paid, summary) > cutOff(paid, kills)) wrong.push(`${paid.length} answers were paid for, ${reported}`);
  if (kills.length === 0 && paid.length !== modelCalls) wrong.push(`without a kill, ${paid.length} were paid for`);
  return wrong;
};

/** D4: the same as the run that was not killed. */
export const sameAs = (reference: Outcome, killed: Outcome): string[] => {
  const wrong: string[] = [];
  const { summary } = killed;
  for (const key of ['status', 'reason', 'neverWoken', 'deadLetters', 'nudges'] as const) {
    if (summary[key] !== reference.summary[key]) {
      wrong.push(`${key} is ${summary[key]}, not ${reference.summary[key]}`);
    }
  }
  const missing = reference.agents.filter((name) => !killed.agents.includes(name));
  const added = killed.agents.filter((name) => !reference.agents.includes(name));
  if (missing.length > 0) wrong.push(`agents missing: ${some(missing)}`);
  if (added.length > 0) wrong.push(`agents too many: ${some(added)}`);
  const paths = new Set([...Object.keys(reference.files), ...Object.keys(killed.files)]);
  const different = [...paths].filter((path) => {
    const left = reference.files[path];
    const right = killed.files[path];
    return left === undefined || right === undefined || left.join('\n') !== right.join('\n');
  });
  if (different.length > 0) wrong.push(`files differ: ${some(different)}`);
  return wrong;
};

/** W7: the repository is whole, and the work tree is what it says. */
export const wholeRepository = (workspace: string): string[] => {
  const git = (...words: string[]): string =>
    execFileSync('git', ['-C', workspace, ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    git('fsck', '--strict');
    const changed = git('status', '--porcelain');
    return changed === '' ? [] : [`the work tree differs from HEAD: ${changed.split('\n')[0]}`];
  } catch (error) {
    return [`git: ${(error as { stderr?: string }).stderr ?? String(error)}`];
  }
};
