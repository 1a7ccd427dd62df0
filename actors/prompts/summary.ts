/**
 * How a summary of the earlier part of a history stands in later requests. It is no mail: programs know it by how it begins,
 * and no further line looks like mail.
 */
import { indentFurther } from '../../src/society/index.ts';
import { definePrompt, fillPrompt, type PromptTexts } from './prompt.ts';

export const SUMMARY = '(summary)';

export const SUMMED_UP = definePrompt({
  name: 'summary',
  purpose: 'How that summary stands in the requests that follow.',
  values: { summary: 'what the agent wrote' },
  required: ['summary'],
  text: 'What came before, as you summed it up:\n{summary}',
});

/** The message that stands for everything before the window. */
export const summaryMessage = (summary: string, texts?: PromptTexts): string =>
  `${SUMMARY} ${indentFurther(fillPrompt(SUMMED_UP, { summary }, texts))}`;
