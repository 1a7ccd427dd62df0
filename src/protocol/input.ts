/** What comes from outside is checked by a schema, and what is wrong with it is said in one line that names every field. */
import type { z } from 'zod';
import { MegactorError, type ErrorCode } from './errors.ts';

/** @param what names it in the message @throws `code` */
export const checkInput = <Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  { what, code, hint }: { readonly what: string; readonly code: ErrorCode; readonly hint?: string },
): z.output<Schema> => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => `${issue.path.map(String).join('.') || '(top)'}: ${issue.message}`);
  throw new MegactorError(code, `${what}: ${issues.join('; ')}`, { hint });
};
