/** Looks one agent up in the roster on behalf of a person: who it is, or which names are near. Reads only. */
import { nearNames } from './near-names.ts';
import type { HumanQuestion } from './questions.ts';
import type { RosterEnd, RosterState, RosterStatus } from './roster-state.ts';

export interface FoundAgent {
  readonly status: RosterStatus;
  readonly shard: number;
  readonly id: number;
  /** What it has asked the person. */
  readonly questions: readonly HumanQuestion[];
}

/** A question that waits for the person, and whose it is. */
export type OpenQuestion = Pick<HumanQuestion, 'id' | 'kind'> & { readonly agent: string };

export interface AgentLookup {
  /** False while the society is being planned. */
  readonly founded: boolean;
  /** Set when the society has ended and the run is about to. */
  readonly end: RosterEnd | null;
  readonly agent: FoundAgent | null;
  /** Names that may have been meant; empty when there is such an agent. */
  readonly near: readonly string[];
  /** What waits for the person, of all agents; the oldest first. */
  readonly open: readonly OpenQuestion[];
}

const openOf = ({ meta, agents }: RosterState): readonly OpenQuestion[] => {
  // Most of the time nothing is, in however large a society.
  if ((meta?.human?.open ?? 0) === 0) return [];
  const open: OpenQuestion[] = [];
  for (const { name, questions = [] } of agents.values()) {
    for (const { id, kind, answered } of questions) if (answered !== true) open.push({ agent: name, id, kind });
  }
  return open.toSorted((left, right) => left.id - right.id);
};

export const findAgent = (state: RosterState, name: string): AgentLookup => {
  const { meta, agents } = state;
  const found = agents.get(name);
  return {
    founded: meta !== null && agents.size > 0,
    end: meta?.end ?? null,
    agent:
      found === undefined
        ? null
        : { status: found.status, shard: found.shard, id: found.id, questions: found.questions ?? [] },
    near: found === undefined ? nearNames(name, agents.keys()) : [],
    open: openOf(state),
  };
};
