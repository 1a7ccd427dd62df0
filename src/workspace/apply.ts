/**
 * Bringing back what somebody changed in a copy of the files: many files in one change, each by the same
 * compare-and-swap as a single write, so that one that clashes does not hold up the others. Durable in one: after a crash
 * all accepted files of it are there, or none.
 */
import { byteLengthOf, contentOf, type Content } from './content.ts';
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
import type { Outcome, Writer } from './writer.ts';

/** Most files of one call. */
export const APPLY_COUNT_MAX = 2_000;
/** Most bytes of one call. */
export const APPLY_BYTES_MAX = 32 * 1024 * 1024;

interface Checked {
  readonly path: string;
  /** Null: the file was removed. */
  readonly content: Content | null;
  readonly base: string | null;
}

type Refusal = PlainRefusal | ClashRefusal;

const decideOne = async (decider: Decider, change: Checked): Promise<Decision> => {
  const { path, content, base } = change;
  if (content !== null) return await decider.write(path, content, base ?? undefined);
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
      const content = change.content === null ? null : contentOf(change.content);
      checked.set(path.path, { path: path.path, content, base: change.base });
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
  // Removals first: where a file was, there may be a directory now.
  const removed = [...checked.values()].filter((change) => change.content === null);
  const written = [...checked.values()].filter((change) => change.content !== null);
  return { checked: [...removed, ...written], rows };
};

export const applyChanges = async (
  writer: Writer,
  changes: readonly FileChange[],
  call: WorkspaceCall,
): Promise<ApplyResult> => {
  if (changes.length > APPLY_COUNT_MAX) {
    return refuse('TOO_LARGE', `${changes.length} files changed, at most ${APPLY_COUNT_MAX}.`, 'Change fewer files.');
  }
  const { checked, rows } = checkChanges(changes);
  const bytes = checked.reduce((sum, { content }) => sum + (content === null ? 0 : byteLengthOf(content)), 0);
  if (bytes > APPLY_BYTES_MAX) {
    return refuse('TOO_LARGE', `${bytes} bytes changed, at most ${APPLY_BYTES_MAX}.`, 'Write smaller files.');
  }
  return await writer.change<ApplyResult, Refusal>(
    {
      paths: checked.map((change) => change.path),
      decide: async (decider) => {
        const decisions: Decision[] = [];
        for (const change of checked) decisions.push(await decideOne(decider, change));
        return decisions;
      },
      answer: (outcomes) => {
        const files = outcomes.map((outcome, index) => rowOf(checked[index]?.path ?? '', outcome));
        return { ok: true, files: [...files, ...rows].sort((left, right) => (left.path < right.path ? -1 : 1)) };
      },
    },
    call,
  );
};
