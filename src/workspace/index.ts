/**
 * The workspace room: shared, versioned files with git as their history. Usable alone:
 *
 *     const workspace = await Workspace.open({ directory: 'out', runId: 'demo', store: createMemoryStore() });
 *     await workspace.writeFile({ path: 'a.md', content: 'one\n' }, { effectId: null, author: 'me' });
 *     await workspace.finish();
 *     await workspace.close();
 */
export * from './results.ts';
export { createMemoryStore } from '../journal/memory-store.ts';
export { repairFiles } from './store-repair.ts';
export { WORKSPACE_LIMITS, type WorkspaceLimits, type WorkspaceOptions } from './open-parts.ts';
export type { SnapshotArguments } from './snapshot.ts';
export type { SliceLimits } from './slices.ts';
export { Workspace, type FinishResult } from './workspace.ts';
export type { CommitInfo } from './committer.ts';
export { MegactorError } from '../protocol/errors.ts';
