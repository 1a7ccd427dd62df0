/** What every playbook keeps to: its card, and its name. */
import { describe, expect, test } from 'vitest';
import { loadPlaybook, PLAYBOOKS } from '../../../actors/playbooks/index.ts';

describe.each(PLAYBOOKS.map((card) => [card.name, card] as const))('%s', (name, card) => {
  test('has a card that says what it is', async () => {
    expect(name).toMatch(/^[a-z][a-z0-9-]*$/u);
    expect(card.title.length).toBeLessThanOrEqual(80);
    for (const text of [card.title, card.about, card.goal]) expect(text.trim()).not.toBe('');
    expect((await loadPlaybook(name)).card).toBe(card);
  });
});
