import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FileChange, Workspace } from '../../src/workspace/index.ts';
import { accepted, by, git, openWorkspace, soundness } from './support/harness.ts';

/** Names that are in each other's way: files where others need directories. */
const name = fc.constantFrom('a', 'b', 'a/x', 'a/y', 'd/e/f', 'd/e', 'ü.bin');
const content = fc.oneof(
  fc.string({ maxLength: 20 }).map((text) => text.toWellFormed()),
  fc.constantFrom('one\r\ntwo\r\n', '\ufeffmarked', ''),
  fc.uint8Array({ maxLength: 12 }),
);
const operation = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), path: name, content }),
  fc.record({ kind: fc.constant('remove' as const), path: name }),
  fc.record({ kind: fc.constant('move' as const), path: name, to: name }),
  fc.record({
    kind: fc.constant('apply' as const),
    changes: fc.uniqueArray(fc.record({ path: name, content: fc.option(content) }), {
      maxLength: 4,
      selector: (change) => change.path,
    }),
  }),
  fc.constant({ kind: 'flush' as const }),
  fc.constant({ kind: 'reopen' as const }),
);
type Step = typeof operation extends fc.Arbitrary<infer Value> ? Value : never;
type Model = Map<string, Buffer>;

const isFree = (model: Model, path: string): boolean =>
  ![...model.keys()].some((other) => other.startsWith(`${path}/`) || path.startsWith(`${other}/`));

/** What a write of a file that is known comes to; false when something is in the way. */
const put = (model: Model, path: string, bytes: Buffer): boolean => {
  if (!model.has(path) && !isFree(model, path)) return false;
  model.set(path, bytes);
  return true;
};

const baseOf = async (workspace: Workspace, path: string): Promise<string | null> => {
  const read = await workspace.readBytes({ path });
  return read.ok ? read.base : null;
};

const act = async (workspace: Workspace, model: Model, step: Step): Promise<void> => {
  if (step.kind === 'write') {
    const base = (await baseOf(workspace, step.path)) ?? undefined;
    const result = await workspace.writeFile({ path: step.path, content: step.content, base }, by('A'));
    expect(result.ok).toBe(put(model, step.path, Buffer.from(step.content)));
  } else if (step.kind === 'remove') {
    const base = (await baseOf(workspace, step.path)) ?? 'x';
    expect((await workspace.removeFile({ path: step.path, base }, by('A'))).ok).toBe(model.delete(step.path));
  } else if (step.kind === 'move') {
    const bytes = model.get(step.path);
    const result = await workspace.moveFile(step, by('A'));
    const isMoved = bytes !== undefined && (step.to === step.path || (!model.has(step.to) && isFree(model, step.to)));
    expect(result.ok).toBe(isMoved);
    if (bytes !== undefined && isMoved) {
      model.delete(step.path);
      model.set(step.to, bytes);
    }
  } else if (step.kind === 'apply') {
    const changes: FileChange[] = [];
    for (const change of step.changes) changes.push({ ...change, base: await baseOf(workspace, change.path) });
    const { files } = accepted(await workspace.applyChanges({ changes }, by('A')));
    const status = new Map(files.map((row) => [row.path, row.status]));
    for (const { path } of step.changes.filter((change) => change.content === null)) {
      expect(status.get(path)).toBe(model.delete(path) ? 'removed' : 'unchanged');
    }
    for (const change of step.changes) {
      if (change.content === null) continue;
      const bytes = Buffer.from(change.content);
      const isSame = model.get(change.path)?.equals(bytes) === true;
      const isPut = put(model, change.path, bytes);
      expect(status.get(change.path)).toBe(isSame ? 'unchanged' : isPut ? 'written' : 'refused');
    }
  }
};

test('W1, W3, W7: whatever is written, moved and removed, and whenever it is opened anew, files and git agree', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 25 }), async (steps) => {
      const root = mkdtempSync(join(tmpdir(), 'megactor-workspace-'));
      try {
        const model: Model = new Map();
        let opened = await openWorkspace({
          directory: join(root, 'w'),
          sync: false,
          limits: { commitDelayMs: 100_000 },
        });
        for (const step of steps) {
          if (step.kind === 'flush') await opened.workspace.flush();
          else if (step.kind === 'reopen') opened = await opened.reopen();
          else await act(opened.workspace, model, step);
        }
        const { workspace, directory } = opened;
        await workspace.finish();
        const paths = [...model.keys()].sort();
        expect(accepted(await workspace.listFiles()).files).toEqual(paths);
        for (const path of paths) {
          expect(Buffer.from(accepted(await workspace.readBytes({ path })).bytes)).toEqual(model.get(path));
        }
        const reopened = await opened.reopen();
        expect(accepted(await reopened.workspace.listFiles()).files).toEqual(paths);
        if (workspace.stats().commits > 0) {
          const listed = git(directory, 'ls-tree', '-r', '-z', '--name-only', 'HEAD').split('\0').filter(Boolean);
          expect(listed.sort()).toEqual(paths);
          expect(soundness(directory)).toEqual({ fsck: '', status: '' });
        }
      } finally {
        rmSync(root, { recursive: true, force: true });
      }
    }),
    { numRuns: 20, verbose: 1 },
  );
});
