/** The options of a workspace as somebody else's program gives them. Whether they fit the directory, `opening.ts` says. */
import { z } from 'zod';
import { checkInput } from '../protocol/input.ts';

const method = z.custom<unknown>((value) => typeof value === 'function', 'must be a function');

const optionsSchema = z.looseObject({
  directory: z.string().min(1),
  runId: z.string().min(1),
  store: z.looseObject(
    { get: method, range: method, result: method, commit: method },
    'must be a store, such as createMemoryStore()',
  ),
  branch: z.string().optional(),
  ignore: z.array(z.string()).optional(),
  sync: z.boolean().optional(),
  onCommit: method.optional(),
});

/** @throws USAGE */
export const checkOptions = (options: unknown): void => {
  const hint = 'Workspace.open takes directory, runId and store, and whatever else WorkspaceOptions names.';
  checkInput(optionsSchema, options, { what: 'options of the workspace', code: 'USAGE', hint });
};
