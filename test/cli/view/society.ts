/** Events of a made-up society, and pictures of it as plain text. */
import stringWidth from 'string-width';
import { SocietyModel } from '../../../src/cli/view/model.ts';
import { Navigation } from '../../../src/cli/view/navigation.ts';
import { render, type Size } from '../../../src/cli/view/render.ts';
import { paint, UNICODE_SIGNS, type Signs } from '../../../src/cli/view/style.ts';
import { TreeRows } from '../../../src/cli/view/tree.ts';
import type { EventRecord, EventType } from '../../../src/protocol/event.ts';

export const event = (
  type: EventType,
  agent: string | undefined,
  fields: Record<string, unknown> = {},
): EventRecord => ({
  time: '2026-11-21T06:47:43.316Z',
  type,
  ...(agent === undefined ? {} : { agent }),
  ...fields,
});

export const hired = (agent: string, by: string, level = 'ordinary'): EventRecord =>
  event('hired', agent, { by, level, slots: 0 });

/** A Boss, `admins` Admins, `each` Ordinary agents under each. */
export const societyEvents = (admins: number, each: number): EventRecord[] => [
  event('run', undefined, {
    goal: 'Write a field guide to the birds of an island',
    runId: 'run-1',
    model: 'rehearsal',
    synthetic: true,
    reviews: true,
  }),
  hired('Boss', 'user', 'boss'),
  ...Array.from({ length: admins }, (_, admin) => [
    hired(`Admin${admin}`, 'Boss', 'admin'),
    ...Array.from({ length: each }, (__, member) => hired(`Admin${admin}-${member}`, `Admin${admin}`)),
  ]).flat(),
];

export interface Stage {
  readonly model: SocietyModel;
  readonly tree: TreeRows;
  readonly navigation: Navigation;
  /** Lines as they would be without colours. */
  picture(size: Size, signs?: Signs): string[];
  press(...names: string[]): void;
}

export const stage = (events: readonly EventRecord[] = []): Stage => {
  const model = new SocietyModel();
  const tree = new TreeRows(model);
  const navigation = new Navigation(model, tree);
  for (const one of events) model.apply(one);
  return {
    model,
    tree,
    navigation,
    picture: (size, signs = UNICODE_SIGNS) => {
      const { lines, treeHeight, asked } = render({ model, tree, navigation, size, signs });
      navigation.treeHeight = treeHeight;
      if (navigation.answer !== null && asked !== null) navigation.answer.extent = asked;
      return lines.map((line) => paint(line, false));
    },
    press: (...names) => {
      for (const name of names) navigation.press({ name, ctrl: false });
    },
  };
};

export const widest = (lines: readonly string[]): number =>
  lines.reduce((most, line) => Math.max(most, stringWidth(line)), 0);
