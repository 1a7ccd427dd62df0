/** Loads definitions by module and export, once per thread. */
import { z } from 'zod';
import type { ActorContext, ActorDefinition } from '../actor/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import { fromModuleId, toModuleId } from './module-id.ts';

/** A definition as the runtime runs it: the types of state and bodies are no longer known. */
type Erased = ActorDefinition;

/** What the runtime needs to know of one message type. */
export interface MessageHandler {
  readonly schema: z.ZodType | undefined;
  /** undefined when the definition takes batches. */
  readonly handle: ((state: unknown, body: unknown, context: ActorContext) => unknown) | undefined;
  /** The type as a number of this thread. */
  readonly number: number;
}

/**
 * Handlers by message type. Over a map, because a type that comes from outside may be called `constructor`; the last two are
 * remembered, because most actors get few types of messages.
 */
export class Handlers {
  readonly #byType: ReadonlyMap<string, MessageHandler>;
  #type: string | undefined = undefined;
  #last: MessageHandler | undefined = undefined;
  #typeBefore: string | undefined = undefined;
  #before: MessageHandler | undefined = undefined;

  constructor(byType: ReadonlyMap<string, MessageHandler>) {
    this.#byType = byType;
  }

  get(type: string): MessageHandler | undefined {
    if (type === this.#type) return this.#last;
    if (type === this.#typeBefore) return this.#before;
    const handler = this.#byType.get(type);
    if (handler !== undefined) this.#remember(type, handler);
    return handler;
  }

  #remember(type: string, handler: MessageHandler): void {
    this.#typeBefore = this.#type;
    this.#before = this.#last;
    this.#type = type;
    this.#last = handler;
  }
}

export interface LoadedDefinition extends Omit<Erased, 'receive' | 'messages'> {
  readonly handlers: Handlers;
}

const shape = z.object({
  state: z.function(),
  messages: z.record(z.string(), z.object({ kind: z.enum(['message', 'request']) })),
  receive: z.record(z.string(), z.function()).optional(),
  receiveBatch: z.function().optional(),
  strategy: z.enum(['one_for_one', 'one_for_all', 'rest_for_one']).optional(),
  intensity: z.strictObject({ max: z.int().nonnegative(), withinMs: z.number().nonnegative() }).optional(),
  module: z.string(),
  export: z.string(),
});

const check = (value: unknown, module: string, name: string, numberOf: (type: string) => number): LoadedDefinition => {
  const parsed = shape.safeParse(value);
  if (!parsed.success) {
    const where = parsed.error.issues[0]?.path.join('.') ?? '';
    const words = where === '' ? '' : ` ('${where}' is not valid)`;
    throw new MegactorError('DEFINITION_INVALID', `${module} exports no actor definition called '${name}'${words}`);
  }
  const { data } = parsed;
  if (toModuleId(data.module) !== module || data.export !== name) {
    throw new MegactorError(
      'DEFINITION_INVALID',
      `'${name}' of ${module} says it is '${data.export}' of ${toModuleId(data.module)}`,
    );
  }
  if ((data.receive === undefined) === (data.receiveBatch === undefined)) {
    throw new MegactorError('DEFINITION_INVALID', `'${name}' needs either receive or receiveBatch`);
  }
  const { receive, messages, ...definition } = value as Erased;
  const handlers = new Map(
    Object.entries(messages).map(([type, { schema }]): [string, MessageHandler] => [
      type,
      { schema, handle: receive?.[type], number: numberOf(type) },
    ]),
  );
  const missing = [...handlers].find(([, entry]) => receive !== undefined && entry.handle === undefined);
  if (missing !== undefined) {
    throw new MegactorError('DEFINITION_INVALID', `'${name}' has no handler for '${missing[0]}'`);
  }
  return { ...definition, handlers: new Handlers(handlers) };
};

export class DefinitionLoader {
  readonly #import: (url: string) => Promise<Record<string, unknown>>;
  readonly #numberOf: (type: string) => number;
  /** By module and export: every spawn asks, and a joined key would have to be made and hashed each time. */
  readonly #loaded = new Map<string, Map<string, LoadedDefinition>>();
  readonly #loading = new Map<string, Promise<LoadedDefinition>>();

  /** @param importModule for tests that keep definitions in memory @param numberOf makes numbers of message types */
  constructor(
    importModule: (url: string) => Promise<Record<string, unknown>> = (url) => import(url),
    numberOf: (type: string) => number = () => 0,
  ) {
    this.#import = importModule;
    this.#numberOf = numberOf;
  }

  /** The definition when it is in this thread already. @param module a module id */
  peek(module: string, name: string): LoadedDefinition | undefined {
    return this.#loaded.get(module)?.get(name);
  }

  /** @throws DEFINITION_INVALID */
  load(module: string, name: string): Promise<LoadedDefinition> {
    const key = `${module}#${name}`;
    let loading = this.#loading.get(key);
    if (loading === undefined) {
      loading = this.#read(module, name).then((definition) => {
        const exports = this.#loaded.get(module);
        if (exports === undefined) this.#loaded.set(module, new Map([[name, definition]]));
        else exports.set(name, definition);
        return definition;
      });
      this.#loading.set(key, loading);
    }
    return loading;
  }

  async #read(module: string, name: string): Promise<LoadedDefinition> {
    let exports: Record<string, unknown>;
    try {
      exports = await this.#import(fromModuleId(module));
    } catch (thrown) {
      const hint = thrown instanceof MegactorError ? { hint: thrown.hint } : {};
      const words = `${module} cannot be imported: ${String(thrown)}`;
      throw new MegactorError('DEFINITION_INVALID', words, { cause: thrown, ...hint });
    }
    return check(exports[name], module, name, this.#numberOf);
  }
}
