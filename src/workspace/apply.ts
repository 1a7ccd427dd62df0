/**
 * Bringing back what somebody changed in a copy of the files: many files in one call, each by the same compare-and-swap as
 * a single write, so that one that clashes does not hold up the others. Up to the limits of a slice they are durable in
 * one: after a crash all accepted files are there, or none. More are made slice after slice, each an effect of its own: a
 * crash leaves the slices that were done, and a repeat of the effect goes on behind them.
 */
import { contentOf } from './content.ts';
import type { Decider, Decision } from './decisions.ts';
import { checkPath } from './path-jail.ts';
import {
  refuse,
  type AppliedFile,
  type ApplyResult,
  type ClashRefusal,
  type FileChange,
  type PlainRefusal,
  type WorkspaceCall,
} from './results.ts';
import { slicesOf, type SliceLimits } from './slices.ts';
import type { Outcome, Writer } from './writer.ts';

interface Checked {
  readonly path: string;
  /** As it was given. Null: the file was removed. */
  readonly content: string | Uint8Array | null;
  readonly base: string | null;
}

type Refusal = PlainRefusal | ClashRefusal;

const decideOne = async (decider: Decider, change: Checked): Promise<Decision> => {
  const { path, content, base } = change;
  if (content !== null) return await decider.write(path, contentOf(content), base ?? undefined);
  if (base === null || decider.isMissing(path)) return { kind: 'same', entry: null, merged: false };
  return await decider.remove(path, base);
};

const STATUS = { put: 'written', drop: 'removed', same: 'unchanged' } as const;

const rowOf = (path: string, outcome: Outcome): AppliedFile => {
  if (outcome.ok) return { path, status: outcome.merged ? 'merged' : STATUS[outcome.kind], base: outcome.base };
  const { code, message, hint } = outcome.error;
  const isClash = code === 'CONFLICT' || code === 'EXISTS' || code === 'NOT_FOUND';
  const base = 'base' in outcome.error ? outcome.error.base : null;
  return { path, status: isClash ? 'conflict' : 'refused', base, error: { code, message, hint } };
};

const isContent = (content: unknown): content is string | Uint8Array | null =>
  content === null || typeof content === 'string' || content instanceof Uint8Array;

/** Checks the changes one by one. A path may be named once. */
const checkChanges = (changes: readonly FileChange[]): { checked: Checked[]; rows: AppliedFile[] } => {
  const checked = new Map<string, Checked>();
  const rows: AppliedFile[] = [];
  for (const change of changes) {
    const path = checkPath(change.path);
    const isTwice = path.ok && checked.has(path.path);
    if (path.ok && !isTwice && isContent(change.content)) {
      checked.set(path.path, { path: path.path, content: change.content, base: change.base });
      continue;
    }
    const { error } = path.ok
      ? refuse(
          'INVALID_ARGUMENTS',
          isTwice ? 'The path is named twice.' : 'The content is of no kind.',
          'Name it once.',
        )
      : path;
    rows.push({ path: change.path, status: 'refused', base: null, error });
  }
  return { checked: [...checked.values()], rows };
};

const applySlice = async (
  writer: Writer,
  slice: readonly Checked[],
  call: WorkspaceCall,
): Promise<readonly AppliedFile[]> =>
  await writer.change<readonly AppliedFile[], Refusal>(
    {
      paths: slice.map((change) => change.path),
      decide: async (decider) => {
        const decisions: Decision[] = [];
        for (const change of slice) decisions.push(await decideOne(decider, change));
        return decisions;
      },
      answer: (outcomes) => outcomes.map((outcome, index) => rowOf(slice[index]?.path ?? '', outcome)),
    },
    call,
  );

/** The first slice has the effect id of the call, so that a call of one slice is what it says. */
const effectOf = (effectId: string | null, index: number): string | null =>
  effectId === null || index === 0 ? effectId : `${effectId}#${index}`;

/** The contents are not to be changed before the answer. */
export const applyChanges = async (
  writer: Writer,
  changes: readonly FileChange[],
  call: WorkspaceCall,
  limits: SliceLimits,
): Promise<ApplyResult> => {
  const { checked, rows } = checkChanges(changes);
  const files: AppliedFile[] = [];
  // One at a time: the writer waits while git is far behind, so that no more than that and a slice is held.
  for (const [index, slice] of slicesOf(checked, limits).entries()) {
    files.push(...(await applySlice(writer, slice, { ...call, effectId: effectOf(call.effectId, index) })));
  }
  return { ok: true, files: [...files, ...rows].sort((left, right) => (left.path < right.path ? -1 : 1)) };
};
