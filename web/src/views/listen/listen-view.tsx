import { useState } from 'preact/hooks';
import { ApiProblem } from '../../api/client.ts';
import { useAnswer } from '../../api/use-answer.ts';
import { withArtist } from '../../listener.ts';
import { Avatar } from '../../parts/avatar.tsx';
import { count, sentence } from '../../parts/format.ts';
import { Empty, Failed, Loading } from '../../parts/states.tsx';
import { useSettled } from '../../parts/use-settled.ts';
import type { View } from '../view.ts';
import { PLAIN, withTags, type Knobs } from './ask-list.ts';
import { KnobsForm } from './knobs.tsx';
import './listen.css';
import { ListedArtistItem } from './listed-artist.tsx';
import { sendFeedback, type Feedback } from './send-feedback.ts';
import { useList, type List, type ListedArtist } from './use-list.ts';
import { WhoseList } from './whose-list.tsx';

/** Who would like what next, and why: the page's first view. */
export function ListenView(view: View) {
  const { listening } = view;
  const [knobs, setKnobs] = useState(PLAIN);
  // Where there is no room beside the list the list comes first.
  const [isWide] = useState(() => matchMedia('(min-width: 55rem)').matches);
  return (
    <>
      <h1>
        {listening.known === null ? 'What to hear next' : `What listener ${listening.known} may hear next`}
      </h1>
      <div class="listen">
        <aside>
          <WhoseList {...view} />
          <details class="knobs" open={isWide}>
            <summary>How the list is made</summary>
            <KnobsForm knobs={knobs} change={setKnobs} />
          </details>
        </aside>
        <TheList key={listening.known ?? ''} {...view} knobs={knobs} setKnobs={setKnobs} />
      </div>
    </>
  );
}

/** Rests of a slider that are worth a list. */
const PAUSE_MS = 150;

function TheList({
  knobs,
  setKnobs,
  ...view
}: View & { readonly knobs: Knobs; readonly setKnobs: (next: Knobs) => void }) {
  const { listening, setListening } = view;
  const settled = useSettled(knobs, PAUSE_MS);
  const { data, problem, isAsking, isAsked, again } = useList(listening, settled);
  const [busy, setBusy] = useState<{ readonly artistId: string; readonly feedback: Feedback } | null>(null);
  const [said, setSaid] = useState('');
  // Where nothing can be stored the page remembers itself, for as long as it is open.
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());

  async function say(feedback: Feedback, { artistId, name }: ListedArtist): Promise<void> {
    const { own, known } = listening;
    setBusy({ artistId, feedback });
    try {
      const about = { userId: known ?? own.id, artistId, exposureId: data?.exposureId ?? null };
      const sent = await sendFeedback(feedback, about, Date.now());
      setSaid(SAID[feedback](name));
      if (sent === 'refused') {
        setHidden(new Set([...hidden, artistId]));
        if (feedback !== 'dislike' && known === null) {
          setListening(withArtist(listening, { artistId, name }));
        }
        setSaid(`${SAID[feedback](name)} This service stores nothing from visitors: only this page knows.`);
      } else again();
    } catch (error) {
      const why = error instanceof ApiProblem ? error.message : String(error);
      setSaid(`That could not be stored. ${sentence(why)} Try again.`);
    } finally {
      setBusy(null);
    }
  }

  return (
    <section aria-label="The list" aria-busy={isAsking}>
      <p class="said" role="status">
        {said}
      </p>
      {!isAsked ? (
        <Beginning {...view} />
      ) : problem !== undefined && data === undefined ? (
        <Failed what="The list" problem={problem} again={again} />
      ) : data === undefined ? (
        <Loading rows={8} label="Making the list" />
      ) : (
        <>
          {problem === undefined ? null : <Failed what="The new list" problem={problem} again={again} />}
          <ol class="list">
            {data.recommendations
              .filter(({ artistId }) => !hidden.has(artistId))
              .map((artist) => (
                <ListedArtistItem
                  key={artist.artistId}
                  artist={artist}
                  busy={busy?.artistId === artist.artistId ? busy.feedback : null}
                  say={(feedback) => void say(feedback, artist)}
                  onTag={(tag) => setKnobs({ ...knobs, tags: withTags(knobs.tags, tag) })}
                />
              ))}
          </ol>
          {data.recommendations.length === 0 ? (
            <Empty title="Nobody is left">
              <p>No artist fits what you ask for. Take a tag away, or name another artist.</p>
            </Empty>
          ) : null}
          <MadeBy list={data} />
        </>
      )}
    </section>
  );
}

const SAID = {
  like: (name: string) => `You like ${name}: more like it, and it leaves the list.`,
  dislike: (name: string) => `You do not like ${name}: it will not come again.`,
  play: (name: string) => `You have played ${name}: it counts as heard.`,
} as const satisfies Record<Feedback, (name: string) => string>;

const POLICIES = {
  personal: 'a personal list',
  'fold-in': 'made on the spot from the artists named',
  popular: 'the popular list',
  none: 'no list: there is no model yet',
} as const satisfies Record<List['policy'], string>;

/** What made the list, small. */
function MadeBy({ list }: { readonly list: List }) {
  const { policy, experiment, variant, modelVersion, exposureId, unresolved = [] } = list;
  const names = unresolved.flatMap(({ name, id }) => name ?? id ?? []);
  return (
    <footer class="muted made-by">
      {names.length === 0 ? null : (
        <details>
          <summary>{count(names.length)} of your artists are not in the catalogue</summary>
          <p>
            {names.slice(0, 100).join(', ')}
            {names.length > 100 ? ' …' : ''}
          </p>
        </details>
      )}
      <p>
        {POLICIES[policy]} ·{' '}
        {experiment === null ? 'in no experiment' : `experiment ${experiment}, variant ${variant ?? '–'}`} ·
        model {modelVersion ?? 'none'} ·{' '}
        {exposureId === null ? 'not logged' : `exposure ${exposureId.slice(0, 8)}`}
      </p>
    </footer>
  );
}

/** What there is before anything is known of somebody: artists that many know, to begin with. */
function Beginning({ listening, setListening }: View) {
  const { data, problem, again } = useAnswer('GET /artists/popular', { query: { n: 12 } });
  if (problem !== undefined) return <Failed what="The artists" problem={problem} again={again} />;
  return (
    <>
      <p>Name a few artists that you like, or begin with some that many know:</p>
      {data === undefined ? (
        <Loading rows={3} label="Loading artists" />
      ) : (
        <ul class="beginning">
          {data.artists.map(({ artistId, name, listeners }) => (
            <li key={artistId}>
              <button
                type="button"
                class="outline"
                onClick={() => setListening(withArtist(listening, { artistId, name }))}
              >
                <Avatar name={name} size={36} />
                <span>
                  {name} <small class="muted">{count(listeners)} listeners</small>
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
