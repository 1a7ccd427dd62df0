/** What a tool tells the model: `{"ok":true,…}` or `{"ok":false,"error":{code,message,hint}}`. */

export const TOOL_ERROR_CODES = [
  'INVALID_ARGUMENTS',
  'UNKNOWN_TOOL',
  'NAME_TAKEN',
  'NOT_FOUND',
  'NOT_ALLOWED',
  'LIMIT',
  'OPEN_ITEMS',
  'CONFLICT',
  'EXISTS',
  'NO_MATCH',
  'AMBIGUOUS',
  'BAD_PATH',
  'TOO_LARGE',
  'BUSY',
  'TIMEOUT',
  'REJECTED',
  'UNKNOWN_OUTCOME',
] as const;

export type ToolErrorCode = (typeof TOOL_ERROR_CODES)[number];

export interface ToolError {
  readonly code: ToolErrorCode;
  readonly message: string;
  readonly hint: string;
  /** Further fields of some codes, such as `items` of OPEN_ITEMS or `current`, `base`, `hunks` of CONFLICT. */
  readonly [field: string]: unknown;
}

export interface ToolFailure {
  readonly ok: false;
  readonly error: ToolError;
}

export type ToolSuccess<Fields = Record<string, unknown>> = { readonly ok: true } & Fields;
export type ToolResult<Fields = Record<string, unknown>> = ToolSuccess<Fields> | ToolFailure;

export const fail = (
  code: ToolErrorCode,
  message: string,
  hint: string,
  details: Record<string, unknown> = {},
): ToolFailure => ({ ok: false, error: { code, message, hint, ...details } });
