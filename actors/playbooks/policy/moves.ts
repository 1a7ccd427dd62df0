/** What agents of the national policy do alike: write, edit and read back files, begin and end their part. Pure. */
import { waiting, type Decision, type Item, type Progress } from '../../../src/model/index.ts';
import { handIn, open, resultOf, type Handing, type Move } from '../script.ts';
import type { Edit } from './draft.ts';

type Args = Readonly<Record<string, unknown>>;

export const at =
  (path: string) =>
  (args: Args): boolean =>
    args['path'] === path;

/** The whole of a file; what is there already is known from what this agent wrote or from a refusal, and replaced. */
export const writing = (progress: Progress, path: string, content: string): Move => {
  const known = progress.actions.findLast(
    ({ tool, args, result }) => tool === 'write_file' && args?.['path'] === path && typeof result['base'] === 'string',
  );
  const base = known?.result['base'];
  return {
    tool: 'write_file',
    args: { path, content, ...(typeof base === 'string' ? { base } : {}) },
    where: at(path),
  };
};

/** The same for what is made of other files: written again when it would be another text now. */
export const compiling = (progress: Progress, path: string, content: string): Move => ({
  ...writing(progress, path, content),
  where: (args) => args['path'] === path && args['content'] === content,
});

/** A file is read again when its text has fallen out of the agent's window, but not for ever. */
const READS_MAX = 4;

/** @param times how often there is reason to read it */
export const reading = (progress: Progress, path: string, times = 1): Move => {
  const reads = progress.done('read_file', at(path)).length;
  const isLost = reads >= times && lastRead(progress, path) === null;
  return {
    tool: 'read_file',
    args: { path },
    where: at(path),
    times: isLost ? Math.min(reads + 1, times + READS_MAX) : times,
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
  // One of the two has failed before: then one after the other.
  if (!closes || handing.mayEnd === false || progress.failed('terminate').length > 0) return decision;
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
