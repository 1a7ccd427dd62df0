/**
 * The changes that a workspace offers, each as arguments checked, a decision and an answer. What they mean is in
 * `decisions.ts`, how they are carried out in `writer.ts`.
 */
import { contentOf } from './content.ts';
import { checkPath } from './path-jail.ts';
import {
  refuse,
  type AppendFileResult,
  type ClashRefusal,
  type EditFileResult,
  type EditRefusal,
  type MoveFileResult,
  type PlainRefusal,
  type RemoveFileResult,
  type WorkspaceCall,
  type WriteFileResult,
} from './results.ts';
import type { Outcome, Writer } from './writer.ts';

const NOT_A_CONTENT = refuse('INVALID_ARGUMENTS', 'The content is neither text nor bytes.', 'Pass text.');
export const NO_OLD = refuse(
  'INVALID_ARGUMENTS',
  '`old` is empty.',
  'Give the passage to replace, or use append_file.',
);
const NO_BASE = refuse(
  'INVALID_ARGUMENTS',
  'There is no `base`.',
  'Read the file, and give the base of what you read.',
);

const only = <Refusal>(outcomes: readonly Outcome<Refusal>[]): Outcome<Refusal> => {
  const [outcome] = outcomes;
  if (outcome === undefined) throw new Error('a change came to nothing');
  return outcome;
};

export interface WriteArguments {
  readonly path: string;
  readonly content: string | Uint8Array;
  readonly base?: string | undefined;
}

export const writeFile = async (
  writer: Writer,
  args: WriteArguments,
  call: WorkspaceCall,
): Promise<WriteFileResult> => {
  const checked = checkPath(args.path);
  if (!checked.ok) return checked;
  const { path } = checked;
  if (typeof args.content !== 'string' && !(args.content instanceof Uint8Array)) return NOT_A_CONTENT;
  const content = contentOf(args.content);
  return await writer.change<WriteFileResult, PlainRefusal | ClashRefusal>(
    {
      paths: [path],
      decide: async (decider) => [await decider.write(path, content, args.base)],
      answer: (outcomes) => {
        const outcome = only(outcomes);
        return outcome.ok ? { ok: true, base: outcome.base ?? '', merged: outcome.merged } : outcome;
      },
    },
    call,
  );
};

export const appendFile = async (
  writer: Writer,
  args: { readonly path: string; readonly content: string },
  call: WorkspaceCall,
): Promise<AppendFileResult> => {
  const checked = checkPath(args.path);
  if (!checked.ok) return checked;
  const { path } = checked;
  if (typeof args.content !== 'string') return NOT_A_CONTENT;
  const piece = args.content.toWellFormed();
  return await writer.change<AppendFileResult, PlainRefusal>(
    {
      paths: [path],
      decide: async (decider) => [await decider.append(path, piece)],
      answer: (outcomes) => {
        const outcome = only(outcomes);
        return outcome.ok ? { ok: true, base: outcome.base ?? '' } : outcome;
      },
    },
    call,
  );
};

export interface EditArguments {
  readonly path: string;
  /** The passage to replace; it must be in the file once. */
  readonly old: string;
  readonly new: string;
}

export const editFile = async (writer: Writer, args: EditArguments, call: WorkspaceCall): Promise<EditFileResult> => {
  const checked = checkPath(args.path);
  if (!checked.ok) return checked;
  const { path } = checked;
  if (typeof args.old !== 'string' || typeof args.new !== 'string') return NOT_A_CONTENT;
  if (args.old === '') return NO_OLD;
  const [old, replacement] = [args.old.toWellFormed(), args.new.toWellFormed()];
  return await writer.change<EditFileResult, PlainRefusal | EditRefusal>(
    {
      paths: [path],
      decide: async (decider) => [await decider.edit(path, old, replacement)],
      answer: (outcomes) => {
        const outcome = only(outcomes);
        return outcome.ok ? { ok: true, base: outcome.base ?? '' } : outcome;
      },
    },
    call,
  );
};

export const removeFile = async (
  writer: Writer,
  args: { readonly path: string; readonly base: string },
  call: WorkspaceCall,
): Promise<RemoveFileResult> => {
  const checked = checkPath(args.path);
  if (!checked.ok) return checked;
  const { path } = checked;
  if (typeof args.base !== 'string') return NO_BASE;
  return await writer.change<RemoveFileResult, PlainRefusal | ClashRefusal>(
    {
      paths: [path],
      decide: async (decider) => [await decider.remove(path, args.base)],
      answer: (outcomes) => {
        const outcome = only(outcomes);
        return outcome.ok ? { ok: true } : outcome;
      },
    },
    call,
  );
};

export const moveFile = async (
  writer: Writer,
  args: { readonly path: string; readonly to: string },
  call: WorkspaceCall,
): Promise<MoveFileResult> => {
  const from = checkPath(args.path);
  if (!from.ok) return from;
  const to = checkPath(args.to);
  if (!to.ok) return to;
  return await writer.change<MoveFileResult, PlainRefusal | ClashRefusal>(
    {
      paths: [from.path, to.path],
      whole: true,
      decide: (decider) => decider.move(from.path, to.path),
      answer: (outcomes) => {
        const refusal = outcomes.find((outcome) => !outcome.ok);
        if (refusal !== undefined && !refusal.ok) return refusal;
        return { ok: true, base: outcomes.find((outcome) => outcome.ok)?.base ?? '' };
      },
    },
    call,
  );
};
