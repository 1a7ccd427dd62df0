/** What agents of the national policy do alike: write, edit and read back files, begin and end their part. Pure. */
import { waiting, type Decision, type Item, type Progress } from '../../../src/model/index.ts';
import { handIn, open, resultOf, type Handing, type Move } from '../script.ts';
import type { Edit } from './draft.ts';

type Args = Readonly<Record<string, unknown>>;

export const at =
  (path: string) =>
  (args: Args): boolean =>
    args['path'] === path;

/** The whole of a file; what is there already is read from the refusal, and replaced. */
export const writing = (progress: Progress, path: string, content: string): Move => {
  const base = progress.failed('write_file', at(path)).at(-1)?.result['base'];
  return {
    tool: 'write_file',
    args: { path, content, ...(typeof base === 'string' ? { base } : {}) },
    where: at(path),
  };
};

/** The last that this agent has read of a file; null when it has not. */
export const lastRead = (progress: Progress, path: string): string | null => {
  const content = resultOf(progress, 'read_file', at(path))?.['content'];
  return typeof content === 'string' ? content : null;
};

export const editing =
  (path: string) =>
  (edit: Edit): Move => ({ tool: 'edit_file', args: { path, ...edit } });

/** Opens the checklist together with the first calls. */
export const beginning = (progress: Progress, items: readonly Item[], next: Decision): Decision => {
  const opening = open(progress, items);
  if (opening === null || !('calls' in opening)) return next;
  return 'calls' in next ? { calls: [...opening.calls, ...next.calls] } : opening;
};

/** Closes the checklist and hands in with one answer. */
export const ending = (progress: Progress, handing: Handing): Decision => {
  const decision = handIn(progress, handing);
  const closes = 'calls' in decision && decision.calls[0]?.tool === 'change_task_status';
  if (!closes || handing.mayEnd === false) return decision;
  const handed = progress.done('terminate').length;
  const last = { tool: 'terminate', args: { summary: handing.summary }, key: `terminate/${handed}` };
  return { calls: [...decision.calls, last] };
};

/** The same for those who have no checklist. */
export const ended = (progress: Progress, summary: string): Decision => {
  const handed = progress.done('terminate').length;
  if (handed > progress.revisions || !progress.mayTry('terminate')) return waiting('nothing left to do');
  return { calls: [{ tool: 'terminate', args: { summary }, key: `terminate/${handed}` }] };
};
