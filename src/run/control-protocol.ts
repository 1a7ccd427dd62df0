/**
 * What goes over the control socket of a run: one request and one answer per connection, each one line of JSON. Types,
 * schemas and limits; no sockets.
 *
 * Invariants: P1 A line that is too long, is no JSON or has another version is refused with a code, never guessed at.
 */
import { z } from 'zod';
import { errorFromWire, MegactorError, type ErrorCode, type ErrorWire } from '../protocol/errors.ts';

/** Grows when an older side could misunderstand a newer one. */
export const CONTROL_VERSION = 1;
/** A text of the longest allowed length, escaped as badly as JSON can. */
export const REQUEST_BYTES_MAX = 512 * 1024;
export const ANSWER_BYTES_MAX = 64 * 1024;
/** How long the whole request may take to come. */
export const REQUEST_DEADLINE_MS = 5_000;
/** How long the run may take to do what was asked. */
export const ANSWER_DEADLINE_MS = 30_000;
export const CONNECTIONS_MAX = 16;

const versionSchema = z.looseObject({ version: z.int() });

const requestSchema = z.discriminatedUnion('command', [
  z.strictObject({
    version: z.literal(CONTROL_VERSION),
    command: z.literal('tell'),
    agent: z.string().max(256),
    text: z.string(),
  }),
  z.strictObject({ version: z.literal(CONTROL_VERSION), command: z.literal('pause') }),
  z.strictObject({ version: z.literal(CONTROL_VERSION), command: z.literal('stop') }),
]);

export type ControlRequest = z.infer<typeof requestSchema>;

/** How the run is going to end: what was asked for, or what came before it. */
const endingSchema = z.object({ status: z.string(), reason: z.string() });

export type ControlEnding = z.infer<typeof endingSchema>;

const answerSchema = z.discriminatedUnion('ok', [
  z.strictObject({
    version: z.literal(CONTROL_VERSION),
    ok: z.literal(true),
    runId: z.string(),
    /** null for `tell`. */
    ending: endingSchema.nullable(),
    /** The questions that a `tell` answers; absent when it answers none. */
    answers: z.array(z.int()).optional(),
    /** What it decides on a plan. */
    decided: z
      .object({ plan: z.int().positive(), verdict: z.enum(['approve', 'deny']), another: z.boolean() })
      .optional(),
  }),
  z.strictObject({
    version: z.literal(CONTROL_VERSION),
    ok: z.literal(false),
    error: z.object({
      code: z.string(),
      message: z.string(),
      hint: z.string().optional(),
      details: z.record(z.string(), z.unknown()).optional(),
    }),
  }),
]);

export type ControlAnswer = z.infer<typeof answerSchema>;
export type ControlSuccess = Extract<ControlAnswer, { ok: true }>;

const parseLine = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    throw new MegactorError('USAGE', 'what came over the control socket is not JSON');
  }
};

const checkVersion = (value: unknown): void => {
  const parsed = versionSchema.safeParse(value);
  if (!parsed.success) throw new MegactorError('USAGE', 'what came over the control socket is not of Megactor');
  if (parsed.data.version === CONTROL_VERSION) return;
  throw new MegactorError(
    'RUN_FORMAT',
    `the other side of the control socket speaks version ${parsed.data.version}, this one version ${CONTROL_VERSION}`,
    { hint: 'Steer a run with the version of Megactor that runs it.' },
  );
};

/** @throws USAGE, RUN_FORMAT */
export const parseRequest = (line: string): ControlRequest => {
  const value = parseLine(line);
  checkVersion(value);
  const parsed = requestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new MegactorError('USAGE', `the control socket does not know this request: ${z.prettifyError(parsed.error)}`);
};

/** @throws USAGE, RUN_FORMAT, and the error in the answer */
export const parseAnswer = (line: string): ControlSuccess => {
  const value = parseLine(line);
  checkVersion(value);
  const parsed = answerSchema.safeParse(value);
  if (!parsed.success) throw new MegactorError('INTERNAL', 'the run gave an answer that cannot be read');
  if (parsed.data.ok) return parsed.data;
  const { error } = parsed.data;
  throw errorFromWire({ ...error, code: error.code as ErrorCode } satisfies ErrorWire);
};

export const lineOf = (message: ControlRequest | ControlAnswer): string => `${JSON.stringify(message)}\n`;

/** Gathers the bytes of one line. `add` gives the line once it is whole. @throws USAGE when it is too long */
export class LineReader {
  readonly #bytesMax: number;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  add(chunk: Buffer): string | null {
    const end = chunk.indexOf(0x0a);
    const part = end === -1 ? chunk : chunk.subarray(0, end);
    this.#bytes += part.length;
    if (this.#bytes > this.#bytesMax) {
      this.#chunks = [];
      throw new MegactorError('USAGE', `a line on the control socket has more than ${this.#bytesMax} bytes`);
    }
    this.#chunks.push(part);
    return end === -1 ? null : Buffer.concat(this.#chunks).toString('utf8');
  }
}
