/**
 * What a cassette file holds, in memory: answers by the key of their request, and enough of the requests to say which of
 * them is nearest to one that is not there.
 *
 * 1. A file that was cut off in the middle of its last line is read up to there; any other line that is none is refused.
 */
import { existsSync, readFileSync } from 'node:fs';
import { MegactorError } from '../../protocol/errors.ts';
import { lineSchema, type CallLine, type Fingerprint } from './format.ts';

const EXCERPT_LENGTH = 160;

/** Where two requests part. */
export interface Nearest {
  readonly agent: string;
  /** Messages that both begin with. */
  readonly common: number;
  readonly recorded: string;
  readonly asked: string;
}

/** The part of `text` around its first difference from `other`. */
const around = (text: string, other: string): string => {
  let at = 0;
  while (at < text.length && text[at] === other[at]) at += 1;
  const from = Math.max(0, at - EXCERPT_LENGTH / 4);
  const cut = text.slice(from, from + EXCERPT_LENGTH);
  return `${from > 0 ? '…' : ''}${cut}${from + EXCERPT_LENGTH < text.length ? '…' : ''}`;
};

const commonOf = (a: readonly string[], b: readonly string[]): number => {
  let count = 0;
  while (count < a.length && count < b.length && a[count] === b[count]) count += 1;
  return count;
};

export class Tape {
  readonly #calls = new Map<string, CallLine[]>();
  readonly #texts = new Map<string, string>();

  /** @throws CASSETTE_INVALID when the file is not there or is no cassette */
  static read(file: string): Tape {
    if (!existsSync(file)) throw new MegactorError('CASSETTE_INVALID', `there is no cassette ${file}`);
    const tape = new Tape();
    const lines = readFileSync(file, 'utf8').split('\n');
    // What is behind the last line break is nothing, or a line that was cut off.
    lines.pop();
    if (lines.length === 0) throw new MegactorError('CASSETTE_INVALID', `${file} is no cassette`);
    lines.forEach((line, index) => tape.#add(line, `${file}:${index + 1}`, index === 0));
    return tape;
  }

  get size(): number {
    return this.#calls.size;
  }

  has(hash: string): boolean {
    return this.#texts.has(hash);
  }

  /** Every answer that was recorded for the request, in the order in which they came. */
  answers(key: string): readonly CallLine[] {
    return this.#calls.get(key) ?? [];
  }

  add(call: CallLine): void {
    const calls = this.#calls.get(call.key);
    if (calls === undefined) this.#calls.set(call.key, [call]);
    else calls.push(call);
  }

  addText(hash: string, text: string): void {
    this.#texts.set(hash, text);
  }

  /** The recorded request that begins like this one for the longest, of the same agent if it has any. */
  nearest(agent: string, asked: Fingerprint): Nearest | null {
    let best: { call: CallLine; common: number; own: boolean } | null = null;
    for (const [call] of this.#calls.values()) {
      if (call === undefined) continue;
      const common = commonOf(call.messages, asked.messages);
      const own = call.agent === agent;
      if (best === null || (own && !best.own) || (own === best.own && common > best.common))
        best = { call, common, own };
    }
    if (best === null) return null;
    const { call, common } = best;
    const recorded = this.#texts.get(call.messages[common] ?? '') ?? this.#otherwise(call, common);
    const wanted =
      asked.texts.get(asked.messages[common] ?? '') ?? (call.tools === asked.tools ? '(ends here)' : '(its tools)');
    return { agent: call.agent, common, recorded: around(recorded, wanted), asked: around(wanted, recorded) };
  }

  #otherwise(call: CallLine, common: number): string {
    return common >= call.messages.length ? '(ends here)' : '(not kept)';
  }

  #add(line: string, where: string, first: boolean): void {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      value = undefined;
    }
    const parsed = lineSchema.safeParse(value);
    if (!parsed.success || (parsed.data.kind === 'cassette') !== first) {
      throw new MegactorError('CASSETTE_INVALID', `${where} is no line of a cassette`);
    }
    if (parsed.data.kind === 'text') this.addText(parsed.data.hash, parsed.data.text);
    else if (parsed.data.kind === 'call') this.add(parsed.data);
  }
}
