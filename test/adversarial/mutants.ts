/**
 * Broken builds of the product, one place each: the text of a source file as it is, and what stands there instead. A process
 * that is started with `mutant.ts` loads the file with the change; nothing of the product knows of it. A text that is not
 * found exactly once is an error, so that no defect is planted beside what it was meant for.
 */
export interface Mutation {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export const MUTANTS: Readonly<Record<string, Mutation>> = {
  /** An agent is reminded for ever. */
  'uncapped-nudge': {
    file: 'src/society/quiet.ts',
    find: 'agent.nudges < draft.meta.limits.nudgesPerAgentMax',
    replace: 'agent.nudges < Number.POSITIVE_INFINITY',
  },
  /** Answers that cannot be used are not counted. */
  'uncounted-repair': { file: 'actors/turn.ts', find: 'inTurn.repairs += 1;', replace: '' },
  /** A turn between two steps is not counted as work. */
  'quiescence-miscount': {
    file: 'src/journal/shard-state.ts',
    find: 'return this.#unconsumed.size + this.#openTurns.size;',
    replace: 'return this.#unconsumed.size;',
  },
  /** One call more than the budget allows. */
  'budget-off-by-one': {
    file: 'src/model/budget/budgets.ts',
    find: '> (node.limit[kind] ?? Number.POSITIVE_INFINITY)',
    replace: '> (node.limit[kind] ?? Number.POSITIVE_INFINITY) + 1',
  },
  /** The Boss approves before it was asked for the final review. */
  'unasked-approval': {
    file: 'src/society/roster-hand-in.ts',
    find: "if (!draft.meta.reviews || draft.meta.finalReview === 'asked') {",
    replace: "if (!draft.meta.reviews || draft.meta.finalReview !== 'approved') {",
  },
  /** A file that was acknowledged does not reach the repository. */
  'lost-write': {
    file: 'src/workspace/writer.ts',
    find: 'this.#parts.committer.enqueue(versions);',
    replace: 'this.#parts.committer.enqueue(versions.filter(({ size }) => size % 7 !== 0));',
  },
  /** Who was retired goes on with its turn as if nothing had been. */
  'retired-acts': {
    file: 'src/run/services/leavers.ts',
    find: "typeof name === 'string' && this.#names.has(name)",
    replace: 'false',
  },
  /** What members of a group spend is not counted for it. */
  'free-members': {
    file: 'src/model/budget/budgets.ts',
    find: 'leadsGroup ? [...above, agent] : above',
    replace: 'leadsGroup ? [agent] : []',
  },
  /** Who waited for more of a budget, of which there is more, is not told. */
  'held-for-ever': {
    file: 'src/run/held-budgets.ts',
    find: 'held !== null && isRaised(limits, held)',
    replace: 'held !== null && !isRaised(limits, held)',
  },
  /** One restart more than within a minute is allowed. */
  'fourth-restart': {
    file: 'src/actor/policy.ts',
    find: 'if (!mayCountOneMore(intensity, history.times, nowMs))',
    replace: 'if (!mayCountOneMore({ ...intensity, max: intensity.max + 1 }, history.times, nowMs))',
  },
  /** Nobody above an agent that was given up hears of it. */
  'unheard-crash': {
    file: 'actors/agent.ts',
    find: "ctx.tell({ ...leader }, 'mail', systemMail('child-failed'",
    replace: "if (state.name === '') ctx.tell({ ...leader }, 'mail', systemMail('child-failed'",
  },
  /** Tokens of the input cost nothing. */
  'free-input': {
    file: 'src/model/budget/budgets.ts',
    find: 'tokens: usage.input + usage.output, usd }, 1);',
    replace: 'tokens: usage.output, usd: 0 }, 1);',
  },
  /** A member that has handed in counts as accepted. */
  'unreviewed-member': {
    file: 'src/society/roster-hand-in.ts',
    find: "    }\n    agent.status = 'review';\n  }",
    replace: "    }\n    agent.status = 'finished';\n    agent.verdict = 'accepted';\n  }",
  },
  /** What a program has left is lost. */
  'lost-output': {
    file: 'src/sandbox/agent-programs.ts',
    find: 'if (changed.length > 0) brought',
    replace: 'if (changed.length > 99) brought',
  },
  /** One step more than a turn may have. */
  'step-off-by-one': {
    file: 'actors/turn.ts',
    find: 'state.turn.steps < state.settings.limits.stepsPerTurnMax',
    replace: 'state.turn.steps <= state.settings.limits.stepsPerTurnMax',
  },
};

export const applyMutation = (source: string, { file, find, replace }: Mutation): string => {
  const parts = source.split(find);
  if (parts.length !== 2) throw new Error(`${file} has the text to be broken ${parts.length - 1} times: ${find}`);
  return parts.join(replace);
};
