/**
 * Finds what was put down in the place of work: marks of what is still to be done, blind text, bodies of three dots. Pure.
 * What it does not do: judge work; and it would rather miss a placeholder than send back a text that speaks of one.
 *
 * Invariant X3: bounded by `PLACEHOLDER_CHARS_MAX` of a text, `LINE_CHARS_MAX` of a line and `PLACEHOLDERS_MAX` findings.
 */
import { clip, oneLine } from './mail.ts';

/** Of one text; what comes after is not looked at. */
export const PLACEHOLDER_CHARS_MAX = 256 * 1024;
const LINE_CHARS_MAX = 500;
/** Of one file. */
export const PLACEHOLDERS_MAX = 3;
const SHOWN_CHARS_MAX = 100;

const CODE =
  /\.(?:py|pyi|js|mjs|cjs|jsx|ts|mts|cts|tsx|java|kt|c|h|cc|cpp|hpp|cs|go|rs|rb|php|swift|scala|sh|bash|sql|css|scss|html|htm|xml|vue|svelte|lua|r|jl|pl)$/iu;
const MARKDOWN = /\.(?:md|markdown|mdx|rst|adoc|txt)$/iu;
/** Files that hold what others are to do. */
const LISTS = /(?:^|[/_.-])(?:todos?|tasks?|backlog|notes?|minutes|agenda|changelog|roadmap|checklist)(?=[/_.-]|$)/iu;

/** What may come after the mark when a program is about such things: a TODO list. */
const THINGS =
  /^\s+(?:lists?|items?|apps?|applications?|entry|entries|boards?|components?|models?|class|store|api|views?|pages?|comments?)\b/iu;

