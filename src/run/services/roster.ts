/**
 * The roster as a service: the society's state machine over the run's own table. Every command of `Roster` is a method
 * of the same name; `terminate` brings along what is found when the work is looked at, and `quiet` a sample of the files for
 * the final review; `group`, `summary`,
 * `retired` and `find` only read.
 *
 * Questions that are closed without an answer, and remedies of the runtime itself, are told as events.
 *
 * When the run has ended, main is told with `{kind: 'finished', status, reason}`: after a grace period, since the step
 * that ended it is not committed yet, and the next quiet moment usually comes first.
 */
import { z } from 'zod';
import { SANDBOX, type LeaveMethods, type RosterMethods } from '../../../actors/run-services.ts';
import { systemClock, type Clock } from '../../platform/index.ts';
import { MegactorError } from '../../protocol/errors.ts';
import type {
  CreateService,
  ServiceCallContext,
  ServiceHost,
  ServiceInstance,
  ServiceName,
} from '../../protocol/service.ts';
import { listFiles, sampleFiles } from './file-sample.ts';
import { LEAVE, RETIRED } from './leavers.ts';
import { lookAtHandIn } from './hand-in-view.ts';
import {
  COMMAND_NAMES,
  findAgent,
  Roster,
  type CommandArgs,
  type CommandName,
  type CommandResult,
} from '../../society/index.ts';
import { checked } from './arguments.ts';

const optionsSchema = z
  .strictObject({
    /** null: main is not told; it finds out when all is quiet. */
    finishGraceMs: z.int().nonnegative().max(600_000).nullable().default(1_000),
    /** Draws the files that the final review shows. */
    seed: z.int().nonnegative().default(0),
    /** Whether agents may have programs that run, which end with them. */
    programs: z.boolean().default(false),
    /** Whether reviewers are told of commits: when a file gets into one depends on the machine. */
    commits: z.boolean().default(true),
    /** Services that do nothing more for whom was retired. */
    leave: z.array(z.string()).default([]),
  })
  .prefault({});

export type RosterServiceOptions = z.input<typeof optionsSchema>;

const agentSchema = z.object({ agent: z.string() });

type Commands = { readonly [Name in CommandName]: ServiceInstance<RosterMethods>['methods'][Name] };

const asObject = <Args>(args: Args): Args => {
  if (typeof args === 'object' && args !== null) return args;
  throw new MegactorError('SERVICE_FAILED', 'a command of the roster takes an object');
};

/** The service on a clock of the caller's. */
export const createRoster = async (
  options: unknown,
  host: ServiceHost,
  clock: Clock,
): Promise<ServiceInstance<RosterMethods>> => {
  const { finishGraceMs, seed, programs, commits, leave } = optionsSchema.parse(options ?? {});
  const roster = await Roster.open(host.store('roster'), {
    onWithdrawn: (withdrawn) => {
      for (const { agent, question, why } of withdrawn) {
        const { id, kind } = question;
        host.event({ type: 'human', agent, status: 'withdrawn', kind, question: id, why });
      }
    },
    onRemedied: (remedied) => {
      for (const { agent, why } of remedied) host.event({ type: 'remedy', agent, why });
    },
  });
  let announced = false;

  const announce = (): void => {
    const end = roster.state.meta?.end ?? null;
    if (end === null || announced || finishGraceMs === null) return;
    announced = true;
    clock.after(finishGraceMs, () => host.notify({ kind: 'finished', ...end }), { keepAlive: true });
  };

  /** What an agent runs ends when it has handed in its task, or will not act any more. */
  const endPrograms = (args: unknown): void => {
    const { data } = agentSchema.safeParse(args);
    if (data === undefined || !roster.hasStopped(data.agent)) return;
    // It ends by itself as well, at its own limits.
    host.call(SANDBOX, 'release', data).catch(() => undefined);
  };

  /** Before anybody hears that an agent was retired nothing more is done in its name (L3). */
  const tellOfLeaver = async (args: unknown): Promise<void> => {
    const { data } = agentSchema.safeParse(args);
    if (data === undefined || !roster.isRetired(data.agent)) return;
    await Promise.all(leave.map((service: ServiceName<LeaveMethods>) => host.call(service, LEAVE, data)));
  };

  const command =
    <Name extends CommandName>(name: Name) =>
    async (args: CommandArgs<Name>, call: ServiceCallContext): Promise<CommandResult<Name>> => {
      const result = await roster.do(name, asObject(args), call.effectId);
      announce();
      if (programs) endPrograms(args);
      if (name === 'retire') await tellOfLeaver(args);
      return result;
    };
  const commands = Object.fromEntries(COMMAND_NAMES.map((name) => [name, command(name)])) as Commands;

  return {
    methods: {
      ...commands,
      group: (args) => roster.group(checked(agentSchema, args).agent),
      summary: () => roster.summary(),
      [RETIRED]: () => roster.retired(),
      find: (args) => findAgent(roster.state, checked(agentSchema, args).agent),
      terminate: async (args, call) => {
        const due = roster.lookDue(asObject(args));
        if (due === null) return commands.terminate(args, call);
        return commands.terminate({ ...args, look: await lookAtHandIn(due, host, clock, { commits, programs }) }, call);
      },
      quiet: async (_, call) => {
        const { review, files: isAsked } = roster.quietDue();
        if (review === null) return commands.quiet(isAsked ? { files: await listFiles(host) } : {}, call);
        const files = await listFiles(host);
        return commands.quiet({ sample: await sampleFiles(host, files, seed, review), files }, call);
      },
      // Of who did not hand in, the workspace alone knows what it wrote.
      retire: async (args, call) => commands.retire({ ...asObject(args), shared: await listFiles(host) }, call),
    },
  };
};

export const createService: CreateService = (options, host) => createRoster(options, host, systemClock);
