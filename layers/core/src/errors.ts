/**
 * Every failure that core reports to its caller. The codes are part of the HTTP, log and exit-code
 * contracts: renaming one is a breaking change.
 */
export type EncoreErrorCode =
  | 'INVALID_DATA_SET'
  | 'INVALID_OPTION'
  | 'SHAPE_MISMATCH'
  | 'NOT_POSITIVE_DEFINITE'
  | 'NOT_FINITE'
  | 'ARTIFACT_INCOMPATIBLE'
  | 'REUSE_REFUSED'
  | 'QUALITY_GATE_FAILED'
  | 'PUBLISH_FAILED'
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'STORE_UNAVAILABLE';

/**
 * The one error class of Encore. Switch on `code`, never on the class: a layer and a bundle may each carry
 * a copy of it, and `instanceof` does not survive that.
 */
export class EncoreError extends Error {
  override readonly name = 'EncoreError';
  readonly code: EncoreErrorCode;
  /** What was found, what is allowed, where: for logs and for the caller's message. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: EncoreErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}

/** Whether something caught is an {@link EncoreError}, from whichever copy of this module. */
export function isEncoreError(value: unknown): value is EncoreError {
  return value instanceof Error && value.name === 'EncoreError' && 'code' in value;
}
