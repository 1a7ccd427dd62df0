/** Temporary directories, real git, and helpers for the tests of the workspace. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ServiceStore } from '../../../src/journal/shard-log.ts';
import { systemClock, type Clock } from '../../../src/platform/index.ts';
import { createMemoryStore, Workspace, type WorkspaceOptions } from '../../../src/workspace/index.ts';
import { git } from './git.ts';

export { git } from './git.ts';
export { fileStore } from './file-store.ts';

export const temporaryDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'megactor-workspace-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};

export interface Opened {
  readonly workspace: Workspace;
  readonly directory: string;
  readonly store: ServiceStore;
  /** Closes nothing: opens the same directory and store again, as after a crash. What waits for its time here is dead then. */
  readonly reopen: (options?: Partial<WorkspaceOptions>) => Promise<Opened>;
}

/** A clock on which nothing comes due any more after the end. */
const mortal = (clock: Clock): { readonly clock: Clock; readonly end: () => void } => {
  let isOver = false;
  const after: Clock['after'] = (delayMs, callback, options) => {
    const unlessOver = (): void => {
      if (!isOver) callback();
    };
    return clock.after(delayMs, unlessOver, options);
  };
  return { clock: { ...clock, after }, end: () => (isOver = true) };
};

export const openWorkspace = async (options: Partial<WorkspaceOptions> = {}): Promise<Opened> => {
  const directory = options.directory ?? join(temporaryDirectory(), 'workspace');
  const store = options.store ?? createMemoryStore();
  const { clock, end } = mortal(options.clock ?? systemClock);
  const workspace = await Workspace.open({ runId: 'run1', ...options, directory, store, clock });
  const reopen = async (changed: Partial<WorkspaceOptions> = {}): Promise<Opened> => {
    end();
    return await openWorkspace({ ...options, ...changed, directory, store: changed.store ?? store });
  };
  return { workspace, directory, store, reopen };
};

let effects = 0;

/** A call by `author` with an effect id of its own. */
export const by = (author: string, effectId?: string): { author: string; effectId: string } => {
  effects += 1;
  return { author, effectId: effectId ?? `${author}/${effects}/tool` };
};

/** The answer, which must be ok. */
export const accepted = <Result extends { readonly ok: boolean }>(result: Result): Extract<Result, { ok: true }> => {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result)}`);
  return result as Extract<Result, { ok: true }>;
};

/** The error of an answer, which must be a refusal. */
export const refused = <Result extends { readonly ok: boolean }>(
  result: Result,
): Extract<Result, { ok: false }> extends { readonly error: infer Failure } ? Failure : never => {
  if (result.ok) throw new Error(`not refused: ${JSON.stringify(result)}`);
  return (result as unknown as { error: never }).error;
};

/** What stock git must say of a finished workspace. */
export const soundness = (directory: string): { fsck: string; status: string } => ({
  fsck: git(directory, 'fsck', '--strict', '--full', '--no-progress'),
  status: git(directory, 'status', '--porcelain'),
});
