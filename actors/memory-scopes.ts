/** Where an agent's memories are: the service that owns them, and the scopes that it may recall from. Pure. */
import { agentScope, groupScope, ownerOf, RUN_SCOPE } from '../src/memory/owners.ts';
import type { ServiceName } from '../src/protocol/service.ts';
import type { AgentState } from '../src/society/index.ts';
import { MEMORY, memoryOf, type MemoryMethods } from './run-services.ts';

export const remembers = ({ settings }: AgentState): boolean => settings.services?.includes(MEMORY) === true;

/** The service that owns the agent's own memories. */
export const ownService = ({ name, settings }: AgentState): ServiceName<MemoryMethods> =>
  memoryOf(ownerOf(agentScope(name), settings.memoryOwners ?? 1));

/** What an agent may recall: its own, its group's, that of the group it leads, and what all should know. */
export const scopesOf = ({ name, above, level }: AgentState): string[] => {
  const supervisor = above.at(-1);
  return [
    agentScope(name),
    ...(supervisor === undefined ? [] : [groupScope(supervisor)]),
    ...(level === 'ordinary' ? [] : [groupScope(name)]),
    RUN_SCOPE,
  ];
};

/** To the minute. */
export const whenOf = (when: number): string => `${new Date(when).toISOString().slice(0, 16)}Z`;
