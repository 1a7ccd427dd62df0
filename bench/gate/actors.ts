/**
 * The agents that `bench gate` spawns: Ordinary ones, as a society has them, with one tool and nobody above them; and
 * the roster that they tell when they are done.
 */
import { agentBehaviour, initialState } from '../../actors/agent.ts';
import type { AgentDefinition, AgentInit } from '../../actors/agent-types.ts';
import { toolboxOf } from '../../actors/tools/index.ts';
import { defineActor } from '../../src/actor/index.ts';
import { MegactorError } from '../../src/protocol/errors.ts';
import type { CreateService } from '../../src/protocol/service.ts';
import type { AgentState } from '../../src/society/index.ts';
import { stepTool } from './chat.ts';

const behaviour = agentBehaviour(
  () => {
    throw new MegactorError('INTERNAL', 'an Ordinary agent cannot hire');
  },
  toolboxOf([stepTool]),
);

/** Its prompt is the task alone: nothing of an organisation that is not there. */
export const chatter: AgentDefinition = defineActor(import.meta.url, 'chatter', {
  ...behaviour,
  state: (init: AgentInit): AgentState => ({ ...initialState(init), prompt: init.initialPrompt }),
});

/** Counts who has ended; main is told when it was the last of `agents`. */
export const createService: CreateService = (options, host) => {
  const { agents } = options as { readonly agents: number };
  let ended = 0;
  const end = (): void => {
    ended += 1;
    if (ended === agents) host.notify({ kind: 'all-ended' });
  };
  return {
    methods: {
      handback: () => {
        end();
        return { to: null };
      },
      failed: () => {
        end();
        return { leader: null };
      },
    },
  };
};
