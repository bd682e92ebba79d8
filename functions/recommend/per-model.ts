/**
 * What is computed once for each model, on first need, and forgotten with it.
 *
 * @param create - Of a model, or of anything else that a version has one of.
 */
export function perModel<Model extends object, Value>(
  create: (model: Model) => Value,
): (model: Model) => Value {
  const known = new WeakMap<Model, { readonly value: Value }>();
  return (model) => {
    let entry = known.get(model);
    if (entry === undefined) {
      entry = { value: create(model) };
      known.set(model, entry);
    }
    return entry.value;
  };
}
