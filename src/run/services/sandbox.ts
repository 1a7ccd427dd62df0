/**
 * The sandbox as a service: runs the programs of agents on snapshots of the workspace, and brings back what they changed.
 * Methods: `run send` for agents (results are tool results; `agent` says whose program it is), `parse` for the checks of what
 * is handed in, `release` when an agent has ended, `leave` for the roster (`leavers.ts`), `finish` when the run ends, `stats`
 * for the report. Only its counts are durable: a program ends with the process, and what became of one that ran then is
 * unknown.
 *
 * bubblewrap ends with the thread that started it: this one, which lives as long as the run.
 */
import { z } from 'zod';
import { WORKSPACE, type LeaveMethods, type SandboxMethods } from '../../../actors/run-services.ts';
import { systemClock } from '../../platform/index.ts';
import { MegactorError, toMegactorError } from '../../protocol/errors.ts';
import type { CreateService, ServiceHost, ServiceInstance } from '../../protocol/service.ts';
import {
  AgentPrograms,
  NO_PROGRAMS,
  parseProgram,
  programLimitsSchema,
  Sandbox,
  withEnd,
  withStart,
  type BroughtBack,
  type OwnedFiles,
  type ProgramNote,
  type ProgramStarter,
  type ProgramTally,
} from '../../sandbox/index.ts';
import { checked } from './arguments.ts';
import { guarded, Leavers } from './leavers.ts';
import { SLICE_LIMITS, slicesOf, type SliceLimits } from '../../workspace/slices.ts';

const optionsSchema = z.strictObject({
  mode: z.enum(['bwrap', 'none']),
  network: z.boolean(),
  limits: programLimitsSchema.prefault({}),
  runningMax: z.int().positive().optional(),
  /** There is a roster, which knows who was retired. */
  roster: z.boolean().default(false),
});

export type SandboxServiceOptions = z.input<typeof optionsSchema>;

const agentArgs = z.object({ agent: z.string() });
const runArgs = agentArgs.extend({
  path: z.string(),
  args: z.array(z.string()).optional(),
  stdin: z.string().optional(),
});
const parseArgs = z.object({ path: z.string(), content: z.string() });
const sendArgs = agentArgs.extend({ content: z.string() });

const refusalSchema = z.object({ code: z.string(), message: z.string(), hint: z.string() });
const snapshotSchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), files: z.array(z.object({ path: z.string(), base: z.string() })) }),
  z.object({ ok: z.literal(false), error: refusalSchema }),
]);
const appliedSchema = z.object({
  files: z.array(
    z.object({
      path: z.string(),
      status: z.enum(['written', 'merged', 'removed', 'unchanged', 'conflict', 'refused']),
      error: refusalSchema.optional(),
    }),
  ),
});

/** Half of a program's disk is for what it makes. */
const SHARE = 0.5;
const WORKSPACE_DEADLINE_MS = 120_000;

const rowOf = ({ path, status, error }: z.output<typeof appliedSchema>['files'][number]): BroughtBack => ({
  path,
  status,
  ...(error === undefined ? {} : { message: status === 'refused' ? `${error.message} ${error.hint}` : error.message }),
});

/** The workspace as programs of `agent` see it. What they changed is brought back in slices. */
export const workspaceFiles = (
  host: Pick<ServiceHost, 'call'>,
  agent: string,
  limits: { readonly diskBytes: number; readonly diskFiles: number },
  slices: SliceLimits = SLICE_LIMITS,
): OwnedFiles => ({
  export: async (directory) => {
    const filesMax = Math.floor(limits.diskFiles * SHARE);
    const bytesMax = Math.floor(limits.diskBytes * SHARE);
    const args = { directory, filesMax, bytesMax };
    const options = { deadlineMs: WORKSPACE_DEADLINE_MS };
    const result = snapshotSchema.parse(await host.call(WORKSPACE, 'snapshot', args, options));
    if (result.ok) return result.files;
    const { code, message, hint } = result.error;
    throw new MegactorError('SANDBOX_FAILED', message, { hint, details: { refusal: code } });
  },
  bringBack: async (changes) => {
    const options = { deadlineMs: WORKSPACE_DEADLINE_MS };
    const brought: BroughtBack[] = [];
    // Each slice is a call with a deadline of its own, and no more than a slice is copied at a time.
    for (const slice of slicesOf(changes, slices)) {
      try {
        const args = { author: agent, changes: slice };
        const { files } = appliedSchema.parse(await host.call(WORKSPACE, 'apply', args, options));
        brought.push(...files.map(rowOf));
      } catch (thrown) {
        if (brought.length === 0) throw thrown;
        // What was brought back stays, and is told; what was not is told as well.
        const told = new Set(brought.map(({ path }) => path));
        const { message } = toMegactorError(thrown);
        const rest = changes.filter(({ path }) => !told.has(path));
        brought.push(...rest.map(({ path }) => ({ path, status: 'refused' as const, message })));
        break;
      }
    }
    return brought.sort((left, right) => (left.path < right.path ? -1 : 1));
  },
});

const TALLY = 'tally';

/** Counts what becomes of programs, durably, over all processes of a run. */
const counting = (
  host: ServiceHost,
): { note: (what: ProgramNote) => Promise<unknown>; stats: () => Promise<ProgramTally> } => {
  const store = host.store('sandbox');
  const kept = Promise.resolve(store.get(TALLY)).then((value) => ({ tally: (value ?? NO_PROGRAMS) as ProgramTally }));
  kept.catch(() => undefined);
  return {
    note: async (what) => {
      const counts = await kept;
      counts.tally = what.kind === 'started' ? withStart(counts.tally) : withEnd(counts.tally, what.end, what.brought);
      return store.commit({ effectId: null, result: null, changes: [{ key: TALLY, value: counts.tally }] });
    },
    stats: async () => (await kept).tally,
  };
};

/** The service over a sandbox that is open already. */
export const createPrograms = (raw: unknown, host: ServiceHost, sandbox: ProgramStarter): ServiceInstance => {
  const { limits, roster } = optionsSchema.parse(raw);
  const { note, stats } = counting(host);
  const programs = new AgentPrograms({
    sandbox,
    note,
    filesOf: (agent) => workspaceFiles(host, agent, limits),
  });
  const instance: ServiceInstance<Omit<SandboxMethods, keyof LeaveMethods>> = {
    methods: {
      run: (given) => {
        const { agent, path, args: words, stdin } = checked(runArgs, given);
        return programs.run(agent, {
          path,
          ...(words === undefined ? {} : { args: words }),
          ...(stdin === undefined ? {} : { stdin }),
        });
      },
      send: (given) => {
        const { agent, content } = checked(sendArgs, given);
        return programs.send(agent, content);
      },
      parse: (given) => parseProgram(sandbox, systemClock, checked(parseArgs, given)),
      release: (given) => programs.release(checked(agentArgs, given).agent),
      finish: () => programs.finish(),
      stats,
    },
    close: () => sandbox.close(),
  };
  return guarded(instance, new Leavers(host, roster), { names: ['run', 'send'], nameOf: 'agent' });
};

export const createService: CreateService = async (raw, host) => {
  const { mode, network, limits, runningMax } = optionsSchema.parse(raw);
  const sandbox = await Sandbox.open({ mode, network, limits, ...(runningMax === undefined ? {} : { runningMax }) });
  return createPrograms(raw, host, sandbox);
};
