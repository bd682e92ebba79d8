import { useAnswer } from '../../api/use-answer.ts';
import { time } from '../../parts/format.ts';
import { effectText, isRanker, RANKERS, statusChange, type Experiment } from './experiment-form.ts';
import { share } from './figures.ts';
import { usePutExperiment } from './put-experiment.ts';
import { RefusalNote } from './refusal-note.tsx';

/** What an experiment is, and the button that starts or stops it. */
export function ExperimentHead({
  experiment,
  locked,
  onChanged,
}: {
  readonly experiment: Experiment;
  readonly locked: string | null;
  readonly onChanged: () => void;
}) {
  const { key, kind, status, revision, variants, coverage, layer, createdAt, builtIn } = experiment;
  const { isSending, refusal, put } = usePutExperiment();
  const change = statusChange(experiment, status === 'running' ? 'stopped' : 'running');
  async function toggle(): Promise<void> {
    if ((await put(key, change)) !== null) onChanged();
  }
  return (
    <header class="experiment-head">
      <h2 id="experiment">
        {key} <span class={`status ${status}`}>{status}</span>
      </h2>
      <p>
        {kind === 'ab'
          ? 'A/B test: each listener gets the lists of one variant. '
          : 'Interleaving: each list is drafted from both variants, and clicks say whose artists are liked. '}
        {layer === undefined
          ? coverage === 1
            ? 'Every listener takes part.'
            : `${share(coverage)} of all listeners take part.`
          : `${share(coverage)} of the listeners from ${share(layer.start)} to ${share(layer.end)} of layer ${layer.namespace} take part.`}
      </p>
      <ul class="variant-list">
        {variants.map(({ key, weight, ranker }, i) => (
          <li key={key}>
            <strong>{key}</strong>
            {i === 0 ? ' (control)' : ''}: {share(weight)}, ranked by {ranker}
            {isRanker(ranker) ? ` (${RANKERS[ranker]})` : ''}
          </li>
        ))}
      </ul>
      <StandIn variants={variants} />
      <p class="muted">
        Revision {revision}
        {createdAt === null ? '' : `, since ${time(createdAt)}`}
        {builtIn ? '. It is built in and runs until somebody changes it' : ''}.
      </p>
      <div class="start-stop">
        <button
          type="button"
          class={status === 'running' ? 'secondary' : undefined}
          disabled={locked !== null}
          aria-busy={isSending ? true : undefined}
          aria-describedby="start-stop-effect"
          onClick={() => void toggle()}
        >
          {status === 'running' ? 'Stop' : 'Start'}
        </button>
        <small id="start-stop-effect">
          {locked ??
            (status === 'draft'
              ? 'It assigns listeners within some ten seconds, and the read-out begins.'
              : effectText(experiment, change))}
        </small>
      </div>
      {refusal === null ? null : <RefusalNote refusal={refusal} onReload={onChanged} />}
    </header>
  );
}

/** Says that a ranker is not what it is called: a model has trees and an MLP only where it was trained with high effort. */
function StandIn({ variants }: Pick<Experiment, 'variants'>) {
  const asked = [...new Set(variants.map(({ ranker }) => ranker))].filter((ranker) => ranker !== 'lr');
  const { data } = useAnswer('GET /models', asked.length === 0 ? null : { query: { n: 1 } });
  const served = data?.versions.find(({ current }) => current);
  if (asked.length === 0 || served === undefined || !served.readable || served.effort === 'high') return null;
  return (
    <p class="note">
      The model served has no {asked.join(' or ')}: lr ranks in {asked.length === 1 ? 'its' : 'their'} place.
      Train one with <code>--effort high</code> to compare them.
    </p>
  );
}
