/** The page of Gobang in a DOM, as a person uses it: opened from the disk, with its scripts, clicks and keys. */
import { pathToFileURL } from 'node:url';
import { JSDOM, VirtualConsole, type PageElement, type PageWindow } from 'jsdom';
import { expect } from 'vitest';

export class GobangPage {
  readonly #window: PageWindow;
  readonly errors: unknown[];

  private constructor(window: PageWindow, errors: unknown[]) {
    this.#window = window;
    this.errors = errors;
  }

  static async open(path: string): Promise<GobangPage> {
    const errors: unknown[] = [];
    const virtualConsole = new VirtualConsole().on('jsdomError', (error) => errors.push(error));
    const { window } = await JSDOM.fromFile(path, {
      runScripts: 'dangerously',
      resources: 'usable',
      pretendToBeVisual: true,
      virtualConsole,
    });
    const page = new GobangPage(window, errors);
    await expect.poll(() => page.points.length + errors.length, { timeout: 30_000 }).toBeGreaterThan(0);
    return page;
  }

  get points(): readonly PageElement[] {
    return [...this.#window.document.querySelectorAll('.point')];
  }

  /** The point that a screen reader calls `name`. */
  point(name: string): PageElement {
    const found = this.points.find((point) => point.getAttribute('aria-label')?.startsWith(`${name},`));
    if (found === undefined) throw new Error(`there is no point ${name}`);
    return found;
  }

  stones(colour: 'black' | 'white'): readonly PageElement[] {
    return this.points.filter((point) => point.dataset['stone'] === colour);
  }

  get status(): string {
    return this.find('#status').textContent ?? '';
  }

  find(selector: string): PageElement {
    const found = this.#window.document.querySelector(selector);
    if (found === null) throw new Error(`there is no ${selector}`);
    return found;
  }

  get focused(): PageElement | null {
    return this.#window.document.activeElement;
  }

  press(element: PageElement, key: string): void {
    element.dispatchEvent(new this.#window.KeyboardEvent('keydown', { key, bubbles: true }));
  }

  /** Waits until it is the person's turn, or the game is over. */
  async settled(): Promise<void> {
    await expect.poll(() => this.status, { timeout: 60_000, interval: 5 }).not.toMatch(/thinks|laid out/u);
  }

  close(): void {
    this.#window.close();
  }
}

/** Rules and opponent of a workspace, as a program loads them. */
export interface Engine {
  createGame(size?: number): { readonly cells: number[]; over: boolean; winner: number; turn: number; moves: number[] };
  play(game: unknown, index: number): string | null;
  chooseMove(game: unknown): number;
  nameOf(game: unknown, index: number): string;
}

const isEngine = (value: unknown): value is Engine =>
  typeof value === 'object' && value !== null && 'chooseMove' in value && 'createGame' in value;

export const loadEngine = async (workspace: string): Promise<Engine> => {
  for (const file of ['rules.js', 'ai.js']) await import(pathToFileURL(`${workspace}/${file}`).href);
  const engine: unknown = Reflect.get(globalThis, 'Gobang');
  if (!isEngine(engine)) throw new Error('the engine is not there');
  return engine;
};

/** The opponent against itself: both sides' moves by name, and who won (1 black, 2 white, 0 nobody). */
export const playedBySelf = (engine: Engine): { readonly winner: number; readonly names: readonly string[] } => {
  const game = engine.createGame();
  while (!game.over) engine.play(game, engine.chooseMove(game));
  return { winner: game.winner, names: game.moves.map((index) => engine.nameOf(game, index)) };
};
