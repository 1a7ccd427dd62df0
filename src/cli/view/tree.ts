/**
 * Which agents are listed, in which order: the Boss and the Admins by level, folded so that they fit a height; and the
 * part of a list around what is selected. Pure.
 *
 * Invariant R1: what is folded away is counted on the row that stands for it, and never more than asked for is shown.
 */
import type { ViewAgent } from './agents.ts';
import type { SocietyModel } from './model.ts';

const DEPTH_MAX = 32;

export interface TreeRow {
  readonly agent: ViewAgent;
  readonly depth: number;
  /** Leads below that have no row of their own. */
  readonly folded: number;
}

interface Lead {
  readonly agent: ViewAgent;
  readonly depth: number;
}

const leads = (agent: ViewAgent): boolean => agent.level !== 'ordinary' || agent.members.length > 0;

const gather = (agents: readonly ViewAgent[], depth: number, found: Lead[]): void => {
  for (const agent of agents) {
    if (!leads(agent)) continue;
    found.push({ agent, depth });
    if (depth < DEPTH_MAX) gather(agent.members, depth + 1, found);
  }
};

/** The deepest level that still fits; level 1, the groups of the Boss, is always shown. */
const depthThatFits = (all: readonly Lead[], rows: number): number => {
  const perDepth: number[] = [];
  for (const { depth } of all) perDepth[depth] = (perDepth[depth] ?? 0) + 1;
  let total = (perDepth[0] ?? 0) + (perDepth[1] ?? 0);
  let depth = 1;
  while (depth + 1 < perDepth.length && total + (perDepth[depth + 1] ?? 0) <= rows) {
    depth += 1;
    total += perDepth[depth] ?? 0;
  }
  return depth;
};

/** Rows of the tree. @param height rows that there is room for; only the first levels may be more */
export const treeRows = (model: SocietyModel, height: number): TreeRow[] => {
  const all: Lead[] = [];
  gather(model.roots, 0, all);
  const deepest = depthThatFits(all, height);
  const rows: { agent: ViewAgent; depth: number; folded: number }[] = [];
  for (const { agent, depth } of all) {
    const last = rows.at(-1);
    // In this order everything deeper belongs to the last row that was shown.
    if (depth <= deepest) rows.push({ agent, depth, folded: 0 });
    else if (last !== undefined) last.folded += 1;
  }
  return rows;
};

/** Remembers the rows until the tree or the height changes. */
export class TreeRows {
  readonly #model: SocietyModel;
  #version = -1;
  #height = -1;
  #rows: readonly TreeRow[] = [];

  constructor(model: SocietyModel) {
    this.#model = model;
  }

  at(height: number): readonly TreeRow[] {
    if (this.#version !== this.#model.treeVersion || this.#height !== height) {
      this.#version = this.#model.treeVersion;
      this.#height = height;
      this.#rows = treeRows(this.#model, height);
    }
    return this.#rows;
  }
}

export interface Window {
  readonly from: number;
  readonly to: number;
  /** Entries before and after, which a line each tells about; 0 when there is none. */
  readonly above: number;
  readonly below: number;
}

/** The part of a list that fits, with what is selected about in its middle. */
export const windowOf = (length: number, selected: number, height: number): Window => {
  if (height <= 0) return { from: 0, to: 0, above: 0, below: 0 };
  if (length <= height) return { from: 0, to: length, above: 0, below: 0 };
  // Too low for lines about what is missing.
  if (height < 3) {
    const from = Math.min(Math.max(0, selected), length - height);
    return { from, to: from + height, above: 0, below: 0 };
  }
  const inner = height - 2;
  let from = Math.min(Math.max(0, selected - Math.floor(inner / 2)), length - inner);
  let to = from + inner;
  // A line that says "one more" could as well be that one.
  if (from <= 1) {
    from = 0;
    to = height - 1;
  } else if (to >= length - 1) {
    to = length;
    from = length - height + 1;
  }
  return { from, to, above: from, below: length - to };
};
