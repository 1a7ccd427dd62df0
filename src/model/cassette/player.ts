/**
 * `cassette:FILE`: answers requests with what was recorded for them. What it does not do: wait, as the model did.
 *
 * 1. Strict: a request that was not recorded is CASSETTE_MISS, with the recorded one that is nearest. Loose: another model
 *    answers it.
 * 2. A request that was recorded more than once gets its answers in their order, then the last one again.
 */
import { MegactorError } from '../../protocol/errors.ts';
import type { ChatAnswer, ChatModel, ChatRequest } from '../types.ts';
import { spokenText } from '../completion-stream.ts';
import { fingerprint, type Fingerprint, type Redaction } from './format.ts';
import { Tape } from './tape.ts';

export interface CassetteOptions {
  readonly file: string;
  readonly redaction: Redaction;
  /** Who answers what was not recorded; absent: nobody (strict). */
  readonly otherwise?: ChatModel | undefined;
}

const miss = (tape: Tape, { agent }: ChatRequest, asked: Fingerprint, file: string): MegactorError => {
  const nearest = tape.nearest(agent, asked);
  const said =
    nearest === null
      ? 'it is empty'
      : `the nearest is of ${nearest.agent}, equal for ${nearest.common} of ${asked.messages.length} messages; then it has ${nearest.recorded} and the request ${nearest.asked}`;
  return new MegactorError('CASSETTE_MISS', `${file} has no answer to this request of ${agent}: ${said}`, {
    details: nearest === null ? {} : { ...nearest },
  });
};

/** @throws CASSETTE_INVALID */
export const createCassette = ({ file, redaction, otherwise }: CassetteOptions): ChatModel => {
  const tape = Tape.read(file);
  /** How often each request was answered. */
  const played = new Map<string, number>();
  return {
    name: `cassette:${file}`,
    synthetic: false,
    complete: async (request, signal, hooks): Promise<ChatAnswer> => {
      if (signal.aborted) throw new MegactorError('ABORTED', 'the call was cancelled');
      const asked = fingerprint(request, redaction);
      const answers = tape.answers(asked.key);
      const turn = played.get(asked.key) ?? 0;
      const found = answers[Math.min(turn, answers.length - 1)];
      if (found === undefined) {
        if (otherwise === undefined) throw miss(tape, request, asked, file);
        return otherwise.complete(request, signal, hooks);
      }
      played.set(asked.key, turn + 1);
      hooks?.onSent?.();
      hooks?.onDelta?.(spokenText(found.answer));
      const { usage, ...answer } = found.answer;
      const { reasoning, unsaid, ...tokens } = usage;
      const more = { ...(reasoning === undefined ? {} : { reasoning }), ...(unsaid === undefined ? {} : { unsaid }) };
      return { ...answer, usage: { ...tokens, ...more }, attempts: 1 };
    },
    close: async () => otherwise?.close(),
  };
};
