/** An Admin: leads a group, which it hires itself or which the plan hired for it. */
import { defineActor } from '../src/actor/definition.ts';
import { agentBehaviour } from './agent.ts';
import type { AgentDefinition } from './agent-types.ts';
import { ordinary } from './ordinary.ts';

export const admin: AgentDefinition = defineActor(
  import.meta.url,
  'admin',
  agentBehaviour(() => ({ admin, ordinary })),
);
