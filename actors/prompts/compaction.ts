/**
 * Compaction in words: what a model is asked when the earlier part of a history is to be summed up, and how the summary
 * stands in later requests. Neither is mail: programs know both by how they begin.
 */
import { indentFurther } from '../../src/society/index.ts';

export const COMPACT = '(compact)';
export const SUMMARY = '(summary)';

/** The last message of the request for a summary. @param tokensMax of the summary */
export const compactionPrompt = (tokensMax: number): string =>
  [
    `${COMPACT} This is not mail. The messages above are about to be removed, and you will go on with what you write now in their place. Answer with a text and call no tool.`,
    `Write in at most ${Math.floor(tokensMax / 2)} words: what was asked of you and by whom; what is done, with the paths of files and what is in them; what is open, whom you wait for and who waits for you; names and facts that you will need; what has failed and need not be tried again. An earlier summary goes into the new one.`,
  ].join('\n');

/** The message that stands for everything before the window; its further lines are indented, so that none looks like mail. */
export const summaryMessage = (text: string): string =>
  `${SUMMARY} What came before, as you summed it up:\n  ${indentFurther(text)}`;
