/** What an agent is told after an answer that cannot be used: one readable cause, one thing to do. */
import type { AnswerClass } from '../../src/model/types.ts';

export const repairText = (answer: AnswerClass): string => {
  switch (answer) {
    case 'empty':
      return 'Your last answer was empty. Call a tool to go on, or end your turn with a short text.';
    case 'refusal':
      return 'You refused. Only your own task is asked of you: do the part of it that you can do, and say with talk what you cannot do and why.';
    case 'truncated':
      return 'Your last answer was cut off because it was too long, and nothing of it was used. Make it shorter: write long files in parts with append_file, and use fewer tool calls at once.';
    case 'filtered':
      return 'Your last answer was withheld by the content filter of the model, and nothing of it was used. Go on in other words.';
    default:
      return 'Your last answer could not be used. Call a tool with valid JSON arguments, or end your turn with a short text.';
  }
};
