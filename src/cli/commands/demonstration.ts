/**
 * The demonstration, which starts without a command: the largest society that the paper reports, 590 agents who work
 * out the policy of a small country, rehearsed without a network. Options of `run` may change it.
 */
import { playbookName } from '../../../actors/playbooks/index.ts';
import type { Command } from '../command.ts';
import { RUN_OPTIONS } from '../options.ts';
import { usageError } from '../parse.ts';
import { runOptionsOf, startRun } from './run.ts';

export const DEMONSTRATION = {
  goal: 'Work out the national policy of a small island country, one ministry after another: health, schools, energy, water, transport, trade, housing, justice and the sea.',
  maxAgents: 590,
} as const;

export const demonstrationCommand: Command = {
  name: '',
  usage: '[OPTIONS OF run]',
  summary: `The demonstration: ${DEMONSTRATION.maxAgents} agents, rehearsed without a network.`,
  options: RUN_OPTIONS,
  examples: [],
  notes: [],
  run: async (line, context) => {
    const [word] = line.positionals;
    if (word !== undefined) throw usageError(`There is no command "${word}".`);
    const options = await runOptionsOf(line, context);
    // A playbook brings its own goal and size along.
    if (playbookName(options.model ?? '') !== null) return startRun('', options, line, context);
    if (line.values.get('quiet') !== true) {
      context.stderr(
        `Demonstration: ${options.maxAgents ?? DEMONSTRATION.maxAgents} agents. "${DEMONSTRATION.goal}"\n` +
          `All commands: ${context.program} --help\n`,
      );
    }
    return startRun(DEMONSTRATION.goal, { maxAgents: DEMONSTRATION.maxAgents, ...options }, line, context);
  },
};
