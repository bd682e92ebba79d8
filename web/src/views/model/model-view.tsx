import { useState } from 'preact/hooks';
import { useAnswer } from '../../api/use-answer.ts';
import { count } from '../../parts/format.ts';
import { Empty, Failed, Loading } from '../../parts/states.tsx';
import type { View } from '../view.ts';
import './model.css';
import { Report } from './report.tsx';
import { Served } from './served.tsx';
import { SwitchDialog } from './switch-dialog.tsx';
import { whatIsDone, type Switched } from './switching.ts';
import { Versions, type ListedVersion } from './versions.tsx';

const VERSIONS = 20;
/** As many as the API gives. */
const MOST_VERSIONS = 100;

/** Which model lists come from, which others there are, and how the one served came to be. */
export function ModelView({ config: { auth } }: View) {
  const [n, setN] = useState(VERSIONS);
  const { data, problem, again } = useAnswer('GET /models', { query: { n } });
  const [wanted, setWanted] = useState<ListedVersion | null>(null);
  const [done, setDone] = useState('');
  const onDone = (switched: Switched): void => {
    setDone(whatIsDone(switched));
    again();
  };
  const served = data?.versions.find(({ current }) => current);
  const previous = data?.versions.find(({ version }) => version === data.pointer?.previous);
  return (
    <div class="model">
      <h1>Model</h1>
      <p>A training makes a version, and lists come from one version at a time. This is how good they are.</p>
      <p class="done" role="status">
        {done}
      </p>
      {data === undefined ? (
        problem === undefined ? (
          <Loading rows={10} label="Loading the versions" />
        ) : (
          <Failed what="The versions" problem={problem} again={again} />
        )
      ) : data.pointer === null && data.versions.length === 0 ? (
        <Empty title="No version is published yet">
          <p>The first training publishes one; it appears here then.</p>
          <button type="button" onClick={again}>
            Look again
          </button>
        </Empty>
      ) : (
        <>
          {problem === undefined ? null : (
            <Failed what="The newest state of the versions" problem={problem} again={again} />
          )}
          {served === undefined ? (
            <p class="refusal">
              {data.pointer === null
                ? 'None of the versions is served yet.'
                : `The version served, ${data.pointer.version}, is not among the newest ${count(data.versions.length)}.`}
            </p>
          ) : (
            <Served
              served={served}
              previous={previous?.readable === true ? previous : null}
              auth={auth}
              onRollBack={setWanted}
              onPinned={() => {
                setDone('');
                again();
              }}
            />
          )}
          <section>
            <h2>Versions</h2>
            <Versions versions={data.versions} auth={auth} onActivate={setWanted} />
            {data.total > data.versions.length ? (
              <p class="muted">
                The newest {count(data.versions.length)} of {count(data.total)} are shown.{' '}
                {n < MOST_VERSIONS ? (
                  <button type="button" class="outline" onClick={() => setN(MOST_VERSIONS)}>
                    Show more
                  </button>
                ) : null}
              </p>
            ) : null}
          </section>
          {data.pointer === null ? null : <Report served={data.pointer.version} />}
        </>
      )}
      {wanted === null ? null : (
        <SwitchDialog
          version={wanted.version}
          createdAt={wanted.createdAt}
          served={served ?? null}
          onClose={(switched) => {
            setWanted(null);
            if (switched !== null) onDone(switched);
          }}
        />
      )}
    </div>
  );
}
