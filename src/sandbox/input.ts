/** What somebody else's program gives a sandbox: its options, and what is to be run. */
import { z } from 'zod';
import { checkInput } from '../protocol/input.ts';
import { programLimitsSchema } from './limits.ts';

const optionsSchema = z.looseObject({
  mode: z.enum(['bwrap', 'none']).optional(),
  network: z.boolean().optional(),
  limits: programLimitsSchema.prefault({}),
  runningMax: z.int().positive().optional(),
  waitingMax: z.int().nonnegative().optional(),
});

/** @throws CONFIG_INVALID */
export const checkOptions = (options: unknown): z.output<typeof optionsSchema> =>
  checkInput(optionsSchema, options, { what: 'options of the sandbox', code: 'CONFIG_INVALID' });

const givenSchema = z.looseObject({ path: z.string(), content: z.union([z.string(), z.instanceof(Uint8Array)]) });
const ownSchema = z.looseObject({ export: z.custom<unknown>((value) => typeof value === 'function') });

const requestSchema = z.looseObject({
  path: z.string(),
  args: z.array(z.string()).optional(),
  stdin: z.string().optional(),
  files: z.union([z.array(givenSchema), ownSchema], 'must be files with path and content, or have `export`'),
});

/** @throws PROGRAM_INVALID */
export const checkRequest = (request: unknown): void => {
  const hint = 'A program needs its path and the files that it sees, itself among them.';
  checkInput(requestSchema, request, { what: 'a program', code: 'PROGRAM_INVALID', hint });
};
