/**
 * Distribution functions of the normal, Student's t and χ². Relative errors are below 1e-10 in the range that tests of
 * experiments use; `distributions.test.ts` compares with SciPy.
 *
 * @module
 */

/** P(Z <= z) of the standard normal distribution. */
export function normalCdf(z: number): number {
  const tail = 0.5 * upperGamma(0.5, 0.5 * z * z);
  return z > 0 ? 1 - tail : tail;
}

/**
 * The z below which a standard normal falls with probability `p`.
 *
 * @param p - In (0, 1).
 * @see Abramowitz and Stegun, 26.2.23, for the start of Halley's iteration.
 */
export function normalQuantile(p: number): number {
  const tail = Math.min(p, 1 - p);
  const t = Math.sqrt(-2 * Math.log(tail));
  // Of the lower tail, where the distribution function is exact.
  let z =
    (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t;
  for (let i = 0; i < 3; i++) {
    const step = ((normalCdf(z) - tail) * Math.sqrt(2 * Math.PI)) / Math.exp(-0.5 * z * z);
    z -= step / (1 + 0.5 * z * step);
  }
  return p < 0.5 ? z : -z;
}

/**
 * P(|T| >= |t|) of Student's t.
 *
 * @param degrees - Degrees of freedom, > 0, not necessarily an integer.
 * @see Press et al. (2007), "Numerical recipes", 6.4: the incomplete beta function as a continued fraction.
 */
export function studentTwoSided(t: number, degrees: number): number {
  const a = 0.5 * degrees;
  const square = t * t;
  if (square === 0) return 1;
  if (square === Infinity) return 0;
  const x = degrees / (degrees + square);
  const y = square / (degrees + square);
  // x^a · y^½ / B(a, ½), without the cancellation of three large log-gammas.
  const front = (Math.exp(-a * Math.log1p(square / degrees)) * Math.sqrt(y) * gammaRatio(a)) / SQRT_PI;
  if (x < (a + 1) / (a + 2.5)) return (front * betaFraction(a, 0.5, x)) / a;
  return 1 - (front * betaFraction(0.5, a, y)) / 0.5;
}

/**
 * The t below which Student's t falls with probability `p`.
 *
 * @param p - In (0.5, 1).
 * @param degrees - Degrees of freedom, >= 1.
 */
export function studentQuantile(p: number, degrees: number): number {
  const target = 2 * (1 - p);
  const z = normalQuantile(p);
  // The first term of Cornish and Fisher's series stays below the quantile, from where Newton's steps only go up.
  let t = z + (z * z * z + z) / (4 * degrees);
  const scale = gammaRatio(0.5 * degrees) / (SQRT_PI * Math.sqrt(degrees));
  for (let i = 0; i < 100; i++) {
    const density = scale * Math.exp(-0.5 * (degrees + 1) * Math.log1p((t * t) / degrees));
    const step = (studentTwoSided(t, degrees) - target) / (2 * density);
    t += step;
    if (Math.abs(step) <= 1e-13 * t) break;
  }
  return t;
}

/**
 * P(X >= x) of χ².
 *
 * @param x - >= 0, may be infinite.
 * @param degrees - Degrees of freedom, > 0.
 */
export function chiSquareSurvival(x: number, degrees: number): number {
  return upperGamma(0.5 * degrees, 0.5 * x);
}

const SQRT_PI = Math.sqrt(Math.PI);
const TINY = 1e-300;
const EPSILON = 1e-16;
const MOST_TERMS = 100_000;

/** The regularised upper incomplete gamma function Q(a, x), as a series or (Lentz) a continued fraction. */
function upperGamma(a: number, x: number): number {
  if (x <= 0) return 1;
  if (x === Infinity) return 0;
  const front = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let i = 1; i < MOST_TERMS && term > EPSILON * sum; i++) sum += term *= x / (a + i);
    return 1 - front * sum;
  }
  let b = x + 1 - a;
  let c = 1 / TINY;
  let d = 1 / b;
  let fraction = d;
  for (let i = 1; i < MOST_TERMS; i++) {
    const numerator = -i * (i - a);
    b += 2;
    d = 1 / nonZero(numerator * d + b);
    c = nonZero(b + numerator / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < EPSILON) break;
  }
  return front * fraction;
}

/** The continued fraction of the incomplete beta function (Lentz). */
function betaFraction(a: number, b: number, x: number): number {
  let c = 1;
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m < MOST_TERMS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / nonZero(1 + even * d);
    c = nonZero(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / nonZero(1 + odd * d);
    c = nonZero(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < EPSILON) break;
  }
  return fraction;
}

const nonZero = (value: number): number => (Math.abs(value) < TINY ? TINY : value);

/** Γ(a + ½) / Γ(a): by its asymptotic series where that is exact, reached by recurrence from below. */
function gammaRatio(a: number): number {
  let factor = 1;
  let at = a;
  // Γ(a + ½)/Γ(a) = a/(a + ½) · Γ(a + 3/2)/Γ(a + 1).
  for (; at < 40; at++) factor *= at / (at + 0.5);
  const r = 1 / at;
  const series =
    1 +
    r *
      (-1 / 8 +
        r * (1 / 128 + r * (5 / 1024 + r * (-21 / 32768 + r * (-399 / 262144 + r * (869 / 4194304))))));
  return factor * Math.sqrt(at) * series;
}

/** ln Γ(a), a > 0, by Lanczos' approximation (g = 7, 9 terms). */
function logGamma(a: number): number {
  let sum = LANCZOS[0]!;
  for (let i = 1; i < LANCZOS.length; i++) sum += LANCZOS[i]! / (a - 1 + i);
  const t = a + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (a - 0.5) * Math.log(t) - t + Math.log(sum);
}

/** Godfrey's coefficients, as in Boost and in most libraries. */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];
