/**
 * Refusals in plain text: many servers have no field for them. Pure, and English only. What it does not do: decide what
 * follows (`actors/turn.ts`).
 *
 * Invariant: it would rather miss a refusal than take a report for one. "I'm sorry, but I can't help with that." refuses;
 * "I'm sorry, but I can't find a.md." says what happened, and so does every text that names its object or a reason.
 */
import { oneLine } from './mail.ts';

const CHARS_MAX = 300;

const SORRY = String.raw`(?:(?:i'm|i am|we're|we are) (?:very |really |so |truly )?sorry|sorry|unfortunately|(?:my )?apologies|i (?:do )?apologi[sz]e)[,.;:!]? (?:but |however,? )?`;
const AS_AI = String.raw`as an ai(?: language model| model| assistant)?, `;
const CANNOT = String.raw`(?:i|we) (?:can't|cannot|can not|won't|will not|am not able to|am unable to|'m not able to|'m unable to|won't be able to|will not be able to|must decline to|have to decline to)|i'm (?:not able|unable) to`;
const WHAT = String.raw`(?:that|this|it|(?:that|this|your|the|such|these|those)(?: kind of| type of| sort of| a)? (?:requests?|tasks?|topics?|questions?|content|matters?|conversation|discussion|instructions?))`;
const ACT = String.raw`(?:(?:help|assist)(?: you)?(?: with ${WHAT})?|comply(?: with ${WHAT})?|(?:do|fulfil|fulfill|complete|answer|discuss|accommodate|support|continue|continue with|proceed with|engage (?:in|with)|participate in|respond to|provide) ${WHAT})`;
const DECLINE = String.raw`(?:i|we) (?:must|have to|need to)(?: respectfully| politely)? decline(?: ${WHAT})?`;
/** What may follow without saying anything of the work: offers, which name no file and say nothing of what somebody is to do. */
const POLITE = String.raw`(?:(?:is|are) there (?:any\w*|some\w*)|if (?:you (?:have|need|want|would like|'d like)|you'd like|there(?:'s| is| are)) (?:any\w*|some\w*|other|more|another|to|help)|please (?:let me know (?:if|what|how)|feel free|try|rephrase|ask (?:me )?(?:any\w*|some\w*|another|a different|about something)|(?:provide|choose|pick|give me|send me) (?:another|a different)|(?:do not|don't) hesitate)|let me know (?:if|what|how)|feel free|what else|how else|can i|may i|thank|i'd be|i would be|i'm happy|i am happy)\b(?:(?!\w[./_]\w)[^:"])*`;
const RULES = String.raw`(?: (?:as|because|since) (?:it|this|that) (?:goes against|violates|conflicts with|is against) (?:my|our|the) [a-z ]{1,60})?`;

const REFUSAL = new RegExp(
  `^(?:${SORRY})?(?:${AS_AI})?(?:(?:${CANNOT}) ${ACT}|${DECLINE})${RULES}[.!]?(?: ${POLITE})?$`,
  'u',
);

/** Whether a text, without any call, has the form of a refusal. */
export const isRefusal = (text: string): boolean => {
  if (text.length > CHARS_MAX) return false;
  return REFUSAL.test(oneLine(text).toLowerCase().replaceAll('’', "'"));
};
