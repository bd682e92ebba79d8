import { simulate, type Protocol, type Simulation } from './simulate.ts';

/** What many schedules had in common. */
export interface Simulations {
  /** One line for each schedule in which an invariant broke, at most `limit` of them. */
  readonly broken: readonly string[];
  /** How often each thing happened in all of them. */
  readonly counts: Simulation['counts'];
}

/**
 * Simulates schedules of consecutive seeds, until enough of them have broken an invariant.
 *
 * @param options.limit - How many broken schedules are enough. @default 10
 */
export async function simulateMany(
  protocol: Protocol,
  options: { readonly schedules: number; readonly firstSeed: number; readonly limit?: number },
): Promise<Simulations> {
  const { schedules, firstSeed, limit = 10 } = options;
  rememberDigests();
  const broken: string[] = [];
  const counts = new Map<string, number>();
  for (let seed = firstSeed; seed < firstSeed + schedules && broken.length < limit; seed++) {
    const found = await simulate(seed, protocol);
    if (found.violations.length > 0) broken.push(`schedule ${seed}: ${found.violations.join('; ')}`);
    for (const [what, n] of found.counts) counts.set(what, (counts.get(what) ?? 0) + n);
  }
  return { broken, counts };
}

/**
 * The simulated versions have the same few files in every schedule, and a digest takes longer than all else that is done with one. So
 * each is computed once; and errors, of which there are many, come without a stack.
 */
function rememberDigests(): void {
  if (Error.stackTraceLimit === 0) return;
  Error.stackTraceLimit = 0;
  const digests = new Map<string, ArrayBuffer>();
  const compute = crypto.subtle.digest.bind(crypto.subtle);
  crypto.subtle.digest = async (algorithm, data) => {
    const bytes = ArrayBuffer.isView(data)
      ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
      : null;
    if (bytes === null) return compute(algorithm, data);
    const key = bytes.toString('latin1');
    const known = digests.get(key);
    if (known !== undefined) return known;
    const digest = await compute(algorithm, data);
    digests.set(key, digest);
    return digest;
  };
}
