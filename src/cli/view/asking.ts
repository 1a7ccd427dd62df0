/**
 * Questions to the person in the live view: those that are open, and the line on which one is answered. What it does not
 * do: draw (`asking-page.ts`) or send (`live.ts`).
 *
 * Invariants: Q1 At most `QUESTIONS_MAX` are kept; the line has at most `TEXT_MAX` characters. Q2 A question that is
 * answered elsewhere while the person types goes away, and what was typed stays for the next.
 */
import type { EventRecord } from '../../protocol/event.ts';
import { askedIn, type Asked } from '../questions.ts';
import { shown } from './text.ts';
import type { Key } from './navigation.ts';

const QUESTIONS_MAX = 1_000;
const TEXT_MAX = 4_000;

/** The open questions, oldest first. */
export class OpenQuestions {
  readonly #open = new Map<number, Asked>();

  get size(): number {
    return this.#open.size;
  }

  list(): readonly Asked[] {
    return [...this.#open.values()].toSorted((left, right) => left.id - right.id);
  }

  /** Takes in an event of type `human`. */
  apply(event: EventRecord): void {
    const asked = askedIn(event);
    if (asked === null) {
      if (typeof event['question'] === 'number') this.#open.delete(event['question']);
    } else if (this.#open.size < QUESTIONS_MAX) {
      const text = asked.text.split('\n').map(shown).join('\n');
      this.#open.set(asked.id, { ...asked, agent: shown(asked.agent), text });
    }
  }

  /** It has handed in or left: nobody waits any more. */
  leave(agent: string): void {
    for (const { id, agent: asker } of this.#open.values()) if (asker === agent) this.#open.delete(id);
  }
}

export type Typed = 'none' | 'redraw' | 'close' | 'send';

/** The line that the person types. */
export class AnswerLine {
  text = '';
  #chosen: number | null = null;
  readonly #open: OpenQuestions;

  constructor(open: OpenQuestions) {
    this.#open = open;
  }

  /** What is answered, and its place among all; null when nothing is open. */
  get question(): { readonly asked: Asked; readonly at: number; readonly of: number } | null {
    const list = this.#open.list();
    const at = Math.max(
      0,
      list.findIndex(({ id }) => id === this.#chosen),
    );
    const asked = list[at];
    return asked === undefined ? null : { asked, at, of: list.length };
  }

  press(key: Key): Typed {
    switch (key.name) {
      case 'escape':
        return 'close';
      case 'return':
      case 'enter':
        return this.text.trim() === '' || this.question === null ? 'none' : 'send';
      case 'backspace':
        this.text = Array.from(this.text).slice(0, -1).join('');
        return 'redraw';
      case 'tab':
      case 'down':
        return this.#choose(1);
      case 'up':
        return this.#choose(-1);
      case 'space':
        return this.#type(' ');
      default:
        return Array.from(key.name).length === 1 ? this.#type(key.name) : 'none';
    }
  }

  #type(text: string): Typed {
    if (this.text.length >= TEXT_MAX) return 'none';
    this.text += text;
    return 'redraw';
  }

  #choose(by: number): Typed {
    const { question } = this;
    const list = this.#open.list();
    if (question === null) return 'none';
    this.#chosen = list[(question.at + by + list.length) % list.length]?.id ?? null;
    return 'redraw';
  }
}
