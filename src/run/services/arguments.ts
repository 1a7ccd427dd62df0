/** What reaches a service of a run from another thread, checked by its schema. */
import type { z } from 'zod';

/** Nobody changes what was sent. */
type Sent<Value> = Value extends Uint8Array
  ? Uint8Array
  : Value extends readonly (infer Item)[]
    ? readonly Sent<Item>[]
    : Value extends object
      ? { readonly [Key in keyof Value]: Sent<Value[Key]> }
      : Value;

/** The compiler holds the schema to what callers are told that the method takes. @throws ZodError */
export const checked = <Schema extends z.ZodType>(schema: Schema, args: Sent<z.input<Schema>>): z.output<Schema> =>
  schema.parse(args);
