/**
 * Scenario *society*, Ordinary agents: write the own file, sometimes add to the group's notes and talk, close the list,
 * terminate: what comes last and the end are one answer. When the work comes back, read, then write and terminate again.
 */
import { draw, streamOf } from './draw.ts';
import { fileStep, policyText, type Draft } from './document.ts';
import { closing, openList, waiting, type Call, type Decision, type Item, type Progress } from './progress.ts';
import { sentence, shortName } from './vocabulary.ts';
import type { RehearsalOptions } from './options.ts';

/** Parts of all workers that add to the group's notes, write to a colleague, write to their supervisor. */
const NOTES_SHARE = 0.4;
const COLLEAGUE_SHARE = 0.1;
const SUPERVISOR_SHARE = 0.1;
/** Part of all first drafts that lack something. */
const THIN_SHARE = 0.04;
/** What is beside the work itself is tried only this often. */
const EXTRA_TRIES_MAX = 2;

/** The files that `progress`'s agent has to write. */
export const filesOf = (progress: Progress): readonly string[] => {
  const { files, name, supervisor } = progress.persona;
  return files.length > 0 ? files : [`${supervisor}/${shortName(name, supervisor)}.md`];
};

const items = (paths: readonly string[], status: Item['status'], bases: readonly string[]): Item[] =>
  paths.map((path, index) => ({
    id: String(index + 1),
    text: `Write ${path}`,
    status,
    ...(status === 'done' ? { evidence: `${path} ${bases[index] ?? ''}`.trim() } : {}),
    ...(status === 'blocked' ? { evidence: `${path} could not be written` } : {}),
  }));

const COLLEAGUE = /^Colleague: ([A-Za-z0-9_-]{1,64})$/mu;

const noteCall = (progress: Progress, options: RehearsalOptions): Call | null => {
  const { name, supervisor } = progress.persona;
  if (draw(options.seed, 'notes', name) >= NOTES_SHARE || !progress.can('append_file')) return null;
  if (progress.done('append_file').length > 0 || progress.failed('append_file').length >= EXTRA_TRIES_MAX) return null;
  const line = `- ${name}: ${sentence(streamOf(options.seed, 'note', name))} (synthetic)\n`;
  return { tool: 'append_file', args: { path: `${supervisor}/notes.md`, content: line }, key: 'append' };
};

const talkCall = (progress: Progress, options: RehearsalOptions): Call | null => {
  const { name, supervisor } = progress.persona;
  const share = draw(options.seed, 'talk', name);
  if (share >= COLLEAGUE_SHARE + SUPERVISOR_SHARE || !progress.can('talk')) return null;
  if (progress.done('talk').length > 0 || progress.failed('talk').length >= EXTRA_TRIES_MAX) return null;
  const colleague = COLLEAGUE.exec(progress.task)?.[1];
  const refused = progress.failed('talk').length > 0;
  const to = share < COLLEAGUE_SHARE && colleague !== undefined && !refused ? colleague : supervisor;
  if (to === 'user' || to === name) return null;
  const content = `For your part: ${sentence(streamOf(options.seed, 'message', name))}`;
  return { tool: 'talk', args: { messages: [{ to, content }] }, key: 'talk' };
};

/** The question of an agent that asks one; null for the others, and when it was asked or refused. */
const questionCall = (progress: Progress, options: RehearsalOptions): Call | null => {
  const { name } = progress.persona;
  if (draw(options.seed, 'question', name) >= options.questions || !progress.can('ask_human')) return null;
  if (progress.done('ask_human').length + progress.failed('ask_human').length > 0) return null;
  const question = `What matters most in ${filesOf(progress).join(', ')}? (synthetic)`;
  return { tool: 'ask_human', args: { question }, key: 'question' };
};

/** It has asked, and nobody has answered yet. */
const waitsForPerson = (progress: Progress): boolean =>
  progress.done('ask_human').length > 0 && progress.systemMails('human').length === 0;

/** Whether somebody's first draft is handed in too early. With bad output asked for, that is all there is of it. */
const draftOf = (progress: Progress, options: RehearsalOptions, revision: number): Draft => {
  const { name, reviews } = progress.persona;
  if (revision > 0 || !reviews || options.failures.badOutput !== undefined) return 'whole';
  return draw(options.seed, 'draft', name) < THIN_SHARE ? 'thin' : 'whole';
};

/** The next answer of an Ordinary agent: whoever has one thing to do does it and hands it in at once. */
export const decideWorker = (progress: Progress, options: RehearsalOptions): Decision => {
  const { name, goal } = progress.persona;
  const paths = filesOf(progress);
  const revision = progress.revisions;
  const draft = draftOf(progress, options, revision);
  const steps = paths.map((path) =>
    fileStep(progress, path, () => policyText(options.seed, name, path, goal, revision, draft), revision),
  );
  const work = steps.flatMap((step) => ('call' in step ? [step.call] : []));
  const handedIn = progress.done('terminate').length > 0;
  const extras = handedIn
    ? []
    : [noteCall(progress, options), talkCall(progress, options)].filter((call) => call !== null);
  const question = questionCall(progress, options);
  const reads = work.some(({ tool }) => tool === 'read_file');
  if (work.length > 0 && (reads || extras.length > 0 || question !== null)) {
    const open = openList(progress, items(paths, 'doing', []));
    return { calls: [...[open, question].filter((call) => call !== null), ...work] };
  }

  if (waitsForPerson(progress)) {
    const calls = [...work, ...extras];
    return calls.length > 0 ? { calls } : waiting(`${name} waits for the person`);
  }

  const missing = steps.some((step) => 'end' in step && step.end === 'given-up');
  const bases = steps.map((step) => ('end' in step ? step.base : ''));
  const end = closing(progress, {
    items: items(paths, missing ? 'blocked' : 'done', bases),
    summary: missing
      ? `Finished: ${name} could not write all of ${paths.join(', ')}.`
      : `Finished: ${name} wrote ${paths.join(', ')} (synthetic).`,
    submissions: 1 + revision,
    mayEnd: true,
  });
  const calls = [...work, ...extras, ...end];
  if (calls.length > 0) return { calls };
  return waiting(missing ? `a file of ${name} could not be written` : `${name} has nothing left to do`);
};
