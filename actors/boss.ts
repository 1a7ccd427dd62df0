/** The Boss: the one agent at the top; answers for the whole result. */
import { defineActor } from '../src/actor/definition.ts';
import { admin } from './admin.ts';
import { agentBehaviour } from './agent.ts';
import type { AgentDefinition } from './agent-types.ts';
import { ordinary } from './ordinary.ts';

export const boss: AgentDefinition = defineActor(
  import.meta.url,
  'boss',
  agentBehaviour(() => ({ admin, ordinary })),
);
