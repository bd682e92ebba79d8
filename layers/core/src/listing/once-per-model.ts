/**
 * Makes something of a model on first need and keeps it as long as the model is there: one value for each model object.
 *
 * @param make - Pure.
 */
export function oncePerModel<Model extends object, Value>(
  make: (model: Model) => Value,
): (model: Model) => Value {
  const made = new WeakMap<Model, { readonly value: Value }>();
  return (model) => {
    const known = made.get(model);
    if (known !== undefined) return known.value;
    const value = make(model);
    made.set(model, { value });
    return value;
  };
}
