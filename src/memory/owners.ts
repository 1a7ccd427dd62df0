/**
 * Who owns the memories of a scope when several threads share them: one service each, by the hash of the scope's name. The
 * number of owners never changes in the life of a store. Pure.
 */
import { hashString } from '../protocol/ids.ts';

export const OWNERS_MAX = 16;

export const ownerOf = (scope: string, owners: number): number => (owners <= 1 ? 0 : hashString(scope) % owners);

/** The name of the service, and of its table. */
export const ownerName = (owner: number): string => (owner === 0 ? 'memory' : `memory-${owner}`);

export const agentScope = (agent: string): string => `agent/${agent}`;
/** @param leader the supervisor of its members */
export const groupScope = (leader: string): string => `group/${leader}`;
export const RUN_SCOPE = 'run';
