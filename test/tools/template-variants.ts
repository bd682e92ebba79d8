import { VARIANTS } from '../stacks/synthesise.ts';

/** One way to synthesise the app. */
export interface TemplateVariant {
  /** Also the folder under `dist/templates` that its templates are written to. */
  readonly name: string;
  /** CDK context, as given by `-c key=value`. */
  readonly context: Readonly<Record<string, string>>;
}

/** Every variant whose templates are checked with outside tools: those that the tests synthesise. */
export const TEMPLATE_VARIANTS: readonly TemplateVariant[] = Object.entries(VARIANTS).map(
  ([name, context]) => ({ name: name.replaceAll(', ', '-'), context }),
);
