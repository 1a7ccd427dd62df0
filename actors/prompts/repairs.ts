/** Which text an agent is told after an answer that cannot be used. */
import type { AnswerClass } from '../../src/model/types.ts';
import { fillPrompt, type Prompt, type PromptTexts } from './prompt.ts';
import { REPAIR_EMPTY } from './repair-empty.ts';
import { REPAIR_FILTERED } from './repair-filtered.ts';
import { REPAIR_OTHER } from './repair-other.ts';
import { REPAIR_REFUSAL } from './repair-refusal.ts';
import { REPAIR_TRUNCATED } from './repair-truncated.ts';

const BY_CLASS: Partial<Record<AnswerClass, Prompt<never>>> = {
  empty: REPAIR_EMPTY,
  refusal: REPAIR_REFUSAL,
  truncated: REPAIR_TRUNCATED,
  filtered: REPAIR_FILTERED,
};

export const repairText = (answer: AnswerClass, texts?: PromptTexts): string =>
  fillPrompt(BY_CLASS[answer] ?? REPAIR_OTHER, {}, texts);
