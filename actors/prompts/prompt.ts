/**
 * What a prompt is: a text with named placeholders, `{name}`, that a run may replace by a text of its own. What it does
 * not do: say where a prompt stands in a request (`agent.ts`, `situation.ts`, …) or read files.
 *
 * 1. What a placeholder stands for is put in once and is not searched for placeholders itself.
 * 2. A line that is nothing but a placeholder without a value is left out.
 */

/** Texts of a run's own, by the name of the prompt that they replace. */
export type PromptTexts = Readonly<Record<string, string>>;

export interface Prompt<Value extends string = string> {
  /** Also the name of its file, without `.md`. */
  readonly name: string;
  /** Who reads it when, for whoever wants to replace it. */
  readonly purpose: string;
  /** What each placeholder stands for. */
  readonly values: Readonly<Record<Value, string>>;
  /** Placeholders without which the text would not do what it is for. */
  readonly required?: readonly NoInfer<Value>[];
  readonly text: string;
}

export const definePrompt = <Value extends string = never>(prompt: Prompt<Value>): Prompt<Value> => prompt;

/** `{name}`, or `{{name}}` for that text itself. */
const PLACEHOLDER = /\{\{(?<literal>[a-z_]+)\}\}|\{(?<name>[a-z_]+)\}/gu;
const ALONE = /^\{(?<name>[a-z_]+)\}$/u;

/** The placeholders of a text. */
export const placeholdersOf = (text: string): ReadonlySet<string> =>
  new Set([...text.matchAll(PLACEHOLDER)].flatMap(({ groups }) => groups?.['name'] ?? []));

/** The text of a prompt in this run, with its values. */
export const fillPrompt = <Value extends string>(
  prompt: Prompt<Value>,
  values: Readonly<Record<Value, string>>,
  texts: PromptTexts = {},
): string => {
  const valueOf = (name: string): string => values[name as Value];
  return (texts[prompt.name] ?? prompt.text)
    .split('\n')
    .filter((line) => {
      const name = ALONE.exec(line)?.groups?.['name'];
      return name === undefined || valueOf(name) !== '';
    })
    .join('\n')
    .replace(PLACEHOLDER, (_whole, literal: string | undefined, name: string) =>
      literal === undefined ? valueOf(name) : `{${literal}}`,
    );
};
