/** The part of jsdom that tests use: its own types bring those of a browser along, which this project has nowhere. */
declare module 'jsdom' {
  export interface PageEvent {
    readonly type: string;
  }
  export interface PageElement {
    readonly textContent: string | null;
    readonly className: string;
    readonly dataset: Readonly<Record<string, string | undefined>>;
    readonly tabIndex: number;
    readonly id: string;
    disabled?: boolean;
    value?: string;
    click(): void;
    focus(): void;
    getAttribute(name: string): string | null;
    dispatchEvent(event: PageEvent): boolean;
    querySelectorAll(selector: string): Iterable<PageElement>;
  }
  export interface PageDocument {
    readonly title: string;
    readonly activeElement: PageElement | null;
    querySelector(selector: string): PageElement | null;
    querySelectorAll(selector: string): Iterable<PageElement>;
  }
  export interface PageWindow {
    readonly document: PageDocument;
    readonly KeyboardEvent: new (type: string, init: { readonly key: string; readonly bubbles: boolean }) => PageEvent;
    addEventListener(type: string, listener: () => void): void;
    close(): void;
  }
  export class VirtualConsole {
    on(event: string, listener: (error: unknown) => void): this;
  }
  export class JSDOM {
    static fromFile(
      path: string,
      options: {
        readonly runScripts: 'dangerously';
        readonly resources: 'usable';
        readonly pretendToBeVisual: boolean;
        readonly virtualConsole: VirtualConsole;
      },
    ): Promise<JSDOM>;
    readonly window: PageWindow;
  }
}
