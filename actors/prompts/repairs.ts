/** What an agent is told after an answer that cannot be used: one readable cause, one thing to do. */
import type { AnswerClass } from '../../src/model/types.ts';
import { definePrompt, fillPrompt, type Prompt, type PromptTexts } from './prompt.ts';

const repair = (name: string, when: string, text: string): Prompt<never> =>
  definePrompt({ name: `repair-${name}`, purpose: `The mail to an agent ${when}.`, values: {}, text });

const EMPTY = repair(
  'empty',
  'whose answer was empty',
  'Your last answer was empty. Call a tool to go on, or end your turn with a short text.',
);
const REFUSAL = repair(
  'refusal',
  'that has refused',
  'You refused. Only your own task is asked of you: do the part of it that you can do, and say with talk what you cannot do and why.',
);
const TRUNCATED = repair(
  'truncated',
  'whose answer was cut off',
  'Your last answer was cut off because it was too long, and nothing of it was used. Make it shorter: write long files in parts with append_file, and use fewer tool calls at once.',
);
const FILTERED = repair(
  'filtered',
  'whose answer a content filter has withheld',
  'Your last answer was withheld by the content filter of the model, and nothing of it was used. Go on in other words.',
);
const OTHER = repair(
  'other',
  'whose answer could not be used for another reason',
  'Your last answer could not be used. Call a tool with valid JSON arguments, or end your turn with a short text.',
);

export const REPAIRS: readonly Prompt<never>[] = [EMPTY, REFUSAL, TRUNCATED, FILTERED, OTHER];

const BY_CLASS: Partial<Record<AnswerClass, Prompt<never>>> = {
  empty: EMPTY,
  refusal: REFUSAL,
  truncated: TRUNCATED,
  filtered: FILTERED,
};

export const repairText = (answer: AnswerClass, texts?: PromptTexts): string =>
  fillPrompt(BY_CLASS[answer] ?? OTHER, {}, texts);
