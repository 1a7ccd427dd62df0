/**
 * Questions to the person in the live view: those that are open, and the line on which one is answered. What it does not
 * do: draw (`asking-page.ts`) or send (`live.ts`).
 *
 * Invariants: Q1 At most `QUESTIONS_MAX` are kept, each whole; the line has at most `TEXT_MAX` characters. Q2 A question
 * that is answered elsewhere while the person types goes away, and what was typed stays for the next; but it is not sent
 * to that one before the person, who has it in sight then, asks for it once more.
 */
import type { EventRecord } from '../../protocol/event.ts';
import { questionLabel } from '../../society/questions.ts';
import { askedIn, type Asked } from '../questions.ts';
import { shown, shownLines, wrap } from './text.ts';
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
      const text = shownLines(asked.text).join('\n');
      this.#open.set(asked.id, { ...asked, agent: shown(asked.agent), text });
    }
  }

  /** It has handed in or left: nobody waits any more. */
  leave(agent: string): void {
    for (const { id, agent: asker } of this.#open.values()) if (asker === agent) this.#open.delete(id);
  }
}

/** `other`: what was typed was meant for a question that is not there any more. */
export type Typed = 'none' | 'redraw' | 'close' | 'send' | 'other';

/** How many lines the text of the question has, and how many of them are in sight at once. */
export interface Extent {
  readonly lines: number;
  readonly rows: number;
}

/** The line that the person types. */
export class AnswerLine {
  text = '';
  /** As it was drawn last. */
  extent: Extent = { lines: 0, rows: 1 };
  #chosen: number | null = null;
  /** The question that the typed text is for, by its label. */
  #meant: string | null = null;
  /** How far the text of a question was scrolled. */
  #scrolled: { readonly label: string; readonly from: number } | null = null;
  /** What was laid out last: a picture is drawn far more often than its text changes. */
  #laid: { readonly text: string; readonly columns: number; readonly lines: readonly string[] } | null = null;
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

  /** The first line of the text that is in sight. */
  get from(): number {
    return this.#scrolled !== null && this.#scrolled.label === this.#label ? this.#scrolled.from : 0;
  }

  /** All of the question's text in lines of so many columns. */
  lines(columns: number): readonly string[] {
    const text = this.question?.asked.text ?? '';
    if (this.#laid?.text !== text || this.#laid.columns !== columns) {
      this.#laid = { text, columns, lines: text.split('\n').flatMap((line) => wrap(line, columns)) };
    }
    return this.#laid.lines;
  }

  get #label(): string | null {
    const { question } = this;
    return question === null ? null : questionLabel(question.asked);
  }

  press(key: Key): Typed {
    switch (key.name) {
      case 'escape':
        return 'close';
      case 'return':
      case 'enter':
        return this.#send();
      case 'backspace':
        this.text = Array.from(this.text).slice(0, -1).join('');
        return 'redraw';
      case 'tab':
        return this.#chooseNext();
      case 'up':
        return this.#scroll(-1);
      case 'down':
        return this.#scroll(1);
      case 'pageup':
        return this.#scroll(-this.extent.rows);
      case 'pagedown':
        return this.#scroll(this.extent.rows);
      case 'home':
        return this.#scroll(Number.NEGATIVE_INFINITY);
      case 'end':
        return this.#scroll(Number.POSITIVE_INFINITY);
      case 'space':
        return this.#type(' ');
      default:
        return Array.from(key.name).length === 1 ? this.#type(key.name) : 'none';
    }
  }

  #send(): Typed {
    if (this.text.trim() === '' || this.question === null) return 'none';
    if (this.#meant === this.#label) return 'send';
    this.#meant = this.#label;
    return 'other';
  }

  #type(text: string): Typed {
    if (this.text.length >= TEXT_MAX) return 'none';
    if (this.text === '') this.#meant = this.#label;
    this.text += text;
    return 'redraw';
  }

  #scroll(by: number): Typed {
    const label = this.#label;
    if (label === null) return 'none';
    const { lines, rows } = this.extent;
    this.#scrolled = { label, from: Math.max(0, Math.min(lines - rows, this.from + by)) };
    return 'redraw';
  }

  #chooseNext(): Typed {
    const { question } = this;
    const list = this.#open.list();
    if (question === null) return 'none';
    this.#chosen = list[(question.at + 1) % list.length]?.id ?? null;
    this.#meant = this.#label;
    return 'redraw';
  }
}
