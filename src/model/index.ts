/** Chat models, and the gate that every call passes. */
export * from './types.ts';
export { classifyCompletion, isJsonObject, type AnswerContext } from './classify.ts';
export { Gate } from './gate/gate.ts';
export type * from './gate/types.ts';
export * from './budget/index.ts';
export type { TokenCounter, Tokenizer } from './tokens.ts';
// What makes the calls, `openai.ts`, is imported by whoever makes them: it loads the SDK.
export { checkOpenAiSetting, DEFAULT_BASE_URL, type OpenAiModelOptions } from './openai-setting.ts';
export type { OpenAiModel } from './openai.ts';
export * from './rehearsal/index.ts';
export * from './scripted.ts';
