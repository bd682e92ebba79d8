/**
 * Remembers what was made for the keys asked for last.
 *
 * @param capacity - Most values kept, >= 0; of more the least lately asked for goes.
 * @returns The value of a key, made by `make` where it is not there.
 */
export function createLru<Value extends object>(
  capacity: number,
): (key: number, make: (key: number) => Value) => Value {
  // A Map keeps the order of insertion: the first key is the one least lately asked for.
  const kept = new Map<number, Value>();
  return (key, make) => {
    const known = kept.get(key);
    const value = known ?? make(key);
    if (known !== undefined) kept.delete(key);
    kept.set(key, value);
    if (kept.size > capacity) kept.delete(kept.keys().next().value!);
    return value;
  };
}
