/** Numbers pairs of 32-bit integers 0, 1, 2, … in the order in which they come: a hash table without an object per entry. */
export interface PairTable {
  /** How many distinct pairs there are. */
  readonly size: number;
  /** The number of a pair; that of a new one is the size before. */
  add(high: number, low: number): number;
  /** The number of a pair, -1 where it was not added. */
  find(high: number, low: number): number;
}

/** An empty table; 16 to 24 bytes for each pair, growing by doubling. */
export function createPairTable(): PairTable {
  let size = 0;
  let highs = new Uint32Array(1024);
  let lows = new Uint32Array(1024);
  /** Number of the pair plus one, 0 where free; twice as many slots as there is room for pairs. */
  let slots = new Uint32Array(2048);

  const slotOf = (high: number, low: number): number => {
    const mask = slots.length - 1;
    let h = Math.imul(high ^ Math.imul(low, 0x9e3779b1), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 15), 0xc2b2ae35);
    let slot = (h ^ (h >>> 16)) & mask;
    for (;;) {
      const entry = slots[slot]!;
      if (entry === 0 || (highs[entry - 1] === high && lows[entry - 1] === low)) return slot;
      slot = (slot + 1) & mask;
    }
  };

  const grow = (): void => {
    highs = grown(highs, 2 * size, Uint32Array);
    lows = grown(lows, 2 * size, Uint32Array);
    slots = new Uint32Array(4 * size);
    for (let i = 0; i < size; i++) slots[slotOf(highs[i]!, lows[i]!)] = i + 1;
  };

  return {
    get size() {
      return size;
    },
    add: (high, low) => {
      const [a, b] = [high >>> 0, low >>> 0];
      let slot = slotOf(a, b);
      if (slots[slot] !== 0) return slots[slot]! - 1;
      if (size === highs.length) {
        grow();
        slot = slotOf(a, b);
      }
      highs[size] = a;
      lows[size] = b;
      slots[slot] = size + 1;
      return size++;
    },
    find: (high, low) => slots[slotOf(high >>> 0, low >>> 0)]! - 1,
  };
}

/** A copy of an array with room for at least `length` values, the new ones 0; the array itself where it has the room. */
export function grown<Numbers extends { readonly length: number; set(values: Numbers): void }>(
  values: Numbers,
  length: number,
  Kind: new (length: number) => Numbers,
): Numbers {
  if (values.length >= length) return values;
  const copy = new Kind(Math.max(length, 2 * values.length));
  copy.set(values);
  return copy;
}

/**
 * Hashes a string to a pair of unsigned 32-bit integers, in two lanes of different multipliers: among a million distinct strings
 * two have the same pair once in some 10⁷ times.
 *
 * @param salt - Any 32-bit integer; different salts give unrelated pairs.
 * @param lanes - Shape (2,): where the pair is written.
 * @see bryc, cyrb53 (public domain), whose multipliers and finalisation these are.
 */
export function hashToPair(text: string, salt: number, lanes: Uint32Array): void {
  let a = 0xdeadbeef ^ salt;
  let b = 0x41c6ce57 ^ Math.imul(salt, 0x9e3779b1);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 2654435761);
    b = Math.imul(b ^ unit, 1597334677);
  }
  lanes[0] = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  lanes[1] = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(lanes[0] ^ (lanes[0] >>> 13), 3266489909);
}
