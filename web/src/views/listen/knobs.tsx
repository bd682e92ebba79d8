import { useId, useState } from 'preact/hooks';
import { PLAIN, withTags, type Knobs } from './ask-list.ts';

/** How the list is wanted: more variety, less known artists, some tags alone. */
export function KnobsForm({
  knobs,
  change,
}: {
  readonly knobs: Knobs;
  readonly change: (next: Knobs) => void;
}) {
  const id = useId();
  const [typed, setTyped] = useState('');
  const isPlain = knobs.diversity === 0 && knobs.debias === 0 && knobs.tags.length === 0;
  return (
    <section aria-label="How the list is made">
      <Slider
        label="Variety"
        ends={['most likely', 'most varied']}
        value={knobs.diversity}
        change={(diversity) => change({ ...knobs, diversity })}
      />
      <Slider
        label="Popularity"
        ends={['as it comes', 'lesser known']}
        value={knobs.debias}
        change={(debias) => change({ ...knobs, debias })}
      />
      <form
        onSubmit={(event) => {
          event.preventDefault();
          change({ ...knobs, tags: withTags(knobs.tags, typed) });
          setTyped('');
        }}
      >
        <label htmlFor={id}>Only these tags</label>
        <fieldset role="group">
          <input
            id={id}
            value={typed}
            placeholder="post-punk, 80s"
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
          <button type="submit" class="secondary">
            Add
          </button>
        </fieldset>
      </form>
      {knobs.tags.length === 0 ? null : (
        <ul class="chips" aria-label="Only these tags">
          {knobs.tags.map((tag) => (
            <li key={tag}>
              {tag}
              <button
                type="button"
                class="drop"
                aria-label={`Remove ${tag}`}
                onClick={() => change({ ...knobs, tags: knobs.tags.filter((other) => other !== tag) })}
              >
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
      <button type="button" class="secondary outline reset" disabled={isPlain} onClick={() => change(PLAIN)}>
        As it comes
      </button>
    </section>
  );
}

function Slider({
  label,
  ends,
  value,
  change,
}: {
  readonly label: string;
  readonly ends: readonly [string, string];
  readonly value: number;
  readonly change: (value: number) => void;
}) {
  return (
    <label>
      {label}
      <input
        type="range"
        min="0"
        max="1"
        step="0.1"
        value={value}
        aria-valuetext={
          value === 0 ? ends[0] : value === 1 ? ends[1] : `${Math.round(100 * value)}% ${ends[1]}`
        }
        onInput={(event) => change(Number(event.currentTarget.value))}
      />
      <span class="ends muted" aria-hidden="true">
        <span>{ends[0]}</span>
        <span>{ends[1]}</span>
      </span>
    </label>
  );
}
