/**
 * Seeded hashes and draws. Everything random in Encore is a pure function of a seed and of the ids it
 * concerns, so that neither the order of rows nor the number of threads can change a draw.
 */

/**
 * Mixes the bits of a 32-bit integer (the finaliser of MurmurHash3, a bijection).
 *
 * @param x - Any 32-bit integer.
 * @returns An unsigned 32-bit integer.
 * @see Austin Appleby, MurmurHash3 `fmix32`.
 */
function mix32(x: number): number {
  let h = x | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Hashes a seed and one integer key to an unsigned 32-bit integer. */
export function hash2(seed: number, a: number): number {
  return mix32(mix32(seed ^ 0x9e3779b9) + Math.imul(a, 0x9e3779b1));
}

/** Hashes a seed and two integer keys, in order, to an unsigned 32-bit integer. */
export function hash3(seed: number, a: number, b: number): number {
  return hash2(hash2(seed, a), b);
}

/**
 * Hashes a seed and a string to an unsigned 32-bit integer: FNV-1a over UTF-16 code units, finalised.
 *
 * @see Fowler, Noll, Vo: FNV-1a, 32 bits.
 */
export function hashString(seed: number, text: string): number {
  let h = 0x811c9dc5 ^ mix32(seed);
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return mix32(h);
}

/** Hashes a seed and bytes to an unsigned 32-bit integer: FNV-1a, finalised. */
export function hashBytes(seed: number, bytes: Uint8Array): number {
  let h = 0x811c9dc5 ^ mix32(seed);
  for (let i = 0; i < bytes.length; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193);
  return mix32(h);
}

/** A stream of draws. */
export interface Rng {
  /** Uniform in [0, 1), 32 bits of resolution. */
  next(): number;
  /** A uniform integer in [0, bound). */
  integer(bound: number): number;
  /** Normal with mean 0 and deviation 1 (Box-Muller, cosine branch; two uniform draws each). */
  normal(): number;
}

/**
 * A seeded stream of draws (mulberry32).
 *
 * @param seed - Any 32-bit integer; equal seeds give equal streams.
 * @see Tommy Ettinger, mulberry32 (public domain).
 */
export function createRng(seed: number): Rng {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return {
    next,
    integer: (bound) => Math.floor(next() * bound),
    normal: () => {
      const radius = Math.sqrt(-2 * Math.log(1 - next()));
      return radius * Math.cos(2 * Math.PI * next());
    },
  };
}
