/**
 * Words of the generated sets: things with two names, what is said of them in one wording and asked in another, and what
 * people talk about beside that. Data; written for this purpose.
 */

/** Two names of the same thing, that share no word. */
export const THINGS: readonly (readonly [string, string])[] = [
  ['the harbour', 'the port'],
  ['the physician', 'the doctor'],
  ['the lorry', 'the truck'],
  ['the dwelling on Mill Lane', 'the house in that street by the mill'],
  ['the cinema', 'the movie theater'],
  ['the infant school', 'the kindergarten'],
  ['the attorney', 'the lawyer'],
  ['the vessel', 'the ship'],
  ['the aircraft', 'the plane'],
  ['the bakery', 'the shop where bread is made'],
  ['the orchard', 'the apple garden'],
  ['the elevator', 'the lift'],
  ['the trousers', 'the pants'],
  ['the journalist', 'the reporter'],
  ['the infirmary', 'the hospital'],
  ['the constable', 'the police officer'],
  ['the footpath', 'the walking trail'],
  ['the cellar', 'the basement'],
  ['the bicycle', 'the bike'],
  ['the sofa', 'the couch'],
  ['the storehouse', 'the warehouse'],
  ['the choir', 'the singing group'],
  ['the prison', 'the jail'],
  ['the eatery', 'the restaurant'],
];

/** What is said of a thing, and how it is asked for. `{T}` is the thing, `{V}` a value. */
export interface Relation {
  readonly said: readonly string[];
  readonly asked: readonly string[];
  readonly values: readonly string[];
}

export const RELATIONS: readonly Relation[] = [
  {
    said: ['{T} shuts its gates at {V}', 'Nobody gets into {T} after {V}'],
    asked: ['What is the closing time of {T}?', 'How late is {T} open?'],
    values: ['nine', 'half past six', 'midnight', 'noon'],
  },
  {
    said: ['{T} was purchased for {V}', 'Somebody paid {V} for {T}'],
    asked: ['How much did {T} cost?', 'What was the price of {T}?'],
    values: ['four thousand crowns', 'ninety dollars', 'a small fortune', 'next to nothing'],
  },
  {
    said: ['{T} caught fire {V}', 'Flames destroyed {T} {V}'],
    asked: ['When did {T} burn down?', 'When was the blaze at {T}?'],
    values: ['last winter', 'on a Tuesday', 'during the festival', 'two weeks ago'],
  },
  {
    said: ['{V} fixed {T} after it broke', '{T} works again because {V} mended it'],
    asked: ['Who repaired {T}?', 'Who was the mechanic of {T}?'],
    values: ['Marta', 'old Henrik', 'a neighbour', 'the twins'],
  },
  {
    said: ['{T} is painted {V} from top to bottom', 'They gave {T} a coat of {V}'],
    asked: ['What color does {T} have?', 'Which color is {T}?'],
    values: ['emerald green', 'bright yellow', 'dark red', 'sky blue'],
  },
  {
    said: ['{T} cannot stand {V}', '{V} makes {T} terribly angry'],
    asked: ['What does {T} hate?', 'What annoys {T}?'],
    values: ['loud music', 'cats', 'tourists', 'the smell of onions'],
  },
  {
    said: ['{T} stands a stone throw away from {V}', 'You see {V} right beside {T}'],
    asked: ['Where is {T} located?', 'What is the location of {T}?'],
    values: ['the fountain', 'the railway bridge', 'the old oak', 'the town hall'],
  },
  {
    said: ['{V} inherited {T} from a grandmother', '{T} belongs to {V}'],
    asked: ['Who is the owner of {T}?', 'Whose property is {T}?'],
    values: ['Luca', 'the widow Brandt', 'a farmer', 'the parish'],
  },
  {
    said: ['{T} fell ill with {V}', '{T} has been suffering from {V}'],
    asked: ['What disease does {T} have?', 'Which sickness befell {T}?'],
    values: ['pneumonia', 'a bad cough', 'the flu', 'measles'],
  },
  {
    said: ['{T} got an award for {V}', '{V} earned {T} a medal'],
    asked: ['Why did {T} win a prize?', 'What honour was {T} given and for what?'],
    values: ['bravery', 'kindness to strangers', 'its cleanliness', 'thirty years of service'],
  },
];

/** Somebody, an action on a thing, allowed or not. */
export const ACTIONS: readonly string[] = [
  'restart the ledger service',
  'sign invoices',
  'enter the archive',
  'publish the newsletter',
  'delete old backups',
  'speak to the press',
  'change the price list',
  'order new uniforms',
  'drive the forklift',
  'open the vault',
  'edit the glossary',
  'invite guests',
];

export const PEOPLE: readonly string[] =
  'Amara Boris Chen Dalia Emil Farah Goran Hana Ivo Jun Kira Leon Mina Nils Olga Pavel Rosa Sven Tara Uwe Vera Wim Yara Zeno'.split(
    ' ',
  );

/** For sentences that differ in one word each. */
export const PLACES: readonly string[] = 'north south east west upper lower old new inner outer'
  .split(' ')
  .map((side) => `${side} depot`);
export const GOODS: readonly string[] =
  'lemons limes oranges olives almonds walnuts candles lanterns ropes sails barrels bricks'.split(' ');
export const UNITS: readonly string[] = ['crates', 'sacks', 'boxes'];

/** What else is said: nobody asks for it. */
export const CHATTER: readonly string[] = [
  '{P} thanks everybody for the good work of this week',
  '{P} will write a summary and send it to the group',
  '{P} asks whether the outline is fine as it stands',
  '{P} has read the draft and found two small mistakes',
  '{P} waits for an answer before going on',
  '{P} suggests to meet again when the first part is done',
  '{P} moved the introduction to a file of its own',
  '{P} agrees with the plan and starts at once',
  '{P} could not find the figures that were mentioned',
  '{P} reminds the others that the checklist has open items',
  '{P} compared both versions and prefers the shorter one',
  '{P} is done with the table of contents',
  '{P} wants to know who takes the next chapter',
  '{P} proposes a different order of the sections',
  '{P} noted that the pictures are too large',
  '{P} handed the result in and waits for the review',
];

/** What happens to something with an identifier. `I` is the identifier. */
export const INCIDENTS: readonly string[] = [
  '{I} was closed after the cache had been flushed',
  '{P} looked into {I} and found a missing comma',
  'the nightly build failed because of {I}',
  '{I} is blocked until {P} answers',
  '{P} moved {I} to the second milestone',
  '{I} needs a test before it can be merged',
  'the review of {I} took three days',
  '{P} reverted {I} since it broke the login',
  '{I} has been assigned to {P}',
  'the customer complained about {I} again',
];

export const IDENTIFIER_QUESTIONS: readonly string[] = [
  'What happened with {I}?',
  'How does it stand with {I}?',
  'Is there any news about {I}',
  '{I}: what do we know?',
  'Please tell me what was said about {I}.',
];
