/**
 * Where the user is in the view, and what a key does to that. It holds names, not agents, and draws nothing.
 *
 * Invariants: N1 What is selected stays selected while agents come and states change; when it goes away, something near
 * is. N2 Asking to pause more than once asks once; nothing here ends the process.
 */
import type { ViewAgent } from './agents.ts';
import { AnswerLine } from './asking.ts';
import type { SocietyModel } from './model.ts';
import type { TreeRows } from './tree.ts';

/** A key as `node:readline` tells it. */
export interface Key {
  readonly name: string;
  readonly ctrl: boolean;
}

export type Action = 'none' | 'answer' | 'pause' | 'interrupt' | 'suspend' | 'redraw';

/** One agent that is open. */
interface Page {
  readonly agent: string;
  /** Name of the selected member. */
  selected: string | null;
  /** Steps scrolled back. */
  back: number;
}

const PAGE_ROWS = 10;
const PAGES_MAX = 32;

const MOVES: Readonly<Record<string, number>> = {
  up: -1,
  k: -1,
  down: 1,
  j: 1,
  pageup: -PAGE_ROWS,
  pagedown: PAGE_ROWS,
  home: Number.NEGATIVE_INFINITY,
  end: Number.POSITIVE_INFINITY,
};

export class Navigation {
  help = false;
  /** The line on which a question is answered, while it is open. */
  answer: AnswerLine | null = null;
  /** What the view has to say, a line each. */
  notices: readonly string[] = [];
  pausing = false;
  /** Whether keys arrive at all. */
  keys = true;
  readonly pages: Page[] = [];
  /** Rows that the tree had when it was last drawn. */
  treeHeight = 20;
  readonly #model: SocietyModel;
  readonly #tree: TreeRows;
  #selectedLead: string | null = null;

  constructor(model: SocietyModel, tree: TreeRows) {
    this.#model = model;
    this.#tree = tree;
  }

  /** The agent whose page is shown; null for the tree. */
  get open(): ViewAgent | null {
    const page = this.pages.at(-1);
    return page === undefined ? null : (this.#model.agents.get(page.agent) ?? null);
  }

  get back(): number {
    return this.pages.at(-1)?.back ?? 0;
  }

  /** Position of the selected row in the tree; the nearest lead above when its own is folded away. */
  selectedRow(height: number): number {
    const rows = this.#tree.at(height);
    let agent = this.#selectedLead === null ? null : (this.#model.agents.get(this.#selectedLead) ?? null);
    for (let depth = 0; agent !== null && depth < PAGES_MAX; depth += 1) {
      const wanted = agent;
      const index = rows.findIndex((row) => row.agent === wanted);
      if (index >= 0) return index;
      agent = agent.supervisor;
    }
    return 0;
  }

  /** Position of the selected member on the open page. */
  get selectedMember(): number {
    const page = this.pages.at(-1);
    const members = this.open?.members ?? [];
    const index = members.findIndex((member) => member.name === page?.selected);
    return Math.max(0, index);
  }

  press(key: Key): Action {
    if (key.ctrl) return this.#control(key);
    if (this.answer !== null) return this.#type(this.answer, key);
    if (key.name === 'p' || key.name === 'q') return this.#pause(key.name);
    if (this.help) {
      this.help = false;
      return 'redraw';
    }
    if (key.name === '?') {
      this.help = true;
      return 'redraw';
    }
    if (key.name === 'a' && this.#model.questions.size > 0) {
      this.answer = new AnswerLine(this.#model.questions);
      return 'redraw';
    }
    const move = MOVES[key.name] ?? (key.name === 'g' ? MOVES['home'] : key.name === 'G' ? MOVES['end'] : undefined);
    if (move !== undefined) return this.#move(move);
    if (key.name === 'return' || key.name === 'enter' || key.name === 'right' || key.name === 'l') return this.#enter();
    if (key.name === 'left' || key.name === 'escape' || key.name === 'h' || key.name === 'backspace') {
      return this.pages.pop() === undefined ? 'none' : 'redraw';
    }
    return 'none';
  }

  #type(answer: AnswerLine, key: Key): Action {
    const typed = answer.press(key);
    if (typed === 'close') this.answer = null;
    if (typed === 'other') this.notices = ['What you answered is not asked any more. Read this one; enter sends it.'];
    return typed === 'send' ? 'answer' : typed === 'none' ? 'none' : 'redraw';
  }

  #control(key: Key): Action {
    if (key.name === 'c') return 'interrupt';
    if (key.name === 'z') return 'suspend';
    return key.name === 'l' ? 'redraw' : 'none';
  }

  #pause(name: 'p' | 'q'): Action {
    const { kept } = this.#model.head;
    if (this.pausing) {
      const then = kept ? 'the run can be resumed then as well' : 'nothing is kept to go on from';
      this.notices = [`Already pausing. Ctrl-C ends at once; ${then}.`];
      return 'redraw';
    }
    this.pausing = true;
    const next = kept ? 'the run can be resumed' : 'the files stay, and nothing is kept to go on from';
    this.notices = name === 'q' ? [`Quitting means pausing: ${next}.`] : [];
    return 'pause';
  }

  #move(by: number): Action {
    const page = this.pages.at(-1);
    if (page === undefined) {
      const rows = this.#tree.at(this.treeHeight);
      const row = rows[clamp(this.selectedRow(this.treeHeight) + by, rows.length)];
      if (row === undefined) return 'none';
      this.#selectedLead = row.agent.name;
      return 'redraw';
    }
    const agent = this.open;
    if (agent === null) return 'none';
    if (agent.members.length === 0) {
      page.back = clamp(page.back - by, agent.steps.length);
      return 'redraw';
    }
    page.selected = agent.members[clamp(this.selectedMember + by, agent.members.length)]?.name ?? null;
    return 'redraw';
  }

  #enter(): Action {
    const agent = this.open;
    const next =
      agent === null
        ? this.#tree.at(this.treeHeight)[this.selectedRow(this.treeHeight)]?.agent
        : agent.members[this.selectedMember];
    if (next === undefined || this.pages.length >= PAGES_MAX) return 'none';
    if (agent === null) this.#selectedLead = next.name;
    else this.#remember(next.name);
    this.pages.push({ agent: next.name, selected: null, back: 0 });
    return 'redraw';
  }

  #remember(name: string): void {
    const page = this.pages.at(-1);
    if (page !== undefined) page.selected = name;
  }
}

const clamp = (index: number, length: number): number => Math.max(0, Math.min(length - 1, index));
