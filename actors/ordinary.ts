/** An Ordinary agent: does its own task, hires nobody. */
import { defineActor } from '../src/actor/definition.ts';
import { MegactorError } from '../src/protocol/errors.ts';
import { agentBehaviour } from './agent.ts';
import type { AgentDefinition } from './agent-types.ts';

export const ordinary: AgentDefinition = defineActor(
  import.meta.url,
  'ordinary',
  agentBehaviour(() => {
    throw new MegactorError('INTERNAL', 'an Ordinary agent has no slots and cannot hire');
  }),
);
