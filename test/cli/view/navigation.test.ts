/** Keys: N1 what is selected stays, N2 pausing is asked for once. */
import { describe, expect, test } from 'vitest';
import { keyOf } from '../../../src/cli/view/terminal.ts';
import { hired, societyEvents, stage } from './society.ts';

const key = (name: string, ctrl = false) => ({ name, ctrl });

describe('selecting', () => {
  test('arrows and letters move within the list, not beyond', () => {
    const { navigation } = stage(societyEvents(3, 1));
    navigation.treeHeight = 10;
    const rows = ['up', 'down', 'j', 'k', 'end', 'down', 'G', 'pageup', 'home', 'g'].map((name) => {
      navigation.press(key(name));
      return navigation.selectedRow(10);
    });
    expect(rows).toEqual([0, 1, 2, 1, 3, 3, 3, 0, 0, 0]);
  });

  test('the selection stays on its agent when others come before it (N1)', () => {
    const { navigation, model, tree } = stage(societyEvents(3, 1));
    navigation.treeHeight = 20;
    navigation.press(key('end'));
    model.apply(hired('Sub', 'Admin0-0'));
    expect(tree.at(20)[navigation.selectedRow(20)]?.agent.name).toBe('Admin2');
  });

  test.each([
    ['enter', 'escape'],
    ['return', 'left'],
    ['right', 'backspace'],
    ['l', 'h'],
  ])('%s opens and %s goes back, down to a single agent', (open, back) => {
    const { navigation } = stage(societyEvents(2, 2));
    navigation.press(key('down'));
    navigation.press(key(open));
    expect(navigation.open?.name).toBe('Admin0');
    navigation.press(key('down'));
    navigation.press(key(open));
    expect(navigation.open?.name).toBe('Admin0-1');
    // It has nobody below.
    expect(navigation.press(key(open))).toBe('none');
    navigation.press(key(back));
    expect(navigation.open?.name).toBe('Admin0');
    expect(navigation.selectedMember).toBe(1);
    navigation.press(key(back));
    expect(navigation.open).toBeNull();
    expect(navigation.press(key(back))).toBe('none');
  });

  test('any key leaves the help and does nothing else', () => {
    const { navigation } = stage(societyEvents(2, 2));
    navigation.press(key('?'));
    expect(navigation.help).toBe(true);
    navigation.press(key('enter'));
    expect(navigation.help).toBe(false);
    expect(navigation.open).toBeNull();
  });

  test('nothing happens where nobody is', () => {
    const { navigation } = stage();
    for (const name of ['up', 'down', 'end', 'enter', 'escape', 'x']) expect(navigation.press(key(name))).toBe('none');
  });
});

describe('pausing', () => {
  test.each(['p', 'q'])('%s asks once, and then says that it was asked (N2)', (name) => {
    const { navigation } = stage();
    expect(navigation.press(key(name))).toBe('pause');
    expect(navigation.press(key('q'))).toBe('redraw');
    expect(navigation.press(key('p'))).toBe('redraw');
    expect(navigation.notices.join()).toMatch(/already pausing/iu);
  });

  test('q says that quitting is pausing; it also works in the help', () => {
    const { navigation } = stage();
    navigation.press(key('?'));
    expect(navigation.press(key('q'))).toBe('pause');
    expect(navigation.notices.join()).toMatch(/resumed/u);
  });

  test('of a run that keeps no journal neither a key nor the help says that it can be resumed', () => {
    const made = stage([{ time: '', type: 'run', status: 'running', durability: 'none' }]);
    const { navigation } = made;
    const size = { columns: 100, rows: 30 };
    const help = (): string => {
      navigation.press(key('?'));
      return JSON.stringify(made.picture(size));
    };
    expect(help()).toMatch(/pause the run/u);
    expect(help()).not.toMatch(/resume/u);
    for (const name of ['q', 'q']) {
      expect(navigation.press(key(name))).not.toBe('none');
      expect(navigation.notices.join()).toMatch(/nothing is kept to go on from/u);
    }
  });

  test('Ctrl-C is an interruption each time, Ctrl-Z puts aside', () => {
    const { navigation } = stage();
    expect(navigation.press(key('c', true))).toBe('interrupt');
    expect(navigation.press(key('c', true))).toBe('interrupt');
    expect(navigation.press(key('z', true))).toBe('suspend');
    expect(navigation.press(key('p', true))).toBe('none');
  });
});

test.each([
  [{ name: 'g', sequence: 'G', shift: true }, key('G')],
  [{ sequence: '?' }, key('?')],
  [{ name: 'up', sequence: '\u001B[A' }, key('up')],
  [{ name: 'return', sequence: '\r' }, key('return')],
  [{ name: 'c', sequence: '\u0003', ctrl: true }, key('c', true)],
  [{ sequence: '\u001B[999~' }, null],
])('%j has a name', (press, named) => {
  expect(keyOf(press)).toEqual(named);
});
