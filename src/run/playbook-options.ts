/** What a run takes from its playbook, where the caller says nothing. What it does not do: play it (the model service does). */
import { playbookCard, playbookName } from '../../actors/playbooks/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import type { RunOptions } from './types.ts';

/** Fields of a rehearsal file that a playbook leaves nothing for. */
const SCENARIOS = ['scenario', 'shape', 'heavy'];

const rehearsalOf = (rehearsal: unknown, name: string, latencyMs: number | undefined): unknown => {
  const given = typeof rehearsal === 'object' && rehearsal !== null ? rehearsal : {};
  const field = SCENARIOS.find((key) => key in given);
  if (field !== undefined) {
    throw new MegactorError('CONFIG_INVALID', `the rehearsal file: "${field}" does not go with the playbook ${name}`, {
      hint: 'A playbook is a scenario of its own; latencyMs, tokens, failures and outage may be set.',
    });
  }
  // What is no object is refused with all other options.
  if (rehearsal !== undefined && given !== rehearsal) return rehearsal;
  return latencyMs === undefined ? rehearsal : { latencyMs, ...given };
};

/** Goal and options of a run whose own model may be a playbook. @throws USAGE, CONFIG_INVALID */
export const asPlayed = (
  goal: string,
  options: RunOptions,
): { readonly goal: string; readonly options: RunOptions } => {
  const name = playbookName(options.model ?? '');
  if (name === null) return { goal, options };
  const { goal: ownGoal, options: own } = playbookCard(name);
  if (options.plan !== undefined || options.template !== undefined) {
    throw new MegactorError('CONFIG_INVALID', `the playbook ${name} has a plan of its own`, {
      hint: 'Leave --plan and --template out, or take another --model.',
    });
  }
  const maxAgents = options.maxAgents ?? own.maxAgents;
  if (own.agentsMin !== undefined && (maxAgents ?? own.agentsMin) < own.agentsMin) {
    throw new MegactorError('CONFIG_INVALID', `the playbook ${name} needs at least ${own.agentsMin} agents`, {
      hint: `Give --max-agents ${own.agentsMin} or more, or leave it out.`,
    });
  }
  const review = options.review ?? own.review;
  const rehearsal = rehearsalOf(options.rehearsal, name, own.latencyMs);
  return {
    goal: goal.trim() === '' ? ownGoal : goal,
    options: {
      ...options,
      ...(maxAgents === undefined ? {} : { maxAgents }),
      ...(review === undefined ? {} : { review }),
      ...(rehearsal === undefined ? {} : { rehearsal }),
    },
  };
};
