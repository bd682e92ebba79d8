/** asl-validator ships no types that its package names. */
declare module 'asl-validator' {
  /** Checks a definition in the Amazon States Language. It writes into the definition. */
  export default function validate(definition: unknown): {
    readonly isValid: boolean;
    readonly errors: readonly unknown[];
  };
}
