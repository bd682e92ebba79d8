/** What a tool has to say of one template. */
export interface Finding {
  readonly tool: 'cfn-lint' | 'sam validate' | 'checkov';
  readonly rule: string;
  /** Logical id, or the path in the template; empty where the tool names none. */
  readonly resource: string;
  readonly message: string;
}

/** A rule that is not followed, and why. */
export interface Suppression {
  readonly rule: string;
  /** Matches the logical ids that the reason holds for. */
  readonly resources: RegExp;
  readonly reason: string;
}

/** Reads what `cfn-lint --format json` prints. */
export function readCfnLint(output: string): readonly Finding[] {
  const matches: readonly {
    readonly Rule: { readonly Id: string };
    readonly Message: string;
    readonly Location: { readonly Path: readonly (string | number)[] | null };
  }[] = JSON.parse(output);
  return matches.map(({ Rule, Message, Location }) => ({
    tool: 'cfn-lint',
    rule: Rule.Id,
    resource: (Location.Path ?? []).join('/'),
    message: Message,
  }));
}

/** Reads what a `sam validate --lint` that failed prints: cfn-lint's findings as text, or why there are none. */
export function readSamValidate(output: string): readonly Finding[] {
  const findings = Array.from(
    output.matchAll(/\[([EWI]\d{4}): [^\]]*\] \((.*?)\) matched \d+/g),
    ([, rule = '', message = '']): Finding => ({
      tool: 'sam validate',
      rule,
      resource: /'(Resources\/[^']+)'/.exec(message)?.[1] ?? '',
      message,
    }),
  );
  if (findings.length > 0) return findings;
  return [{ tool: 'sam validate', rule: 'failed', resource: '', message: output.trim() }];
}

/** Reads what `checkov --output json` prints: the failed checks. */
export function readCheckov(output: string): readonly Finding[] {
  const {
    results,
  }: {
    readonly results: {
      readonly failed_checks: readonly {
        readonly check_id: string;
        readonly check_name: string;
        readonly resource: string;
      }[];
    };
  } = JSON.parse(output);
  return results.failed_checks.map(({ check_id, check_name, resource }) => ({
    tool: 'checkov',
    rule: check_id,
    // Said as `AWS::Lambda::Function.Train0123`.
    resource: resource.slice(resource.indexOf('.') + 1),
    message: check_name,
  }));
}

/**
 * Splits findings into what has to be done and what is not followed for a reason.
 *
 * @returns `unused`: suppressions that matched nothing, and have to go.
 */
export function applySuppressions(
  findings: readonly Finding[],
  suppressions: readonly Suppression[],
): {
  readonly open: readonly Finding[];
  readonly suppressed: readonly Finding[];
  readonly unused: readonly Suppression[];
} {
  const covers = ({ rule, resources }: Suppression, finding: Finding): boolean =>
    rule === finding.rule && resources.test(finding.resource);
  const isSuppressed = (finding: Finding): boolean => suppressions.some((one) => covers(one, finding));
  return {
    open: findings.filter((finding) => !isSuppressed(finding)),
    suppressed: findings.filter(isSuppressed),
    unused: suppressions.filter((one) => !findings.some((finding) => covers(one, finding))),
  };
}
