import { useId, useState } from 'preact/hooks';
import { ApiProblem, call } from '../../api/client.ts';
import { count, time } from '../../parts/format.ts';
import { formatMetric, METRICS, metricOf } from './metrics.ts';
import { lockOf, refusalOf } from './switching.ts';
import type { ListedVersion } from './versions.tsx';

/** The version that lists come from, how good it is, and whether trainings may replace it. */
export function Served({
  served,
  previous,
  auth,
  onRollBack,
  onPinned,
}: {
  readonly served: ListedVersion;
  /** The version that was served before; `null` where there is none to go back to. */
  readonly previous: ListedVersion | null;
  readonly auth: string;
  readonly onRollBack: (to: ListedVersion) => void;
  /** Told once it is pinned, or no longer. */
  readonly onPinned: () => void;
}) {
  const id = useId();
  const lock = lockOf(auth);
  return (
    <section aria-labelledby={id} class="served">
      <h2 id={id}>Served now</h2>
      <p class="version">
        <code>{served.version}</code>
        <br />
        {[
          `trained ${time(served.createdAt)}`,
          ...(served.readable
            ? [presetOf(served), `code ${served.codeVersion}`].filter((part) => part !== null)
            : []),
        ].join(' · ')}
      </p>
      {served.readable ? (
        <dl class="figures">
          {METRICS.map((metric) => (
            <div key={metric.key}>
              <dt>{metric.name}</dt>
              <dd>{formatMetric(metricOf(served.metrics, metric), metric)}</dd>
              <dd class="muted">{metric.meaning}</dd>
            </div>
          ))}
        </dl>
      ) : (
        <p class="refusal">Its manifest cannot be read: {served.reason}.</p>
      )}
      <p class="muted">
        Each training puts a part of the listening aside, learns without it, and measures how well it is found
        again.
        {served.readable && served.counts['users'] !== undefined
          ? ` This one learnt from ${count(served.counts['users'])} listeners.`
          : ''}
      </p>
      <div class="controls">
        <PinSwitch served={served} lock={lock} onPinned={onPinned} />
        {previous === null ? null : (
          <button
            type="button"
            class="outline"
            disabled={lock !== null}
            title={lock ?? undefined}
            onClick={() => onRollBack(previous)}
          >
            Roll back to the version before
          </button>
        )}
      </div>
      {lock === null ? null : <p class="muted">{lock}</p>}
    </section>
  );
}

/** Keeps the version that is served, or lets the next training replace it. */
function PinSwitch({
  served: { version, pinned },
  lock,
  onPinned,
}: {
  readonly served: ListedVersion;
  readonly lock: string | null;
  /** Told once it is pinned, or no longer. */
  readonly onPinned: () => void;
}) {
  const id = useId();
  const [isBusy, setIsBusy] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const turn = async (input: HTMLInputElement): Promise<void> => {
    setIsBusy(true);
    setProblem(null);
    try {
      const body = { pinned: input.checked };
      await call('POST /models/{version}/activate', { params: { version }, body });
      onPinned();
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      input.checked = pinned;
      setProblem(error);
    } finally {
      setIsBusy(false);
    }
  };
  return (
    <div class="pin">
      <label>
        <input
          type="checkbox"
          // oxlint-disable-next-line jsx-a11y/role-has-required-aria-props -- a checkbox says by itself whether it is on
          role="switch"
          checked={pinned}
          disabled={lock !== null || isBusy}
          aria-describedby={id}
          onChange={(event) => void turn(event.currentTarget)}
        />
        Keep this version
      </label>
      <p id={id} class="muted" role="status">
        {pinned
          ? 'It is pinned: later trainings publish their versions, but this one stays served.'
          : 'It is not pinned: the next training serves its own version.'}
      </p>
      {problem === null ? null : (
        <p class="refusal" role="alert">
          {refusalOf(problem)}
        </p>
      )}
    </div>
  );
}

/** `preset full, effort default`. */
export function presetOf({ preset, effort }: Extract<ListedVersion, { readable: true }>): string | null {
  const parts = [
    ...(preset === null ? [] : [`preset ${preset}`]),
    ...(effort === null ? [] : [`effort ${effort}`]),
  ];
  return parts.length === 0 ? null : parts.join(', ');
}
