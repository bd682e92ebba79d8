import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { useLocation } from 'wouter-preact';
import {
  changeOf,
  draftOf,
  effectOf,
  effectText,
  KINDS,
  NEW_DRAFT,
  problemsOf,
  RANKERS,
  type Draft,
  type DraftVariant,
  type Experiment,
} from './experiment-form.ts';
import { usePutExperiment } from './put-experiment.ts';
import { RefusalNote } from './refusal-note.tsx';

/** Changes an experiment, or makes one. */
export function ChangeForm({
  experiment,
  taken,
  locked,
  onChanged,
}: {
  /** `null` for a new one. */
  readonly experiment: Experiment | null;
  /** Keys of all experiments. */
  readonly taken: readonly string[];
  /** Why nobody may write here, `null` where they may. */
  readonly locked: string | null;
  readonly onChanged: () => void;
}) {
  const id = useId();
  const [, navigate] = useLocation();
  // A newer revision that arrives while somebody types must not take the words out of their mouth.
  const [base, setBase] = useState(experiment);
  const [draft, setDraft] = useState<Draft>(base === null ? NEW_DRAFT : draftOf(base));
  const [isTried, setTried] = useState(false);
  const [isReloading, setReloading] = useState(false);
  const { isSending, refusal, put, forget } = usePutExperiment();
  const more = useRef<HTMLDetailsElement>(null);

  const found = problemsOf(draft, base === null ? taken : []);
  const isFine = Object.keys(found).length === 0;
  const change = isFine ? changeOf(draft, base?.status ?? 'draft', base?.revision ?? 0) : null;
  const isStale = experiment !== null && base !== null && experiment.revision > base.revision;
  const refused = refusal?.kind === 'field' ? { [refusal.field]: refusal.text } : {};
  // Nobody is told of a field that they have not come to yet.
  const problems: Readonly<Record<string, string>> = {
    ...(isTried || base !== null ? found : {}),
    ...refused,
  };
  const isPlaced = refusal?.kind === 'field' && PLACES.test(refusal.field);

  const isProblemBelow = Object.keys(problems).some((field) => /^(layer|seed)/.test(field));
  useEffect(() => {
    // Opened for whoever has to see it, and closed by nobody but them.
    if (isProblemBelow && more.current !== null) more.current.open = true;
  }, [isProblemBelow]);

  function edit(next: Partial<Draft>): void {
    forget();
    setDraft({ ...draft, ...next });
  }
  function editVariant(at: number, next: Partial<DraftVariant>): void {
    edit({ variants: draft.variants.map((variant, i) => (i === at ? { ...variant, ...next } : variant)) });
  }
  function start(from: Experiment | null): void {
    forget();
    setTried(false);
    setBase(from);
    setDraft(from === null ? NEW_DRAFT : draftOf(from));
  }
  useEffect(() => {
    if (!isReloading || !isStale) return;
    setReloading(false);
    start(experiment);
  }, [isReloading, isStale]);
  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    setTried(true);
    if (change === null || isSending || locked !== null) return;
    const changed = await put(draft.key, change);
    if (changed === null) return;
    onChanged();
    if (base === null) navigate(`/experiments/${changed.key}`);
    start(base === null ? null : changed);
  }

  /** What ties a control to its problem. */
  const checked = (field: string) => ({
    'aria-invalid': problems[field] === undefined ? undefined : true,
    'aria-describedby': problems[field] === undefined ? undefined : `${id}-${field}`,
  });
  const problem = (field: string) =>
    problems[field] === undefined ? null : (
      <small id={`${id}-${field}`} class="field-problem">
        {problems[field]}
      </small>
    );

  return (
    <form class="experiment-form" onSubmit={(event) => void submit(event)} noValidate>
      {isStale && refusal?.kind !== 'stale' ? (
        <RefusalNote refusal={{ kind: 'stale' }} onReload={() => start(experiment)} />
      ) : null}
      <fieldset disabled={locked !== null}>
        {base === null ? (
          <div class="field">
            <label>
              Name
              <input
                value={draft.key}
                placeholder="my-experiment"
                autocomplete="off"
                spellcheck={false}
                onInput={({ currentTarget }) => edit({ key: currentTarget.value })}
                {...checked('key')}
              />
            </label>
            {problem('key')}
          </div>
        ) : null}
        <div class="field">
          <label>
            Kind
            <select
              value={draft.kind}
              onChange={({ currentTarget }) =>
                edit({ kind: currentTarget.value === 'ab' ? 'ab' : 'interleaving' })
              }
              {...checked('kind')}
            >
              {Object.entries(KINDS).map(([kind, text]) => (
                <option key={kind} value={kind}>
                  {text}
                </option>
              ))}
            </select>
          </label>
          {problem('kind')}
        </div>
        <fieldset class="variants" aria-describedby={checked('variants')['aria-describedby']}>
          <legend>Variants, the control first</legend>
          {draft.variants.map((variant, i) => (
            // oxlint-disable-next-line react/no-array-index-key -- its name is what is typed: no other key stays
            <div key={i} class="variant-row">
              <div class="field">
                <label>
                  Name <span class="visually-hidden">of variant {i + 1}</span>
                  <input
                    value={variant.key}
                    autocomplete="off"
                    spellcheck={false}
                    onInput={({ currentTarget }) => editVariant(i, { key: currentTarget.value })}
                    {...checked(`variants.${i}.key`)}
                  />
                </label>
                {problem(`variants.${i}.key`)}
              </div>
              <div class="field">
                <label>
                  Ranker <span class="visually-hidden">of variant {i + 1}</span>
                  <select
                    value={variant.ranker}
                    onChange={({ currentTarget }) => editVariant(i, { ranker: currentTarget.value })}
                    {...checked(`variants.${i}.ranker`)}
                  >
                    {Object.entries(RANKERS).map(([ranker, text]) => (
                      <option key={ranker} value={ranker}>
                        {ranker}: {text}
                      </option>
                    ))}
                  </select>
                </label>
                {problem(`variants.${i}.ranker`)}
              </div>
              <div class="field">
                <label>
                  Weight, % <span class="visually-hidden">of variant {i + 1}</span>
                  <input
                    type="number"
                    min="0"
                    max="100"
                    step="any"
                    value={variant.weight}
                    onInput={({ currentTarget }) => editVariant(i, { weight: currentTarget.value })}
                    {...checked(`variants.${i}.weight`)}
                  />
                </label>
                {problem(`variants.${i}.weight`)}
              </div>
              <button
                type="button"
                class="secondary outline"
                disabled={draft.variants.length <= 2}
                aria-label={`Remove variant ${i + 1}`}
                onClick={() => edit({ variants: draft.variants.filter((_, at) => at !== i) })}
              >
                Remove
              </button>
            </div>
          ))}
          {problem('variants')}
          <div class="buttons">
            <button
              type="button"
              class="secondary outline"
              disabled={draft.kind === 'interleaving' || draft.variants.length >= 20}
              onClick={() =>
                edit({
                  variants: [
                    ...draft.variants,
                    { key: `variant-${draft.variants.length + 1}`, weight: '0', ranker: 'lr' },
                  ],
                })
              }
            >
              Add a variant
            </button>
            <button
              type="button"
              class="secondary outline"
              onClick={() => edit({ variants: evenly(draft.variants) })}
            >
              Same weight for all
            </button>
          </div>
        </fieldset>
        <div class="field">
          <label>
            Coverage, % of the listeners who take part
            <input
              type="number"
              min="0"
              max="100"
              step="any"
              value={draft.coverage}
              onInput={({ currentTarget }) => edit({ coverage: currentTarget.value })}
              {...checked('coverage')}
            />
          </label>
          {problem('coverage')}
        </div>
        <details ref={more}>
          <summary>Layer and seed</summary>
          <p class="muted">
            Experiments that run at the same time need a layer each, of one namespace and beside each other:
            one from 0 to 50, the other from 50 to 100. Without a namespace an experiment asks for all
            listeners.
          </p>
          <div class="layer-row">
            <div class="field">
              <label>
                Namespace
                <input
                  value={draft.layer.namespace}
                  autocomplete="off"
                  spellcheck={false}
                  onInput={({ currentTarget }) =>
                    edit({ layer: { ...draft.layer, namespace: currentTarget.value } })
                  }
                  {...checked('layer.namespace')}
                />
              </label>
              {problem('layer.namespace')}
            </div>
            {(['start', 'end'] as const).map((end) => (
              <div class="field" key={end}>
                <label>
                  {end === 'start' ? 'From, %' : 'To, %'}
                  <input
                    type="number"
                    min="0"
                    max="100"
                    step="any"
                    value={draft.layer[end]}
                    disabled={draft.layer.namespace === ''}
                    onInput={({ currentTarget }) =>
                      edit({ layer: { ...draft.layer, [end]: currentTarget.value } })
                    }
                    {...checked(`layer.${end}`)}
                  />
                </label>
                {problem(`layer.${end}`)}
              </div>
            ))}
          </div>
          {problem('layer')}
          <div class="field">
            <label>
              Seed
              <input
                value={draft.seed}
                placeholder="The name of the experiment"
                autocomplete="off"
                spellcheck={false}
                onInput={({ currentTarget }) => edit({ seed: currentTarget.value })}
                {...checked('seed')}
              />
            </label>
            {problem('seed')}
            <small>A new seed deals all listeners anew.</small>
          </div>
        </details>
      </fieldset>
      <p class="effect" aria-live="polite">
        {change === null
          ? 'Some fields cannot stay as they are.'
          : base === null
            ? 'It is made as a draft: nobody takes part before you start it.'
            : effectText(base, change)}
      </p>
      {refusal === null || isPlaced ? null : (
        <RefusalNote refusal={refusal} onReload={() => (setReloading(true), onChanged())} />
      )}
      <div class="buttons">
        <button
          type="submit"
          disabled={
            locked !== null || (base !== null && change !== null && effectOf(base, change) === 'none')
          }
          aria-busy={isSending ? true : undefined}
        >
          {base === null ? 'Make the experiment' : 'Save the change'}
        </button>
        {base === null ? null : (
          <button type="button" class="secondary outline" onClick={() => start(experiment)}>
            Undo
          </button>
        )}
      </div>
    </form>
  );
}

/** Fields that the form shows a problem beside. */
const PLACES =
  /^(key|kind|coverage|seed|variants(\.\d+\.(key|weight|ranker))?|layer(\.(namespace|start|end))?)$/;

/** Equal weights that sum to 100; the first takes what rounding leaves. */
function evenly(variants: readonly DraftVariant[]): readonly DraftVariant[] {
  const each = Math.floor(10_000 / variants.length);
  const first = 10_000 - each * (variants.length - 1);
  return variants.map((variant, i) => ({ ...variant, weight: String((i === 0 ? first : each) / 100) }));
}
