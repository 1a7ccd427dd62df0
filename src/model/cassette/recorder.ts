/**
 * Records every answer of a model to a cassette file, and hands it on. What it does not do: judge answers; failures are not
 * recorded, since they are the server's and not the model's.
 *
 * 1. An answer is in the file before its caller gets it.
 * 2. A file that is there is continued; a request that it has already is recorded once more, in its order.
 */
import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeDirectory, type Clock } from '../../platform/index.ts';
import { toMegactorError } from '../../protocol/errors.ts';
import type { ChatModel } from '../types.ts';
import { callLine, CASSETTE_FORMAT, fingerprint, type CassetteLine, type Redaction } from './format.ts';
import { Tape } from './tape.ts';

export interface RecorderOptions {
  readonly file: string;
  readonly redaction: Redaction;
  readonly clock: Clock;
}

/** A last line that was cut off by a crash goes, or the next one would be glued to it. */
const mend = (file: string): void => {
  const content = readFileSync(file);
  const end = content.lastIndexOf('\n') + 1;
  if (end < content.length) truncateSync(file, end);
};

/** @throws CASSETTE_INVALID when the file is there and is no cassette, DISK */
export const recordTo = (model: ChatModel, { file, redaction, clock }: RecorderOptions): ChatModel => {
  const write = (lines: readonly CassetteLine[]): void => {
    try {
      appendFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    } catch (thrown) {
      throw toMegactorError(thrown, 'DISK');
    }
  };
  makeDirectory(dirname(file));
  if (existsSync(file)) mend(file);
  else write([{ kind: 'cassette', format: CASSETTE_FORMAT, recordedAt: new Date(clock.now()).toISOString() }]);
  const tape = Tape.read(file);
  return {
    name: model.name,
    synthetic: model.synthetic,
    complete: async (request, signal, hooks) => {
      const answer = await model.complete(request, signal, hooks);
      const asked = fingerprint(request, redaction);
      const lines: CassetteLine[] = [];
      for (const [hash, text] of asked.texts) {
        if (tape.has(hash)) continue;
        tape.addText(hash, text);
        lines.push({ kind: 'text', hash, text });
      }
      lines.push(callLine(request.sentAs ?? request.agent, asked, answer, redaction));
      write(lines);
      return answer;
    },
    close: () => model.close(),
  };
};
