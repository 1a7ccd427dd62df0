/** What an agent of a society in one process was told. */
import type { Society } from './society.ts';

/** All mail in the history of `name`, oldest first, a line each. */
export const mailsOf = (society: Society, name: string): string =>
  society
    .agent(name)
    .history.flatMap((entry) => (entry.role === 'user' ? [entry.content] : []))
    .join('\n');
