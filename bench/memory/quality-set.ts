/** Sets for the quality of recall as files: a line of JSON per scope. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

export const KINDS = ['paraphrase', 'identifier', 'negation', 'distractor'] as const;
export type QueryKind = (typeof KINDS)[number];

const id = z.string().min(1);

export const lineSchema = z
  .object({
    scope: z.string().min(1).max(200),
    memories: z.array(z.object({ id, text: z.string().min(1) })).min(1),
    queries: z
      .array(
        z.object({
          text: z.string().min(1),
          relevant: z.array(id).min(1),
          /** Of generated sets; queries without are of the kind `given`. */
          kind: z.string().min(1).max(40).optional(),
        }),
      )
      .min(1),
  })
  .superRefine(({ memories, queries }, context) => {
    const ids = new Set(memories.map((memory) => memory.id));
    if (ids.size < memories.length) context.addIssue('two memories have the same id');
    for (const query of queries) {
      for (const one of query.relevant) if (!ids.has(one)) context.addIssue(`there is no memory ${one}`);
    }
  });

export type QualityLine = z.infer<typeof lineSchema>;

/** @throws with the number of the line that is wrong */
export const readSet = (path: string): QualityLine[] => {
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .map((text, index) => ({ text: text.trim(), number: index + 1 }))
    .filter(({ text }) => text !== '');
  if (lines.length === 0) throw new Error(`${path} has no line`);
  return lines.map(({ text, number }) => {
    try {
      const parsed = lineSchema.safeParse(JSON.parse(text));
      if (parsed.success) return parsed.data;
      throw new Error(z.prettifyError(parsed.error).replaceAll(/\s*\n\s*/gu, ' '));
    } catch (error) {
      throw new Error(`${path}, line ${number}: ${(error as Error).message}`, { cause: error });
    }
  });
};
