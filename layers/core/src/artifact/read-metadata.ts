import { EncoreError } from '../errors.ts';

/**
 * A JSON object that the tensors' metadata carries; without any field where there is none.
 *
 * @throws {@link EncoreError} `ARTIFACT_INCOMPATIBLE` when the text is no JSON.
 */
export function parseMetadata<Field extends string>(
  name: string,
  text: string | undefined,
): Partial<Record<Field, unknown>> {
  try {
    return JSON.parse(text ?? 'null') ?? {};
  } catch (cause) {
    throw new EncoreError(
      'ARTIFACT_INCOMPATIBLE',
      `metadata ${name}: found no JSON`,
      { found: text },
      { cause },
    );
  }
}
