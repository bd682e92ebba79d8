import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { call } from '../../../api/client.ts';
import { count, percent } from '../../../parts/format.ts';
import type { Experiment } from '../experiment-form.ts';
import { simulate, type Progress } from './drive.ts';
import { problemsOfSettings, SETTING_NAMES, SETTINGS, settingsOf, type TypedSettings } from './settings.ts';

/** Sends made-up listeners to the local API, so that an experiment can be watched deciding. */
export function Simulator({ experiments }: { readonly experiments: readonly Experiment[] }) {
  const id = useId();
  const [typed, setTyped] = useState<TypedSettings>({
    listeners: '1000',
    visits: '2',
    clickRate: '20',
    uplift: '50',
  });
  const [run, setRun] = useState<{ readonly name: string; readonly listeners: number } | null>(null);
  const [progress, setProgress] = useState<Progress | null>(null);
  const [state, setState] = useState<'idle' | 'running' | 'stopping' | 'done' | 'failed'>('idle');
  const [failure, setFailure] = useState('');
  const stop = useRef<AbortController>(null);
  useEffect(() => () => stop.current?.abort(), []);

  const problems = problemsOfSettings(typed);
  const settings = settingsOf(typed);
  const isBusy = state === 'running' || state === 'stopping';

  async function start(event: Event): Promise<void> {
    event.preventDefault();
    if (settings === null || isBusy) return;
    const controller = new AbortController();
    stop.current = controller;
    const name = Date.now().toString(36);
    setRun({ name, listeners: settings.listeners });
    setProgress(null);
    setState('running');
    try {
      await simulate(
        settings,
        { call, now: Date.now, sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) },
        { run: name, experiments, signal: controller.signal, onProgress: setProgress },
      );
      setState('done');
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
      setState('failed');
    }
  }

  return (
    <article class="simulator">
      <h2>Simulate listeners</h2>
      <p>
        Made-up listeners name a few artists, get lists from this very API, and click, play and like as you
        say: watch an experiment decide. Running now: {running(experiments)}.
      </p>
      <form onSubmit={(event) => void start(event)} noValidate>
        <fieldset class="settings" disabled={isBusy}>
          <legend class="visually-hidden">How they behave</legend>
          {SETTING_NAMES.map((name) => {
            const { label, help, least, most } = SETTINGS[name];
            const problem = problems[name];
            return (
              <div class="field" key={name}>
                <label>
                  {label}
                  <input
                    type="number"
                    min={least}
                    max={most}
                    step="any"
                    value={typed[name]}
                    onInput={({ currentTarget }) => setTyped({ ...typed, [name]: currentTarget.value })}
                    aria-invalid={problem === undefined ? undefined : true}
                    aria-describedby={`${id}-${name}`}
                  />
                </label>
                <small id={`${id}-${name}`} class={problem === undefined ? undefined : 'field-problem'}>
                  {problem ?? help}
                </small>
              </div>
            );
          })}
        </fieldset>
        <div class="buttons">
          {isBusy ? (
            <button
              type="button"
              class="secondary"
              disabled={state === 'stopping'}
              onClick={() => (setState('stopping'), stop.current?.abort())}
            >
              {state === 'stopping' ? 'Stopping…' : 'Stop'}
            </button>
          ) : (
            <button type="submit" disabled={settings === null}>
              Send them
            </button>
          )}
        </div>
      </form>
      <div class="simulation" data-state={state}>
        {run === null ? (
          <p class="muted">Nobody has been sent yet.</p>
        ) : (
          <Told progress={progress} run={run.name} listeners={run.listeners} />
        )}
        <p role="status">
          {state === 'done' ? 'Done: all that they did has been sent.' : ''}
          {state === 'running' ? 'They are on their way.' : ''}
        </p>
        {state === 'failed' ? (
          <p class="note bad" role="alert">
            It ended early: {failure}
          </p>
        ) : null}
      </div>
      <p class="muted">
        This writes to the stores of your local stack, and the next training learns from it. These listeners
        can be told by their ids, which begin with <code>sim-</code>; <code>npm run reset</code> forgets
        everything. A change of an experiment takes up to ten seconds to reach the lists.
      </p>
    </article>
  );
}

function running(experiments: readonly Experiment[]): string {
  const keys = experiments.flatMap(({ key, status }) => (status === 'running' ? [key] : []));
  return keys.length === 0 ? 'no experiment' : keys.join(', ');
}

function Told({
  progress,
  run,
  listeners,
}: {
  readonly progress: Progress | null;
  readonly run: string;
  readonly listeners: number;
}) {
  const perSecond = progress === null || progress.ms < 500 ? 0 : (1_000 * progress.lists) / progress.ms;
  return (
    <>
      <progress
        value={progress?.listeners ?? 0}
        max={listeners}
        aria-label="Listeners who have had their lists"
      />
      <ul class="muted">
        <li>
          {count(progress?.listeners ?? 0)} of {count(listeners)} listeners <code>sim-{run}-…</code>,{' '}
          {count(progress?.lists ?? 0)} lists served, {count(progress?.events ?? 0)} events sent
          {perSecond === 0 ? '' : `, ${perSecond.toFixed(perSecond < 10 ? 1 : 0)} lists a second`}
        </li>
        {progress === null || progress.lists === 0 ? null : (
          <li>
            {Object.entries(progress.shares)
              .toSorted(([a], [b]) => (a < b ? -1 : 1))
              .map(
                ([share, lists]) =>
                  `${share === '' ? 'no experiment' : share} ${percent(lists / progress.lists)}`,
              )
              .join(', ')}
          </li>
        )}
        {progress !== null && progress.unlogged > 0 ? (
          <li>{count(progress.unlogged)} lists were not logged and count for nobody.</li>
        ) : null}
        {progress !== null && progress.refused > 0 ? (
          <li>
            {count(progress.refused)} events were refused: {progress.problem}
          </li>
        ) : null}
        {progress !== null && progress.retries > 0 ? (
          <li>
            {count(progress.retries)} requests were sent again: {progress.problem}
          </li>
        ) : null}
      </ul>
    </>
  );
}
