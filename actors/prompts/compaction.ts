/**
 * What a model is asked when the earlier part of a history is to be summed up. It is no mail: programs know it by how it
 * begins, and no further line looks like mail.
 */
import { indentFurther } from '../../src/society/index.ts';
import { definePrompt, fillPrompt, type PromptTexts } from './prompt.ts';

export const COMPACT = '(compact)';

export const COMPACTION = definePrompt({
  name: 'compaction',
  purpose: 'Asks an agent to sum up the part of its history that is about to be left out of its requests.',
  values: { words: 'how many words the summary may have' },
  required: ['words'],
  text: [
    'This is not mail. The messages above are about to be removed, and you will go on with what you write now in their place. Answer with a text and call no tool.',
    'Write in at most {words} words: what was asked of you and by whom; what is done, with the paths of files and what is in them; what is open, whom you wait for and who waits for you; names and facts that you will need; what has failed and need not be tried again. An earlier summary goes into the new one.',
  ].join('\n'),
});

/** The last message of the request for a summary. @param tokensMax of the summary */
export const compactionPrompt = (tokensMax: number, texts?: PromptTexts): string =>
  `${COMPACT} ${indentFurther(fillPrompt(COMPACTION, { words: String(Math.floor(tokensMax / 2)) }, texts))}`;