/** A line of a program. */
const CODE_RULES: readonly RegExp[] = [
  /\bpass\s*#\s*(?:to ?do|fixme|implement|placeholder|not (?:yet )?implemented|your code|add|fill|stub)/iu,
  /(?:#|\/\/|\/\*|--|<!--)\s*(?:your (?:code|implementation) (?:goes )?here|(?:add|insert|put|write) (?:your )?(?:code|implementation|logic) here|(?:code|implementation|logic|content) goes here|implement (?:this|me)\b|placeholder(?: implementation| code| for now)?\s*(?:$|[.*:>-]))/iu,
  /(?:#|\/\/|\/\*|<!--)\s*(?:\.\.\.|…)\s*(?:\(?(?:the )?(?:rest|remaining|remainder|existing|previous|other|same|unchanged|omitted)\b|\s*(?:\*\/|-->)?\s*$)/iu,
  /(?:#|\/\/|\/\*|<!--)\s*(?:the )?(?:rest|remainder) of (?:the |your )?(?:code|file|program|implementation)\b/iu,
  /\bthrow new \w*Error\(\s*['"`](?:to ?do\b|not (?:yet )?implemented|implement me)/iu,
  /\braise NotImplementedError\(\s*['"](?:to ?do\b|implement me|not (?:yet )?implemented yet)/iu,
  /^\s*(?:todo|unimplemented)!\(/u,
];
const CODE_MARK = /(?:#|\/\/|\/\*|<!--|^\s*\*|^\s*--)\s*(?:TODO|FIXME|TBD)\b(.*)$/u;

/** A line of a text, which is not part of an example. */
const TEXT_RULES: readonly RegExp[] = [
  /^\s*(?:[-*>]\s+)?(?:\*\*|__|_|\(|\[)?(?:TODO|TBD|FIXME)(?:\*\*|__|_|\)|\])?\s*[.!…]*\s*$/u,
  /^\s*(?:[-*>]\s+)?[([*_]*(?:this (?:section|part|chapter|text|page) (?:is|will be|is still|has yet) to be (?:written|added|completed|filled in|done)|to be (?:written|added|completed|filled in|determined|done)(?: later)?|(?:text|content|details) (?:goes|go|to come|to follow)(?: here)?|placeholder (?:text|content|for .{1,60})|coming soon)[)\]*_]*\s*[.!…]*\s*$/iu,
  /\[(?:insert|add|put|write) [^\]\n]{1,60} here\](?!\()/iu,
  /\[(?:todo|tbd|placeholder|fill in|insert here|to be (?:added|written|completed|determined))\b[^\]\n]{0,60}\](?![([])/iu,
];
/** Only where the file is none that holds tasks. */
const TEXT_MARK = /^\s*(?:[-*>]\s+)?(?:\*\*)?(?:TODO|FIXME|TBD)(?:\*\*)?\s*(?:\([^)\n]{0,40}\))?\s*:/u;
const BLIND_TEXT = /lorem ipsum dolor sit amet/iu;

/** All that a file says. */
const NOTHING = /^(?:#[^\n]{0,200}\n+)?\s*(?:to ?do|tbd|fixme|placeholder|coming soon|\.\.\.|…)[\s.!:]*$/iu;

const DOTS = /^\s*(?:\.\.\.|…)\s*$/u;
const HEADING = /^#{1,6}\s+\S/u;
const FENCE = /^\s*(?:```|~~~)/u;
const PYTHON_DEF = /^\s*(?:async\s+)?def\s+\w+\s*\(/u;
/** Where three dots are what a body has to be. */
const ABSTRACT = /\b(?:Protocol|abstractmethod|ABC|overload)\b/u;

interface Line {
  readonly number: number;
  readonly text: string;
}

const linesOf = (text: string): readonly Line[] =>
  text.split(/\r\n|\r|\n/u).map((line, index) => ({ number: index + 1, text: line.slice(0, LINE_CHARS_MAX) }));

const marksCode = (line: string): boolean => {
  const rest = CODE_MARK.exec(line)?.[1];
  if (rest !== undefined && !THINGS.test(rest)) return true;
  return CODE_RULES.some((rule) => rule.test(line));
};

/** Bodies of a Python function that are nothing but three dots. */
const emptyBodies = (lines: readonly Line[], text: string): readonly Line[] => {
  if (ABSTRACT.test(text)) return [];
  return lines.filter((line, index) => {
    if (/^\s*(?:async\s+)?def\s+\w+\s*\([^)]{0,200}\)[^:]{0,80}:\s*\.\.\.\s*$/u.test(line.text)) return true;
    return DOTS.test(line.text) && PYTHON_DEF.test(lines[index - 1]?.text ?? '');
  });
};

const inCode = (path: string, text: string): readonly Line[] => {
  const lines = linesOf(text);
  const isPython = /\.py$/iu.test(path);
  return [...lines.filter(({ text: line }) => marksCode(line)), ...(isPython ? emptyBodies(lines, text) : [])];
};

/** Sections of which three dots are all. */
const emptySections = (lines: readonly Line[]): readonly Line[] => {
  const full = lines.filter(({ text }) => text.trim() !== '');
  return full.filter(({ text }, at) => {
    const [before, after] = [full[at - 1], full[at + 1]];
    return (
      DOTS.test(text) &&
      before !== undefined &&
      HEADING.test(before.text) &&
      (after === undefined || HEADING.test(after.text))
    );
  });
};

/** Without examples: what stands in fences or behind quotation marks of code. */
const prose = (lines: readonly Line[]): readonly Line[] => {
  let fenced = false;
  return lines.filter(({ text }) => {
    if (FENCE.test(text)) {
      fenced = !fenced;
      return false;
    }
    return !fenced && !/^(?: {4}|\t)/u.test(text);
  });
};

const inText = (path: string, text: string): readonly Line[] => {
  const lines = prose(linesOf(text));
  const holdsTasks = LISTS.test(path);
  const isMarked = (line: string): boolean => {
    const said = line.replaceAll(/`[^`]*`/gu, '``');
    return TEXT_RULES.some((rule) => rule.test(said)) || TEXT_MARK.test(said);
  };
  return [...(holdsTasks ? [] : lines.filter((line) => isMarked(line.text))), ...emptySections(lines)];
};

/** What stands in the place of work in a file, each as a short text with its line; at most `PLACEHOLDERS_MAX`. */
export const placeholdersIn = (path: string, content: string): readonly string[] => {
  const text = content.slice(0, PLACEHOLDER_CHARS_MAX);
  if (text.length < 300 && NOTHING.test(text.trim()))
    return [`it says nothing but "${oneLine(text, SHOWN_CHARS_MAX)}"`];
  const found = CODE.test(path) ? inCode(path, text) : MARKDOWN.test(path) ? inText(path, text) : [];
  const blind = linesOf(text).filter((line) => BLIND_TEXT.test(line.text));
  const byNumber = new Map([...found, ...blind].map((line) => [line.number, line]));
  return [...byNumber.values()]
    .toSorted((one, other) => one.number - other.number)
    .slice(0, PLACEHOLDERS_MAX)
    .map(({ number, text: line }) => `line ${number}: ${clip(line.trim(), SHOWN_CHARS_MAX)}`);
};
