/**
 * Listens for the end of the Boss's actor. Of every other agent that crashes for good its supervisor hears, and by him the
 * roster; above the Boss is nobody. What it does not do: end the run; that nobody leads is found out when all is quiet.
 *
 * Not kept: the counts of a Boss that crashed in the very moment in which the process was killed.
 */
import { ROSTER } from '../../actors/run-services.ts';
import type { ActorSystem } from '../runtime/index.ts';
import { actorRef } from '../actor/index.ts';
import { agentStateSchema, BOSS } from '../society/index.ts';
import { failure, type Outcome } from './controller.ts';

const watch = async (system: ActorSystem): Promise<void> => {
  const { agent } = await system.callService(ROSTER, 'find', { agent: BOSS });
  if (agent === null) return;
  const { reason, last } = await system.watchEnd(actorRef(agent.shard, agent.id, BOSS));
  const state = agentStateSchema.safeParse(last);
  // It ended with the system.
  if (!state.success) return;
  const { counters, repaired } = state.data;
  await system.callService(ROSTER, 'crashed', { agent: BOSS, detail: reason.slice(0, 500), counters, repaired });
};

/** @param end is told when the roster cannot be */
export const watchBoss = (system: ActorSystem, end: (outcome: Outcome) => void): void => {
  watch(system).catch((error: unknown) => end(failure(error)));
};
