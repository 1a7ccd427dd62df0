/**
 * The services of a run: their names, and what their methods take and answer. Whoever calls one and whoever is one are held
 * to it by the compiler. What it does not do: check what arrives, which the services themselves do.
 */
import { ownerName } from '../src/memory/owners.ts';
import type { MemoryStats, NewMemory, RecallQuery, RecallResult } from '../src/memory/types.ts';
import type { Leaf } from '../src/model/budget/index.ts';
import type { GateStats } from '../src/model/gate/types.ts';
import type { RequestOnWire } from '../src/model/request-wire.ts';
import type { ServedAnswer } from '../src/model/types.ts';
import type { NoArguments, ServiceName } from '../src/protocol/service.ts';
import type { ParseResult, ProgramAnswer, ProgramTally } from '../src/sandbox/index.ts';
import type { AgentLookup, GroupView, RosterCommands, RosterSummary } from '../src/society/index.ts';
import type { FileLook, LookArguments } from '../src/workspace/look.ts';
import type * as files from '../src/workspace/index.ts';

interface OfAgent {
  readonly agent: string;
}

/** Of who does things in the name of agents, and is told who does not act any more. */
export interface LeaveMethods {
  leave(args: OfAgent): null;
}

/** Every command of the roster, and what only reads. */
export type RosterMethods = {
  readonly [Name in keyof RosterCommands]: (args: RosterCommands[Name]['args']) => RosterCommands[Name]['result'];
} & {
  /** Null for somebody whom the roster does not know. */
  group(args: OfAgent): GroupView | null;
  summary(args: NoArguments): RosterSummary;
  /** Names. */
  retired(args: NoArguments): readonly string[];
  find(args: OfAgent): AgentLookup;
};
export const ROSTER: ServiceName<RosterMethods> = 'roster';

/** Vectors, one row after the other, in single precision. */
export interface VectorsWire {
  readonly dimensions: number;
  readonly data: Uint8Array;
}

/** Of what embeds texts. */
export interface EmbedMethods {
  embed(args: { readonly texts: readonly string[]; readonly urgent: boolean }): VectorsWire;
}
export const LOCAL_EMBEDDER: ServiceName<EmbedMethods> = 'embedder';

export interface ModelMethods {
  complete(request: RequestOnWire): ServedAnswer;
  /** Answers that nobody asks for again. */
  release(args: { readonly effectIds: readonly string[] }): void;
  /** No call begins any more; those in flight may answer for so long. */
  drain(args: { readonly deadlineMs: number }): void;
  stats(args: NoArguments): GateStats;
  /** What calls have cost, by agent. */
  spent(args: NoArguments): readonly (readonly [agent: string, Leaf])[];
  /** Those concerned have had the mail. */
  warned(args: { readonly scope: string }): void;
  /** Whose texts main gets as they come; null: everybody's. */
  watch(args: { readonly agents: readonly string[] | null }): void;
}
export const MODEL: ServiceName<ModelMethods> = 'model';
/** The same service, where memories are embedded by a model server. */
export const EMBEDDING_MODEL: ServiceName<EmbedMethods> = 'model';

interface OfFile {
  readonly author: string;
  readonly path: string;
}

export interface WorkspaceMethods extends LeaveMethods {
  read(args: OfFile): files.ReadFileResult;
  write(args: OfFile & { readonly content: string; readonly base?: string | undefined }): files.WriteFileResult;
  append(args: OfFile & { readonly content: string }): files.AppendFileResult;
  edit(args: OfFile & { readonly old: string; readonly new: string }): files.EditFileResult;
  list(args: { readonly author: string; readonly glob?: string | undefined }): files.ListFilesResult;
  search(args: {
    readonly author: string;
    readonly query: string;
    readonly glob?: string | undefined;
  }): files.SearchFilesResult;
  move(args: OfFile & { readonly to: string }): files.MoveFileResult;
  remove(args: OfFile & { readonly base: string }): files.RemoveFileResult;
  snapshot(args: files.SnapshotArguments): files.SnapshotResult;
  apply(args: { readonly author: string; readonly changes: readonly files.FileChange[] }): files.ApplyResult;
  /** Null when there is no such file, or none that can be looked at. */
  look(args: LookArguments): FileLook | null;
  files(args: NoArguments): readonly files.FileRow[];
  stats(args: NoArguments): files.WorkspaceStats;
  history(args: { readonly path: string; readonly limit?: number | undefined }): files.HistoryResult;
  blame(args: { readonly path: string }): files.BlameResult;
  flush(args: NoArguments): void;
  finish(args: NoArguments): files.FinishResult;
}
export const WORKSPACE: ServiceName<WorkspaceMethods> = 'workspace';

export interface SandboxMethods extends LeaveMethods {
  run(
    args: OfAgent & {
      readonly path: string;
      readonly args?: readonly string[] | undefined;
      readonly stdin?: string | undefined;
    },
  ): ProgramAnswer;
  send(args: OfAgent & { readonly content: string }): ProgramAnswer;
  parse(args: { readonly path: string; readonly content: string }): ParseResult;
  release(args: OfAgent): void;
  finish(args: NoArguments): void;
  stats(args: NoArguments): ProgramTally;
}
export const SANDBOX: ServiceName<SandboxMethods> = 'sandbox';

export interface MemoryMethods {
  /** What has no time was said now. */
  add(args: { readonly memories: readonly (Omit<NewMemory, 'when'> & { readonly when?: number | undefined })[] }): {
    readonly ok: true;
  };
  recall(args: Pick<RecallQuery, 'scopes' | 'query' | 'k' | 'before' | 'meaningWaitMs'>): RecallResult;
  stats(args: NoArguments): MemoryStats;
}
/** The first owner's, which every run with a memory has. */
export const MEMORY: ServiceName<MemoryMethods> = ownerName(0);
export const memoryOf = (owner: number): ServiceName<MemoryMethods> => ownerName(owner);
