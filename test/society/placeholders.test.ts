/** What counts as a placeholder, and what only speaks of one. */
import { describe, expect, test } from 'vitest';
import { PLACEHOLDER_CHARS_MAX, PLACEHOLDERS_MAX, placeholdersIn } from '../../src/society/index.ts';

const PLACEHOLDERS: readonly (readonly [string, string])[] = [
  ['a.py', 'def pay(order):\n    pass  # implement later'],
  ['a.py', 'def pay(order):\n    pass  # TODO'],
  ['a.py', 'def pay(order):\n    ...\n'],
  ['a.py', 'def pay(order) -> int: ...'],
  ['a.py', 'x = 1  # FIXME: wrong for leap years'],
  ['a.py', '# ... rest of the code unchanged'],
  ['a.py', 'raise NotImplementedError("TODO: sort")'],
  ['a.js', '// TODO: sort'],
  ['a.js', '// TODO'],
  ['a.js', '  // your code here'],
  ['a.js', "throw new Error('Not implemented yet');"],
  ['a.js', 'function f() {\n  // ...\n}'],
  ['a.ts', '/* TODO(me): sort */'],
  ['a.rs', '    todo!()'],
  ['a.html', '<!-- TODO: add the table -->'],
  ['a.html', '<p>Lorem ipsum dolor sit amet, consectetur</p>'],
  ['a.md', '# Budget\n\nTODO: describe the budget'],
  ['a.md', '# Budget\n\n- TODO\n'],
  ['a.md', '# Budget\n\n**TBD**\n'],
  ['a.md', '# Budget\n\nThis section is to be written.\n'],
  ['a.md', '# Budget\n\n(to be completed)\n'],
  ['a.md', '# Budget\n\n...\n\n# Schools\n\nThere are four.'],
  ['a.md', 'The mayor, [insert name here], said so.'],
  ['a.md', 'Costs: [TBD] a year'],
  ['a.txt', 'Lorem ipsum dolor sit amet'],
  ['a.md', '# Budget\n\nplaceholder'],
  ['a.csv', 'TODO'],
  ['data.json', '...'],
];

/** Good work, all of it. */
const WORK: readonly (readonly [string, string])[] = [
  ['a.md', 'The city keeps a todo list of repairs, and a TODO in a form is no answer.'],
  ['a.md', '# Todo\n\nWhat remains is in the plan of the next year.'],
  ['a.md', 'Statuses are:\n\n- todo\n- doing\n- done\n'],
  ['a.md', 'A placeholder in an address form helps people; see `[TODO]` in the manual.'],
  ['a.md', 'She waited... and then she left.\n\n...\n\nYears passed.'],
  ['a.md', 'Write comments so:\n\n```py\n# TODO: explain\npass  # implement\n```\n'],
  ['a.md', 'See [todo](todo.md), [TBD][1] and [Your account](account.md).'],
  ['a.md', 'Dear [Name],\n\nthank you for your letter.'],
  ['a.md', 'Lorem ipsum is what printers call a text without meaning.'],
  ['notes/minutes.md', 'TODO: ask the mayor for the figures'],
  ['TODO.md', '- TODO: paint the bridge'],
  ['tasks.md', 'TBD: who goes'],
  ['a.py', 'from typing import Protocol\n\nclass Payer(Protocol):\n    def pay(self) -> None:\n        ...\n'],
  ['a.py', 'class Base:\n    def run(self):\n        raise NotImplementedError\n'],
  ['a.py', 'try:\n    go()\nexcept KeyError:\n    pass\n'],
  ['a.py', 'x = values[..., 0]\nprint("...")'],
  ['a.py', '# TODO list application: keeps items in a file\nitems = []'],
  ['a.py', 'status = "TODO"  # one of TODO, DOING, DONE'],
  ['a.js', 'const todos = [];\n// adds an item to the TODO list\n'],
  ['a.js', 'const all = [...one, ...other];\nf(...args);'],
  ['a.js', 'const noop = () => {};'],
  ['a.html', '<input placeholder="Your name">'],
  ['a.css', 'input::placeholder { color: grey }'],
  ['a.csv', 'item,status\npaint,TODO\n'],
  ['a.json', '{"status": "TODO", "text": "placeholder"}'],
  ['a.md', ''],
];

describe('a placeholder', () => {
  test.each(PLACEHOLDERS)('%s: %j', (path, text) => {
    expect(placeholdersIn(path, text)).not.toEqual([]);
  });
});

describe('no placeholder', () => {
  test.each(WORK)('%s: %j', (path, text) => {
    expect(placeholdersIn(path, text)).toEqual([]);
  });
});

test('each names its line; there are only so many, of a bounded part of a file (X3)', () => {
  const many = placeholdersIn('a.py', 'x = 1\n# TODO\n'.repeat(50));
  expect(many).toHaveLength(PLACEHOLDERS_MAX);
  expect(many[0]).toBe('line 2: # TODO');
  expect(placeholdersIn('a.py', `${' '.repeat(PLACEHOLDER_CHARS_MAX)}\n# TODO`)).toEqual([]);
  expect(placeholdersIn('a.md', `TODO: ${'x'.repeat(100_000)}`)[0]?.length).toBeLessThan(160);
});
