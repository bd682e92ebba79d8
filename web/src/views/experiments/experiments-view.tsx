import { Link, useLocation } from 'wouter-preact';
import { useAnswer } from '../../api/use-answer.ts';
import { Empty, Failed, Loading } from '../../parts/states.tsx';
import type { View } from '../view.ts';
import { ChangeForm } from './change-form.tsx';
import { LR_AGAINST_TREES, type Experiment } from './experiment-form.ts';
import { ExperimentHead } from './experiment-head.tsx';
import './experiments.css';
import { usePutExperiment } from './put-experiment.ts';
import { ReadOut } from './read-out.tsx';
import { RefusalNote } from './refusal-note.tsx';
import { Simulator } from './simulate/simulator.tsx';

/** Experiments that compare rankers: which there are, what they have shown, and how to change them. */
export function ExperimentsView({ config, experimentKey }: View & { readonly experimentKey: string | null }) {
  const { data, problem, isAsking, again } = useAnswer('GET /experiments', {});
  const locked =
    config.auth === 'demo' ? 'This is a demonstration: experiments can be looked at, but not changed.' : null;
  return (
    <>
      <h1>Experiments</h1>
      <p>
        Which ranker do listeners like best? Each gets the lists of one variant, and what they do with them
        says which is better.
      </p>
      {data !== undefined ? (
        <>
          {problem === undefined ? null : (
            <Failed what="The newest state of the experiments" problem={problem} again={again} />
          )}
          <Experiments
            experiments={data.experiments}
            experimentKey={experimentKey}
            locked={locked}
            isLocal={config.auth === 'open'}
            isAsking={isAsking}
            again={again}
          />
        </>
      ) : problem === undefined ? (
        <Loading rows={10} label="Loading the experiments" />
      ) : problem.status === 401 || problem.status === 403 ? (
        <Empty title="Experiments are for those who run Encore">
          <p>
            {problem.status === 401
              ? 'You are not signed in, or no longer.'
              : 'Your account may listen, but not see or change experiments. Whoever runs the service can give it the scope for that.'}
          </p>
          <p>
            <Link href="/">Go to your list</Link>
          </p>
        </Empty>
      ) : (
        <Failed what="The experiments" problem={problem} again={again} />
      )}
    </>
  );
}

function Experiments({
  experiments,
  experimentKey,
  locked,
  isLocal,
  isAsking,
  again,
}: {
  readonly experiments: readonly Experiment[];
  readonly experimentKey: string | null;
  readonly locked: string | null;
  readonly isLocal: boolean;
  /** Whether there may be others by now. */
  readonly isAsking: boolean;
  readonly again: () => void;
}) {
  const chosen = chosenOf(experiments, experimentKey);
  const taken = experiments.map(({ key }) => key);
  return (
    <div class="experiments">
      <div class="experiments-side">
        <nav aria-label="Experiments">
          <ul class="experiment-list">
            {experiments.map(({ key, status, kind }) => (
              <li key={key}>
                <Link href={`/experiments/${key}`} aria-current={key === chosen?.key ? 'page' : undefined}>
                  <span class="experiment-name">{key}</span>
                  <span class={`status ${status}`}>{status}</span>
                  <small class="muted">{kind === 'ab' ? 'A/B test' : 'interleaving'}</small>
                </Link>
              </li>
            ))}
          </ul>
        </nav>
        {locked === null ? null : <p class="note">{locked}</p>}
        {taken.includes(LR_AGAINST_TREES.key) ? null : (
          <QuickStart locked={locked} onStarted={again} experiments={experiments} />
        )}
        <details>
          <summary role="button" class="secondary outline">
            New experiment
          </summary>
          <ChangeForm experiment={null} taken={taken} locked={locked} onChanged={again} />
        </details>
      </div>
      <div class="experiments-main">
        {chosen === undefined && isAsking ? (
          <Loading rows={10} label="Loading the experiment" />
        ) : chosen === undefined ? (
          <Empty title={`There is no experiment “${experimentKey}”`}>
            <p>Choose one of the list, or make a new one.</p>
          </Empty>
        ) : (
          <section key={chosen.key} aria-labelledby="experiment">
            <ExperimentHead experiment={chosen} locked={locked} onChanged={again} />
            <ReadOut experiment={chosen} onNewer={again} />
            <details>
              <summary role="button" class="secondary outline">
                Change this experiment
              </summary>
              <ChangeForm experiment={chosen} taken={taken} locked={locked} onChanged={again} />
            </details>
          </section>
        )}
      </div>
      {isLocal ? <Simulator experiments={experiments} /> : null}
    </div>
  );
}

/** The experiment that the address names; without a name the first that runs. */
function chosenOf(experiments: readonly Experiment[], key: string | null): Experiment | undefined {
  if (key !== null) return experiments.find((experiment) => experiment.key === key);
  // The built-in one is asked last of all: any other that runs is what somebody wants to see.
  const running = experiments.filter(({ status }) => status === 'running');
  return running.find(({ builtIn }) => !builtIn) ?? running[0] ?? experiments[0];
}

/** One click from nothing to an experiment that compares something. */
function QuickStart({
  locked,
  onStarted,
  experiments,
}: {
  readonly locked: string | null;
  readonly onStarted: () => void;
  readonly experiments: readonly Experiment[];
}) {
  const [, navigate] = useLocation();
  const { isSending, refusal, put } = usePutExperiment();
  async function start(): Promise<void> {
    const started = await put(LR_AGAINST_TREES.key, {
      ...LR_AGAINST_TREES.change,
      variants: [...LR_AGAINST_TREES.change.variants],
    });
    if (started === null) return;
    onStarted();
    navigate(`/experiments/${started.key}`);
  }
  const builtIn = experiments.find((experiment) => experiment.builtIn && experiment.status === 'running');
  return (
    <div class="quick-start">
      <button
        type="button"
        disabled={locked !== null}
        aria-busy={isSending ? true : undefined}
        onClick={() => void start()}
      >
        Start an A/B test: lr against trees
      </button>
      {builtIn === undefined ? null : (
        <small class="muted">
          All listeners take part in it. {builtIn.key}, the built-in A/A test, has those whom no other wants:
          nobody then.
        </small>
      )}
      {refusal === null ? null : <RefusalNote refusal={refusal} onReload={onStarted} />}
    </div>
  );
}
