/**
 * The agents of a run as a tree in which every agent knows the states of all below it. It knows no events.
 *
 * Invariants: T1 A change of state costs the depth of the tree, not its size. T2 Whatever the order of changes, each
 * agent is counted once at its level and once in every group above it. T3 There is no circle.
 */

/** In the order of a bar: from what is done to what has not begun, and what went wrong. */
export const STATES = ['finished', 'review', 'working', 'waiting', 'new', 'failed', 'retired'] as const;
export type AgentPhase = (typeof STATES)[number];
export const LEVELS = ['boss', 'admin', 'ordinary'] as const;
export type Level = (typeof LEVELS)[number];
/** One number for each of `STATES`. */
export type Tally = number[];

export const AGENTS_MAX = 50_000;
/** How far up a tree is followed; also what ends a circle that wrong events would make. */
const DEPTH_MAX = 64;

export type StepKind = 'model' | 'tool' | 'sent' | 'got' | 'review' | 'other';

export interface Step {
  /** `HH:MM:SS` */
  readonly time: string;
  readonly kind: StepKind;
  readonly text: string;
  /** Something that failed or was refused. */
  readonly bad: boolean;
}

export interface ViewAgent {
  readonly name: string;
  level: Level;
  supervisor: ViewAgent | null;
  readonly members: ViewAgent[];
  state: AgentPhase;
  /** The states of everybody below, this agent not counted. */
  readonly below: Tally;
  readonly steps: Step[];
  turns: number;
  calls: number;
  inputTokens: number;
  outputTokens: number;
  sent: number;
  tools: number;
  /** Where it stands between turns. */
  standing: Exclude<AgentPhase, 'working'>;
}

const emptyTally = (): Tally => STATES.map(() => 0);
const INDEX = Object.fromEntries(STATES.map((state, index) => [state, index])) as Record<AgentPhase, number>;

export class AgentTree {
  readonly agents = new Map<string, ViewAgent>();
  /** Those whom nobody of the run supervises; the Boss is the first. */
  readonly roots: ViewAgent[] = [];
  readonly byLevel: Record<Level, Tally> = { boss: emptyTally(), admin: emptyTally(), ordinary: emptyTally() };
  /** Counts changes to who is where. */
  treeVersion = 0;

  count(state: AgentPhase): number {
    return LEVELS.reduce((sum, level) => sum + (this.byLevel[level][INDEX[state]] as number), 0);
  }

  /** Agents that will not act any more. */
  get closed(): number {
    return this.count('finished') + this.count('failed') + this.count('retired');
  }

  /** Null when there are too many. */
  agent(name: string): ViewAgent | null {
    const known = this.agents.get(name);
    if (known !== undefined) return known;
    if (this.agents.size >= AGENTS_MAX) return null;
    const agent: ViewAgent = {
      name,
      level: 'ordinary',
      supervisor: null,
      members: [],
      state: 'new',
      below: emptyTally(),
      steps: [],
      turns: 0,
      calls: 0,
      inputTokens: 0,
      outputTokens: 0,
      sent: 0,
      tools: 0,
      standing: 'new',
    };
    this.agents.set(name, agent);
    this.roots.push(agent);
    this.byLevel.ordinary[INDEX.new] = (this.byLevel.ordinary[INDEX.new] as number) + 1;
    this.treeVersion += 1;
    return agent;
  }

  relevel(agent: ViewAgent, level: Level): void {
    if (agent.level === level) return;
    add(this.byLevel[agent.level], agent.state, -1);
    agent.level = level;
    add(this.byLevel[level], agent.state, 1);
    this.treeVersion += 1;
  }

  /** Moves an agent, with everybody below it, under its supervisor. */
  place(agent: ViewAgent, supervisor: ViewAgent): void {
    if (agent.supervisor === supervisor || isUnder(supervisor, agent)) return;
    const from = agent.supervisor === null ? this.roots : agent.supervisor.members;
    // The last first: an agent is usually placed just after it was first heard of.
    const index = from.lastIndexOf(agent);
    if (index >= 0) from.splice(index, 1);
    addGroup(agent, agent.supervisor, -1);
    agent.supervisor = supervisor;
    supervisor.members.push(agent);
    addGroup(agent, supervisor, 1);
    if (supervisor.level === 'ordinary') this.relevel(supervisor, 'admin');
    this.treeVersion += 1;
  }

  stand(agent: ViewAgent, standing: ViewAgent['standing']): void {
    agent.standing = standing;
    // A turn that is under way is shown as work, unless it can never go on.
    if (agent.state !== 'working' || standing === 'failed' || standing === 'retired') this.#show(agent, standing);
    else if (standing !== 'waiting') this.#show(agent, standing);
  }

  /** A turn begins. */
  begin(agent: ViewAgent): void {
    if (agent.standing === 'new') agent.standing = 'waiting';
    this.#show(agent, 'working');
  }

  /** The end of a turn. */
  settle(agent: ViewAgent): void {
    if (agent.state === 'working') this.#show(agent, agent.standing);
  }

  #show(agent: ViewAgent, state: AgentPhase): void {
    if (agent.state === state) return;
    const before = agent.state;
    agent.state = state;
    add(this.byLevel[agent.level], before, -1);
    add(this.byLevel[agent.level], state, 1);
    let above = agent.supervisor;
    for (let depth = 0; above !== null && depth < DEPTH_MAX; depth += 1) {
      add(above.below, before, -1);
      add(above.below, state, 1);
      above = above.supervisor;
    }
  }
}

const add = (tally: Tally, state: AgentPhase, amount: number): void => {
  tally[INDEX[state]] = (tally[INDEX[state]] as number) + amount;
};

/** Counts an agent and everybody below it in all groups above. */
const addGroup = (agent: ViewAgent, supervisor: ViewAgent | null, sign: 1 | -1): void => {
  let above = supervisor;
  for (let depth = 0; above !== null && depth < DEPTH_MAX; depth += 1) {
    const { below } = above;
    for (let index = 0; index < STATES.length; index += 1) {
      below[index] = (below[index] as number) + sign * (agent.below[index] as number);
    }
    add(below, agent.state, sign);
    above = above.supervisor;
  }
};

const isUnder = (agent: ViewAgent, possible: ViewAgent): boolean => {
  let above: ViewAgent | null = agent;
  for (let depth = 0; above !== null && depth < DEPTH_MAX; depth += 1) {
    if (above === possible) return true;
    above = above.supervisor;
  }
  return above !== null;
};
