/**
 * The workspace as a service: the shared files of a run. Methods: `read write append list` for agents (results are
 * tool results; `author` says who acts), `files stats history flush finish` for the run.
 */
import { z } from 'zod';
import type { CreateService, ServiceCallContext } from '../../protocol/service.ts';
import { Workspace } from '../../workspace/workspace.ts';
import type { WorkspaceCall } from '../../workspace/results.ts';

const optionsSchema = z.strictObject({
  directory: z.string().min(1),
  runId: z.string().min(1),
  branch: z.string().optional(),
  /** Paths whose changes do not make an existing repository dirty: the run directory, for one. */
  ignore: z.array(z.string()).default([]),
  /** False: commits survive a killed process but not a power failure. */
  sync: z.boolean().default(true),
});

export type WorkspaceServiceOptions = z.input<typeof optionsSchema>;

const pathArgs = z.object({ author: z.string(), path: z.string() });
const appendArgs = pathArgs.extend({ content: z.string() });
const writeArgs = appendArgs.extend({ base: z.string().optional() });
const listArgs = z.object({ author: z.string(), glob: z.string().optional() });
const historyArgs = z.object({ path: z.string(), limit: z.int().positive().optional() });

export const createService: CreateService = async (raw, host) => {
  const options = optionsSchema.parse(raw);
  const workspace = await Workspace.open({
    directory: options.directory,
    runId: options.runId,
    store: host.store('workspace'),
    ignore: options.ignore,
    sync: options.sync,
    onCommit: (info) => host.event({ type: 'commit', ...info }),
    ...(options.branch === undefined ? {} : { branch: options.branch }),
  });
  const callOf = (author: string, call: ServiceCallContext): WorkspaceCall => ({ author, effectId: call.effectId });

  return {
    methods: {
      read: (raw: unknown, call: ServiceCallContext) => {
        const { author, path } = pathArgs.parse(raw);
        return workspace.readFile({ path }, callOf(author, call));
      },
      write: (raw: unknown, call: ServiceCallContext) => {
        const { author, ...args } = writeArgs.parse(raw);
        return workspace.writeFile(args, callOf(author, call));
      },
      append: (raw: unknown, call: ServiceCallContext) => {
        const { author, ...args } = appendArgs.parse(raw);
        return workspace.appendFile(args, callOf(author, call));
      },
      list: (raw: unknown, call: ServiceCallContext) => {
        const { author, ...args } = listArgs.parse(raw);
        return workspace.listFiles(args, callOf(author, call));
      },
      files: () => workspace.fileRows(),
      stats: () => workspace.stats(),
      history: (raw: unknown) => workspace.history(historyArgs.parse(raw)),
      flush: () => workspace.flush(),
      finish: () => workspace.finish(),
    },
    close: () => workspace.close(),
  };
};
