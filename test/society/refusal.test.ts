/** Refusals in plain text, and reports that begin like one. */
import { expect, test } from 'vitest';
import { isRefusal } from '../../src/society/index.ts';

test.each([
  "I'm sorry, but I can't help with that.",
  'I’m sorry, but I can’t assist with that request.',
  "I'm sorry, I can't help you with this.",
  'Sorry, but I cannot comply with this request.',
  'I cannot fulfill this request.',
  "I'm unable to assist with that",
  'I am not able to help with this kind of request.',
  "I won't be able to help with that.",
  'As an AI language model, I cannot assist with that.',
  'Unfortunately, I cannot continue with this task.',
  'I must decline this request.',
  'I have to respectfully decline.',
  "I'm sorry, but I can't help with that. Is there anything else I can help you with?",
  "I can't help with that. If you have another question,\nfeel free to ask!",
  'I apologize, but I cannot assist with this request as it goes against my guidelines.',
  "I can't discuss that topic.",
  'I cannot do this. Please let me know if there is something else.',
  "I can't help with that. If there's anything else you need, let me know.",
])('refuses: %s', (text) => {
  expect(isRefusal(text)).toBe(true);
});

test.each([
  "I'm sorry, but I can't find file X.",
  "I'm sorry, but I can't find a.md.",
  "I'm sorry, but I can't help with that file: it is not there.",
  "I can't complete this task: the file data.csv is missing.",
  "I can't complete this task. The file data.csv is missing.",
  "I can't do that because B has not answered yet.",
  'I cannot continue with this task as it depends on the prices of B.',
  "I can't help with that, ask the Boss.",
  'I cannot complete this task. Please send the missing file a.md.',
  "I won't complete this task. Please let W do chapter 3 instead; W has the sources.",
  'I cannot answer that question. Please ask B, who wrote the table.',
  'I cannot continue with this task. If you give me the prices, I can.',
  "I can't do this. Let me know when a.md is there.",
  "Sorry, I was late. I can't help with that before tomorrow.",
  "I'm sorry for the delay; the chapter is in a.md.",
  'The server says: "I cannot help with that."',
  'I cannot open the page, so the table has no prices.',
  'Unfortunately, the tests fail.',
  'I can help with that.',
  'I declined this request of C, since it belongs to B.',
  `I'm sorry, but I can't help with that. ${'Please '.repeat(100)}`,
  '',
])('reports: %s', (text) => {
  expect(isRefusal(text)).toBe(false);
});
