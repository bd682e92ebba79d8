/** One way to synthesise the app. */
export interface TemplateVariant {
  /** Also the folder under `dist/templates` that its templates are written to. */
  readonly name: string;
  /** CDK context, as given by `-c key=value`. */
  readonly context: Readonly<Record<string, string>>;
}

/** Every variant whose templates are checked with outside tools: whoever adds a context key that changes resources adds its values here. */
export const TEMPLATE_VARIANTS: readonly TemplateVariant[] = [
  { name: 'dev', context: { stage: 'dev' } },
  { name: 'prod', context: { stage: 'prod' } },
];
