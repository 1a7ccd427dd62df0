/**
 * The workspace as a service: the shared files of a run. Methods: `read write edit append list search` for agents (results are
 * tool results; `author` says who acts), `move remove` for whoever needs them, `leave` for the roster (`leavers.ts`),
 * `files look stats history blame flush finish` for the run, and `snapshot apply` for what runs programs.
 *
 * How a program gets the files and gives them back:
 *
 *     const copy = await host.call(WORKSPACE, 'snapshot', { directory });       // an empty directory, absolute
 *     // { ok: true, commit, files: [{ path, base, size }], bytes, skipped } or { ok: false, error }
 *     … the program runs, and leaves other files in the directory …
 *     const back = await host.call(WORKSPACE, 'apply', { author, changes }, { effectId });
 *     // changes: [{ path, content: string | Uint8Array | null, base }]: `content` null for a file that is gone, `base`
 *     // as the snapshot gave it, null for a file that was not in it. Only files that differ: compare blob ids or stats.
 *     // { ok: true, files: [{ path, status: written|merged|removed|unchanged|conflict|refused, base, error? }] }
 *
 * The copies are real files (no links), made in slices; `owner: { uid, gid }` gives them away, `filesMax` and `bytesMax`
 * bound them (TOO_LARGE; what was written until then is the caller's to remove). Links and submodules are `skipped`. An
 * apply of up to 2,000 files and 32 MiB is one durable effect, a larger one is several of that size, each derived from the
 * effect id; it never undoes what somebody else wrote meanwhile.
 * When it is read, a directory that a program had is full of traps: open with O_NOFOLLOW, take plain files only.
 */
import { z } from 'zod';
import type { LeaveMethods, WorkspaceMethods } from '../../../actors/run-services.ts';
import type { CreateService, ServiceCallContext, ServiceInstance } from '../../protocol/service.ts';
import { lookArgs } from '../../workspace/look.ts';
import { Workspace } from '../../workspace/workspace.ts';
import type { WorkspaceCall } from '../../workspace/results.ts';
import { checked } from './arguments.ts';
import { guarded, Leavers } from './leavers.ts';

const optionsSchema = z.strictObject({
  directory: z.string().min(1),
  runId: z.string().min(1),
  branch: z.string().optional(),
  /** Paths whose changes do not make an existing repository dirty: the run directory, for one. */
  ignore: z.array(z.string()).default([]),
  /** False: commits survive a killed process but not a power failure. */
  sync: z.boolean().default(true),
  /** There is a roster, which knows who was retired. */
  roster: z.boolean().default(false),
});

export type WorkspaceServiceOptions = z.input<typeof optionsSchema>;

const pathArgs = z.object({ author: z.string(), path: z.string() });
const appendArgs = pathArgs.extend({ content: z.string() });
const writeArgs = appendArgs.extend({ base: z.string().optional() });
const listArgs = z.object({ author: z.string(), glob: z.string().optional() });
const editArgs = pathArgs.extend({ old: z.string(), new: z.string() });
const searchArgs = z.object({ author: z.string(), query: z.string(), glob: z.string().optional() });
const moveArgs = pathArgs.extend({ to: z.string() });
const removeArgs = pathArgs.extend({ base: z.string() });
const snapshotArgs = z.object({
  directory: z.string().min(1),
  commit: z.string().optional(),
  filesMax: z.int().positive().optional(),
  bytesMax: z.int().positive().optional(),
  owner: z.object({ uid: z.int().nonnegative(), gid: z.int().nonnegative() }).optional(),
});
const applyArgs = z.object({
  author: z.string(),
  changes: z.array(
    z.object({
      path: z.string(),
      content: z.union([z.string(), z.instanceof(Uint8Array), z.null()]),
      base: z.string().nullable(),
    }),
  ),
});
const blameArgs = z.object({ path: z.string() });
const historyArgs = z.object({ path: z.string(), limit: z.int().positive().optional() });

/** What agents may do to files, as long as they are there. */
export const OF_AGENTS: readonly string[] = ['read', 'write', 'edit', 'append', 'list', 'search'];

export const createService: CreateService = async (raw, host) => {
  const options = optionsSchema.parse(raw);
  const store = host.store('workspace');
  const workspace = await Workspace.open({
    directory: options.directory,
    runId: options.runId,
    store,
    ignore: options.ignore,
    sync: options.sync,
    onCommit: (info) => host.event({ type: 'commit', ...info }),
    ...(options.branch === undefined ? {} : { branch: options.branch }),
  });
  const callOf = (author: string, call: ServiceCallContext): WorkspaceCall => ({ author, effectId: call.effectId });

  const instance: ServiceInstance<Omit<WorkspaceMethods, keyof LeaveMethods>> = {
    methods: {
      read: (given, call) => {
        const { author, path } = checked(pathArgs, given);
        return workspace.readFile({ path }, callOf(author, call));
      },
      write: (given, call) => {
        const { author, ...args } = checked(writeArgs, given);
        return workspace.writeFile(args, callOf(author, call));
      },
      append: (given, call) => {
        const { author, ...args } = checked(appendArgs, given);
        return workspace.appendFile(args, callOf(author, call));
      },
      list: (given, call) => {
        const { author, ...args } = checked(listArgs, given);
        return workspace.listFiles(args, callOf(author, call));
      },
      edit: (given, call) => {
        const { author, ...args } = checked(editArgs, given);
        return workspace.editFile(args, callOf(author, call));
      },
      search: (given, call) => {
        const { author, ...args } = checked(searchArgs, given);
        return workspace.searchFiles(args, callOf(author, call));
      },
      move: (given, call) => {
        const { author, ...args } = checked(moveArgs, given);
        return workspace.moveFile(args, callOf(author, call));
      },
      remove: (given, call) => {
        const { author, ...args } = checked(removeArgs, given);
        return workspace.removeFile(args, callOf(author, call));
      },
      snapshot: (given) => workspace.snapshot(checked(snapshotArgs, given)),
      apply: (given, call) => {
        const { author, ...args } = checked(applyArgs, given);
        return workspace.applyChanges(args, callOf(author, call));
      },
      look: (given) => workspace.look(checked(lookArgs, given)),
      files: () => workspace.fileRows(),
      stats: () => workspace.stats(),
      history: (given) => workspace.history(checked(historyArgs, given)),
      blame: (given) => workspace.blame(checked(blameArgs, given)),
      flush: () => workspace.flush(),
      finish: () => workspace.finish(),
    },
    close: () => workspace.close(),
  };
  const wasDone = async (effectId: string): Promise<boolean> => (await store.result(effectId)) !== undefined;
  return guarded(instance, new Leavers(host, options.roster), { names: OF_AGENTS, nameOf: 'author', wasDone });
};
